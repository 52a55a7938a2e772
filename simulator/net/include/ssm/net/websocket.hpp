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
  /// without one, 0 when this side called close, drop or reset. 1002, 1007 or 1009 when this side
  /// ended it because of what the peer sent; such a code can also be the peer's: `detail` tells.
  std::uint16_t code = 0;
  std::string reason{};
  /// For people: "connection reset by peer", "message larger than 1048576 bytes", ...
  std::string detail{};
};

struct WebSocketHandlers {
  /// One whole message, reassembled.
  std::function<void(Frame message, bool is_text)> on_message = nullptr;
  /// Once; nothing is called after it. Not called after this side destroyed the handle.
  std::function<void(const WebSocketEnd&)> on_end = nullptr;
  /// The write queue fell to `low_water_bytes` after it was above `high_water_bytes`.
  std::function<void()> on_writable = nullptr;
  std::function<void(std::string_view payload)> on_ping =
      nullptr;  ///< answered by the library already
  std::function<void(std::string_view payload)> on_pong = nullptr;
};

struct WebSocketOptions {
  /// A larger message ends the connection with close code 1009.
  std::size_t max_message_bytes = std::size_t{1} << 20U;
  std::size_t high_water_bytes = std::size_t{256} * 1024;
  std::size_t low_water_bytes = std::size_t{64} * 1024;
  /// Client side: TCP connect and handshake must be done within this time.
  Duration open_timeout = std::chrono::seconds(45);
};

/// One open WebSocket connection, client or server side. A movable handle; destroying it drops the
/// TCP connection at once without a close frame, as both references do (TRANS-023). Compression is
/// never offered nor accepted; a message is sent as one frame. What one callback of the loop sends
/// leaves in one system call at its end. Callbacks may destroy or replace the handle; none comes
/// from inside a call to it.
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

  /// Queue a message; order is kept over all kinds. Ignored once the connection has ended or is
  /// being closed. A ping's payload is cut to 125 bytes.
  void send_binary(Frame message);
  void send_text(std::string_view message);
  void send_ping(std::string_view payload);
  /// Wire bytes that the socket has not taken yet.
  [[nodiscard]] std::size_t queued_bytes() const;
  /// True from the high water mark until the queue is below the low one.
  [[nodiscard]] bool congested() const;

  /// Stop taking messages from the socket, so that TCP slows the peer down. Until `resume_reading`
  /// nothing at all is read: pings are not answered, and the peer's end is not noticed unless
  /// something is sent. May be called in on_message; no further message comes then.
  void pause_reading();
  void resume_reading();

  /// Sends a close frame after what is queued, then drops TCP once the peer answered or 2 s passed.
  /// Messages that still arrive are discarded. The code goes out as given, valid or not; a long
  /// reason is cut. Here and below on_end comes later with code 0, and if the handle is destroyed
  /// meanwhile what was begun still goes on.
  void close(std::uint16_t code, std::string_view reason);
  /// Drops TCP after what is queued was written (at most 2 s), without a close frame.
  void drop();
  /// Sends a TCP reset at once; what is queued is lost.
  void reset();

  [[nodiscard]] bool open() const;
  [[nodiscard]] std::string_view remote() const;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace ssm::net
