#pragma once

#include <boost/system/error_code.hpp>

#include <cstddef>
#include <functional>
#include <memory>

#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/bytes.hpp"

namespace ssm::net {

/// A pollable file descriptor on a loop: a pty, a pipe, a terminal, a pidfd.
///
/// Owns the descriptor (closed on destruction) unless `release` was called. The descriptor is set
/// to non-blocking mode; for stdin, stdout and stderr pass a duplicate and restore the flags
/// (they are shared with the parent process). Regular files and /dev/null, which epoll refuses,
/// also work: they are always ready.
class Descriptor {
 public:
  Descriptor(EventLoop& loop, int fd);
  ~Descriptor();
  Descriptor(Descriptor&&) noexcept;
  Descriptor& operator=(Descriptor&&) noexcept;

  /// Calls `on_data` with each chunk of at most `chunk_bytes` (the view is valid during the call),
  /// then `on_end` once: no error at end of file, else the error (a pty whose shell ended gives
  /// EIO). `pause` and `resume` may be called at any time, from the callback too; the callbacks may
  /// destroy this object.
  void start_reading(std::size_t chunk_bytes, std::function<void(protocol::Bytes)> on_data,
                     std::function<void(boost::system::error_code)> on_end);
  void pause();
  void resume();

  /// Queues bytes (copied). `on_drained` (below) is called when the queue has become empty.
  void write(protocol::Bytes bytes);
  [[nodiscard]] std::size_t queued_bytes() const;
  void on_drained(std::function<void()> callback);
  void on_write_error(std::function<void(boost::system::error_code)> callback);

  /// One-shot: calls back when the descriptor is readable, without reading (pidfd).
  void wait_readable(std::function<void()> callback);

  [[nodiscard]] int fd() const;
  /// Stops everything and gives the descriptor back.
  int release();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ssm::net
