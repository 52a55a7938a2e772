#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detail/stream.hpp"
#include "ssm/net/websocket.hpp"

namespace ssm::net::detail {

enum class WebSocketSide { client, server };

struct WebSocketParts {
  std::unique_ptr<Stream> stream;
  WebSocketSide side = WebSocketSide::server;
  WebSocketOptions options;
  std::string remote;
  /// What came behind the handshake and was read with it.
  std::vector<std::byte> unread;
};

/// After the handshake.
[[nodiscard]] WebSocket make_websocket(EventLoop& loop, WebSocketParts parts);

/// Value of Sec-WebSocket-Accept for a Sec-WebSocket-Key.
[[nodiscard]] std::string websocket_accept(std::string_view key);
/// A fresh Sec-WebSocket-Key.
[[nodiscard]] std::string websocket_key();

}  // namespace ssm::net::detail
