#pragma once

#include <string>

#include "ssm/protocol/frame.hpp"

/// What roles ask of their drivers. A driver calls a role's inputs, then drains `poll_output` and
/// `poll_event` until both are empty, then arms one timer for `next_timeout`.

namespace ssm::protocol {

/// Open the data-channel WebSocket; answer with connection_opened or connection_failed.
struct OpenConnection {
  /// Client: the URL to dial. Agent: empty, the driver knows the endpoint.
  std::string url;
};
/// Drop the connection without a close frame, after what was sent before is written.
struct DropConnection {};
struct SendText {
  std::string text;
};
struct SendBinary {
  Frame frame;
};
/// A WebSocket ping with payload `keepalive`.
struct SendPing {};

}  // namespace ssm::protocol
