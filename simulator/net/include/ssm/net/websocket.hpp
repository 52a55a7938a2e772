#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/frame.hpp"

namespace ssm::net {

using protocol::Frame;

/// How a WebSocket connection ended.
struct WebSocketEnd {
  /// The code of the peer's close frame (1005 when it had none), 1006 when the connection broke
  /// without one, 0 when this side closed.
  std::uint16_t code = 0;
  std::string reason;
  /// For people: "connection reset by peer", "message larger than 1048576 bytes", ...
  std::string detail;
};

struct WebSocketHandlers {
  /// One whole message, reassembled.
  std::function<void(Frame message, bool is_text)> on_message;
  /// Once; nothing is called after it. Not called after this side destroyed the handle.
  std::function<void(const WebSocketEnd&)> on_end;
  /// The write queue fell below `low_water_bytes` after it was above `high_water_bytes`.
  std::function<void()> on_writable;
  std::function<void(std::string_view payload)> on_ping;  ///< answered by the library already
  std::function<void(std::string_view payload)> on_pong;
};

struct WebSocketOptions {
  /// A larger message ends the connection with close code 1009.
  std::size_t max_message_bytes = std::size_t{1} << 20U;
  std::size_t high_water_bytes = std::size_t{256} * 1024;
  std::size_t low_water_bytes = std::size_t{64} * 1024;
  /// Handshake and TCP connect must be done within this time.
  Duration open_timeout = std::chrono::seconds(45);
};

/// One open WebSocket connection, client or server side. A movable handle; destroying it drops the
/// TCP connection without a close frame, as both references do (data-channel.md 1.6).
/// Compression is never offered nor accepted. Callbacks may destroy or replace the handle.
class WebSocket {
 public:
  class Impl;
  explicit WebSocket(std::shared_ptr<Impl> impl);
  WebSocket();
  ~WebSocket();
  WebSocket(WebSocket&&) noexcept;
  WebSocket& operator=(WebSocket&&) noexcept;

  /// Begins reading; call once. Nothing is read before.
  void start(WebSocketHandlers handlers);

  /// Queue a message; order is kept over all kinds. Writing is coalesced where the socket is busy.
  void send_binary(Frame message);
  void send_text(std::string_view message);
  void send_ping(std::string_view payload);
  [[nodiscard]] std::size_t queued_bytes() const;
  /// True from the high water mark until the queue is below the low one.
  [[nodiscard]] bool congested() const;

  /// Stop taking messages from the socket, so that TCP slows the peer down.
  void pause_reading();
  void resume_reading();

  /// Sends a close frame after what is queued, then drops TCP once the peer answered or 2 s passed.
  /// on_end is called with code 0.
  void close(std::uint16_t code, std::string_view reason);
  /// Drops TCP after what is queued was written (at most 2 s), without a close frame.
  void drop();
  /// Sends a TCP reset at once.
  void reset();

  [[nodiscard]] bool open() const;
  [[nodiscard]] std::string_view remote() const;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace ssm::net
