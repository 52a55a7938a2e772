#pragma once

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <functional>
#include <memory>

#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/bytes.hpp"

namespace ssm::net {

struct StreamHandlers {
  /// How many bytes on_data may be given now. At 0 nothing is read, so that the peer has to wait,
  /// until resume_reading. Asked before each read; not set: any number.
  std::function<std::size_t()> room = nullptr;
  /// What arrived. The view is valid during the call.
  std::function<void(protocol::Bytes data)> on_data = nullptr;
  /// The peer has ended its writing side; ours goes on.
  std::function<void()> on_end = nullptr;
  /// The connection broke. Nothing is called after it.
  std::function<void(boost::system::error_code error)> on_error = nullptr;
  /// Write now: see StreamSocket::request_write.
  std::function<void()> on_writable = nullptr;
};

/// One connected TCP or Unix stream socket whose user keeps the bytes: this object holds none, in
/// either direction. A movable handle; destroying it closes the connection at once, with a reset if
/// something is unread.
///
/// Callbacks may destroy or replace the handle; none comes from inside a call to it.
class StreamSocket {
 public:
  class Impl;
  StreamSocket();
  explicit StreamSocket(std::shared_ptr<Impl> impl);
  ~StreamSocket();
  StreamSocket(StreamSocket&&) noexcept;
  StreamSocket& operator=(StreamSocket&&) noexcept;

  /// Takes over a connected socket; it is set to non-blocking mode and close-on-exec.
  [[nodiscard]] static StreamSocket adopt(EventLoop& loop, int fd);

  /// Begins reading; call once. Nothing is read before.
  void start(StreamHandlers handlers);
  /// `room` is not 0 any more.
  void resume_reading();

  /// There is something to write: calls on_writable at the end of the present callback, so that
  /// what came in pieces leaves in one system call; and again whenever the socket takes more after
  /// write_some took less than all.
  void request_write();
  /// In on_writable. Returns how many bytes the socket took; 0 also when the connection broke,
  /// which on_error tells.
  [[nodiscard]] std::size_t write_some(protocol::Bytes bytes);
  /// Tells the peer that nothing more comes; reading goes on.
  void shutdown_write();

  /// Ends both directions in good order: what was written arrives, what the peer still sends is
  /// discarded for at most 2 s. No callback comes after it.
  void close();
  /// Ends both directions with a reset (TCP), which the peer sees as an error. No callback comes
  /// after it.
  void reset();

  [[nodiscard]] bool open() const;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace ssm::net
