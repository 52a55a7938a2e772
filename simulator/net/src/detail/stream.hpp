#pragma once

#include "detail/loop_impl.hpp"
#include "ssm/protocol/bytes.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace ssm::net::detail {

/// Who reads and writes a stream. A call that was already queued when the stream was closed or
/// handed on may still arrive: check your own state first.
class StreamUser : public Deferred {
 public:
  virtual void on_readable() = 0;
  virtual void on_writable() = 0;
};

/// A connected byte stream, TCP today and TLS later: reads and writes what is possible now, and
/// says when more is possible. A waiting call keeps its user alive. Destroying it closes it.
class Stream {
 public:
  Stream() = default;
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Errors: would_block, asio::error::eof at the peer's end, else the system's.
  [[nodiscard]] virtual std::size_t read_some(protocol::MutableBytes into,
                                              boost::system::error_code& error) = 0;
  [[nodiscard]] virtual std::size_t write_some(protocol::Bytes bytes,
                                               boost::system::error_code& error) = 0;
  virtual void wait_readable(std::shared_ptr<StreamUser> user) = 0;
  virtual void wait_writable(std::shared_ptr<StreamUser> user) = 0;
  /// Tells the peer that nothing more comes; reading stays possible.
  virtual void shutdown_write() = 0;
  virtual void close() = 0;
  /// Closes with a TCP reset.
  virtual void reset() = 0;
};

[[nodiscard]] bool is_would_block(const boost::system::error_code& error);

/// Takes an open socket; sets non-blocking mode, TCP_NODELAY and close-on-exec.
[[nodiscard]] std::unique_ptr<Stream> make_tcp_stream(EventLoop& loop,
                                                      boost::asio::ip::tcp::socket socket);

/// Takes over a connected TCP or Unix stream socket; the same.
[[nodiscard]] std::unique_ptr<Stream> make_stream(EventLoop& loop, int fd);

/// "127.0.0.1:50312", "[::1]:50312".
[[nodiscard]] std::string to_string(const boost::asio::ip::tcp::endpoint& endpoint);

/// Ends the writing side, discards what the peer still sends until its end (at most 2 s and some
/// MiB), then closes. Closing at once would turn unread input into a reset, which can destroy at
/// the peer what was sent last. `token` is held until then.
void linger(EventLoop& loop, std::unique_ptr<Stream> stream, std::shared_ptr<void> token = nullptr);

}  // namespace ssm::net::detail
