#include "detail/stream.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <chrono>
#include <utility>

namespace ssm::net::detail {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using protocol::Bytes;
using protocol::MutableBytes;

namespace {

/// TCP or Unix.
using Socket = asio::generic::stream_protocol::socket;

class SocketStream final : public Stream {
 public:
  SocketStream(EventLoop& loop, Socket socket) : loop_(loop.impl()), socket_(std::move(socket)) {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    // Means nothing to a Unix socket, which refuses it.
    socket_.set_option(tcp::no_delay(true), ignored);
    // Shells that an agent starts must not hold our connections open.
    ::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);
  }

  std::size_t read_some(MutableBytes into, error_code& error) override {
    return socket_.read_some(asio::buffer(into.data(), into.size()), error);
  }

  std::size_t write_some(Bytes bytes, error_code& error) override {
    return socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
  }

  void wait_readable(std::shared_ptr<StreamUser> user) override {
    socket_.async_wait(Socket::wait_read,
                       [&loop = loop_, user = std::move(user)](const error_code& error) {
                         if (error != asio::error::operation_aborted) {
                           loop.dispatch([&] { user->on_readable(); });
                         }
                       });
  }

  void wait_writable(std::shared_ptr<StreamUser> user) override {
    socket_.async_wait(Socket::wait_write,
                       [&loop = loop_, user = std::move(user)](const error_code& error) {
                         if (error != asio::error::operation_aborted) {
                           loop.dispatch([&] { user->on_writable(); });
                         }
                       });
  }

  void shutdown_write() override {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

  void reset() override {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
  }

 private:
  EventLoop::Impl& loop_;
  Socket socket_;
};

constexpr auto linger_time = std::chrono::seconds(2);
constexpr std::size_t linger_bytes = std::size_t{8} * 1024 * 1024;

class Lingerer final : public StreamUser, public std::enable_shared_from_this<Lingerer> {
 public:
  Lingerer(EventLoop& loop, std::unique_ptr<Stream> stream, std::shared_ptr<void> token)
      : loop_(loop), stream_(std::move(stream)), token_(std::move(token)), timer_(loop) {}

  void start() {
    stream_->shutdown_write();
    timer_.arm(EventLoop::now() + linger_time, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->finish();
      }
    });
    stream_->wait_readable(shared_from_this());
  }

  void on_readable() override {
    if (!stream_) {
      return;
    }
    error_code error;
    discarded_ += stream_->read_some(loop_.impl().read_scratch, error);
    if ((error && !is_would_block(error)) || discarded_ > linger_bytes) {
      finish();
      return;
    }
    stream_->wait_readable(shared_from_this());
  }
  void on_writable() override {}
  void on_deferred() override {}

 private:
  void finish() {
    timer_.cancel();
    if (stream_) {
      stream_->close();
      stream_.reset();
    }
    token_.reset();
  }

  EventLoop& loop_;
  std::unique_ptr<Stream> stream_;
  std::shared_ptr<void> token_;
  Timer timer_;
  std::size_t discarded_ = 0;
};

}  // namespace

bool is_would_block(const error_code& error) {
  return error == boost::system::errc::operation_would_block ||
         error == boost::system::errc::resource_unavailable_try_again ||
         error == boost::system::errc::interrupted;
}

std::unique_ptr<Stream> make_tcp_stream(EventLoop& loop, tcp::socket socket) {
  return std::make_unique<SocketStream>(loop, std::move(socket));
}

std::unique_ptr<Stream> make_stream(EventLoop& loop, int fd) {
  int family = AF_UNSPEC;
  socklen_t size = sizeof family;
  ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
  return std::make_unique<SocketStream>(
      loop, Socket(loop.impl().io, asio::generic::stream_protocol(family, 0), fd));
}

std::string to_string(const tcp::endpoint& endpoint) {
  std::string text = endpoint.address().to_string();
  if (endpoint.address().is_v6()) {
    text.insert(text.begin(), '[');
    text.push_back(']');
  }
  return text + ":" + std::to_string(endpoint.port());
}

void linger(EventLoop& loop, std::unique_ptr<Stream> stream, std::shared_ptr<void> token) {
  std::make_shared<Lingerer>(loop, std::move(stream), std::move(token))->start();
}

}  // namespace ssm::net::detail
