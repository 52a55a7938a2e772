#include "ssm/net/stream_socket.hpp"

#include "detail/stream.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace ssm::net {

using boost::system::error_code;
using protocol::Bytes;

namespace {

/// Reads in a row before other connections get their turn.
constexpr int max_reads_per_turn = 4;

}  // namespace

class StreamSocket::Impl final : public detail::StreamUser,
                                 public std::enable_shared_from_this<Impl> {
 public:
  Impl(EventLoop& loop, std::unique_ptr<detail::Stream> stream)
      : loop_(loop), stream_(std::move(stream)) {}

  void start(StreamHandlers handlers) {
    SSM_ASSERT(!handlers_);
    handlers_ = std::make_shared<StreamHandlers>(std::move(handlers));
    defer();
  }

  void resume_reading() {
    if (!read_waiting_) {
      defer();
    }
  }

  void request_write() {
    if (!write_waiting_) {
      write_wanted_ = true;
      defer();
    }
  }

  std::size_t write_some(Bytes bytes) {
    std::size_t count = 0;
    while (stream_ && !broken_ && !write_waiting_ && count < bytes.size()) {
      error_code error;
      count += stream_->write_some(bytes.subspan(count), error);
      if (detail::is_would_block(error)) {
        write_waiting_ = true;
        stream_->wait_writable(shared_from_this());
      } else if (error) {
        broken_ = error;
        defer();
      }
    }
    return count;
  }

  void shutdown_write() {
    if (stream_) {
      stream_->shutdown_write();
    }
  }

  void close() {
    forget_handlers();
    if (stream_) {
      detail::linger(loop_, std::move(stream_));
    }
  }

  void end_at_once(bool with_reset) {
    forget_handlers();
    if (stream_) {
      if (with_reset) {
        stream_->reset();
      } else {
        stream_->close();
      }
      stream_.reset();
    }
  }

  [[nodiscard]] bool open() const { return stream_ != nullptr; }

  void on_readable() override {
    read_waiting_ = false;
    read_turn();
    if (stream_) {
      defer();
    }
  }

  void on_writable() override {
    write_waiting_ = false;
    write_wanted_ = true;
    defer();
  }

  void on_deferred() override {
    // The callbacks may destroy the handle; this keeps them alive until they have returned.
    const auto self = shared_from_this();
    const auto handlers = handlers_;
    if (!handlers || !stream_) {
      return;
    }
    if (!broken_ && !write_waiting_ && std::exchange(write_wanted_, false) &&
        handlers->on_writable) {
      handlers->on_writable();
    }
    if (broken_) {
      report_error(*broken_);
    } else if (stream_ && handlers_ && !read_ended_ && !read_waiting_ && room(*handlers) > 0) {
      read_waiting_ = true;
      stream_->wait_readable(self);
    }
  }

 private:
  void defer() { loop_.impl().defer(shared_from_this()); }

  [[nodiscard]] static std::size_t room(const StreamHandlers& handlers) {
    return handlers.room ? handlers.room() : EventLoop::Impl::scratch_bytes;
  }

  void read_turn() {
    const auto self = shared_from_this();
    const auto handlers = handlers_;
    for (int i = 0; i < max_reads_per_turn && handlers_ && stream_ && !read_ended_ && !broken_;
         ++i) {
      const std::size_t wanted = std::min(room(*handlers), loop_.impl().read_scratch.size());
      if (wanted == 0) {
        return;
      }
      const auto scratch = protocol::MutableBytes(loop_.impl().read_scratch).first(wanted);
      error_code error;
      const std::size_t count = stream_->read_some(scratch, error);
      if (error == boost::asio::error::eof) {
        read_ended_ = true;
        if (handlers->on_end) {
          handlers->on_end();
        }
      } else if (error) {
        if (!detail::is_would_block(error)) {
          broken_ = error;
        }
        return;
      } else if (handlers->on_data) {
        handlers->on_data(scratch.first(count));
      }
      if (count < wanted) {
        return;
      }
    }
  }

  void report_error(const error_code& error) {
    stream_->close();
    stream_.reset();
    const auto handlers = std::exchange(handlers_, nullptr);
    if (handlers->on_error) {
      handlers->on_error(error);
    }
  }

  void forget_handlers() {
    // From a local: what the handlers captured may own things that own this.
    const auto old = std::exchange(handlers_, nullptr);
  }

  EventLoop& loop_;
  std::unique_ptr<detail::Stream> stream_;
  std::shared_ptr<StreamHandlers> handlers_;
  std::optional<error_code> broken_;
  bool read_waiting_ = false;
  bool read_ended_ = false;
  bool write_waiting_ = false;
  bool write_wanted_ = false;
};

StreamSocket::StreamSocket() = default;
StreamSocket::StreamSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
StreamSocket::~StreamSocket() {
  if (impl_) {
    impl_->end_at_once(false);
  }
}
StreamSocket::StreamSocket(StreamSocket&&) noexcept = default;
StreamSocket& StreamSocket::operator=(StreamSocket&& other) noexcept {
  const StreamSocket old(std::move(*this));
  impl_ = std::move(other.impl_);
  return *this;
}

StreamSocket StreamSocket::adopt(EventLoop& loop, int fd) {
  return StreamSocket(std::make_shared<Impl>(loop, detail::make_stream(loop, fd)));
}

void StreamSocket::start(StreamHandlers handlers) {
  impl_->start(std::move(handlers));
}
void StreamSocket::resume_reading() {
  if (impl_) {
    impl_->resume_reading();
  }
}
void StreamSocket::request_write() {
  if (impl_) {
    impl_->request_write();
  }
}
std::size_t StreamSocket::write_some(Bytes bytes) {
  return impl_ ? impl_->write_some(bytes) : 0;
}
void StreamSocket::shutdown_write() {
  if (impl_) {
    impl_->shutdown_write();
  }
}
void StreamSocket::close() {
  if (impl_) {
    impl_->close();
  }
}
void StreamSocket::reset() {
  if (impl_) {
    impl_->end_at_once(true);
  }
}
bool StreamSocket::open() const {
  return impl_ && impl_->open();
}

}  // namespace ssm::net
