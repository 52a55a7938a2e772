#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

/// Where the connection of a client or agent stands:
///
///     idle -> (requesting ->) opening -> open -> waiting -> requesting -> opening -> open ...
///
/// with `waiting` before each further try, and `lost` once there is none left and the role goes on
/// without a connection. `ended` can follow any of them.
enum class ConnectionState : std::uint8_t {
  idle,
  requesting,  ///< a token: ResumeSession, CreateDataChannel
  opening,
  open,
  waiting,
  lost,
  ended,
};
[[nodiscard]] std::string_view name(ConnectionState state);

/// A look inside a client or agent for people, simulations and their invariants.
struct ChannelStatus {
  ConnectionState connection = ConnectionState::idle;
  // Sending.
  std::int64_t next_sequence = 0;
  /// The oldest number that was not acknowledged, and how many there are.
  std::optional<std::int64_t> oldest_unacknowledged;
  std::size_t unacknowledged = 0;
  /// Of these, how many never went on a wire.
  std::size_t unwritten = 0;
  // Receiving.
  std::int64_t expected_sequence = 0;
  /// Messages held ahead of a gap, and their bytes.
  std::size_t stored_messages = 0;
  std::size_t stored_bytes = 0;
};

}  // namespace ssm::protocol
