#include "ssm/net/descriptor.hpp"

#include "detail/loop_impl.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <unistd.h>

#include <cerrno>
#include <span>
#include <utility>
#include <vector>

namespace ssm::net {

namespace asio = boost::asio;
using boost::system::error_code;
using protocol::Bytes;

namespace {

/// Reads in a row before other descriptors get their turn.
constexpr int max_reads_per_turn = 16;

error_code last_error() {
  return {errno, boost::system::system_category()};
}

bool would_block(const error_code& error) {
  return error == boost::system::errc::operation_would_block ||
         error == boost::system::errc::resource_unavailable_try_again;
}

struct ReadCallbacks {
  std::function<void(Bytes)> on_data;
  std::function<void(error_code)> on_end;
};

}  // namespace

/// Waits for readiness, then reads or writes itself: nothing is taken from the descriptor that a
/// pause or a release would have to give back.
struct Descriptor::Impl final : detail::Deferred, std::enable_shared_from_this<Impl> {
  Impl(EventLoop::Impl& event_loop, int fd) : loop(event_loop), stream(event_loop.io, fd) {
    stream.native_non_blocking(true);
  }

  template <class Callback>
  void wait(asio::posix::descriptor_base::wait_type type, Callback callback) {
    stream.async_wait(type, [self = shared_from_this(), callback](const error_code& error) {
      // Regular files and /dev/null cannot be waited for (operation_not_supported) but are always
      // ready; after any other error the read or write itself says what is wrong.
      if (error != asio::error::operation_aborted && self->stream.is_open()) {
        self->loop.dispatch([&] { callback(*self); });
      }
    });
  }

  void want_read() {
    if (reader && !paused && !read_waiting) {
      read_waiting = true;
      wait(asio::posix::descriptor_base::wait_read, [](Impl& self) {
        self.read_waiting = false;
        self.read_turn();
      });
    }
  }

  void read_turn() {
    // The callbacks may destroy the handle; this keeps them alive until they have returned.
    const auto self = shared_from_this();
    const auto current = reader;
    for (int i = 0; i < max_reads_per_turn; ++i) {
      if (!current || reader != current || paused || !stream.is_open()) {
        return;
      }
      const ssize_t count = ::read(stream.native_handle(), chunk.data(), chunk.size());
      if (count > 0) {
        current->on_data(Bytes(chunk.data(), static_cast<std::size_t>(count)));
        if (static_cast<std::size_t>(count) < chunk.size()) {
          break;
        }
        continue;
      }
      const error_code error = count == 0 ? error_code{} : last_error();
      if (would_block(error) || error == boost::system::errc::interrupted) {
        break;
      }
      reader.reset();
      current->on_end(error);
      return;
    }
    want_read();
  }

  void write(Bytes bytes) {
    if (write_failed || !stream.is_open()) {
      return;
    }
    queue.insert(queue.end(), bytes.begin(), bytes.end());
    if (!write_waiting) {
      loop.defer(shared_from_this());
    }
  }

  void on_deferred() override {
    if (!write_waiting && !write_failed && stream.is_open()) {
      write_turn();
    }
  }

  void write_turn() {
    const auto self = shared_from_this();
    while (written < queue.size()) {
      const auto rest = std::span(queue).subspan(written);
      const ssize_t count = ::write(stream.native_handle(), rest.data(), rest.size());
      if (count >= 0) {
        written += static_cast<std::size_t>(count);
        continue;
      }
      const error_code error = last_error();
      if (error == boost::system::errc::interrupted) {
        continue;
      }
      if (would_block(error)) {
        compact();
        write_waiting = true;
        wait(asio::posix::descriptor_base::wait_write, [](Impl& waited) {
          waited.write_waiting = false;
          waited.write_turn();
        });
        return;
      }
      fail_writing(error);
      return;
    }
    queue.clear();
    if (queue.capacity() > EventLoop::Impl::scratch_bytes) {
      queue.shrink_to_fit();
    }
    written = 0;
    if (const auto callback = drained; callback && *callback) {
      (*callback)();
    }
  }

  /// Drops what was written once it is the larger part, so that each byte moves at most once.
  void compact() {
    if (written > queue.size() / 2) {
      queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(written));
      written = 0;
    }
  }

  void fail_writing(const error_code& error) {
    write_failed = true;
    queue = {};
    written = 0;
    if (const auto callback = write_error; callback && *callback) {
      (*callback)(error);
    }
  }

  void forget_callbacks() {
    // From locals: what they captured may own the handle.
    const auto old_reader = std::exchange(reader, nullptr);
    const auto old_drained = std::exchange(drained, nullptr);
    const auto old_error = std::exchange(write_error, nullptr);
    const auto old_readable = std::exchange(readable, nullptr);
  }

  EventLoop::Impl& loop;
  asio::posix::stream_descriptor stream;
  std::shared_ptr<ReadCallbacks> reader;
  std::vector<std::byte> chunk;
  bool paused = false;
  bool read_waiting = false;

  std::vector<std::byte> queue;
  std::size_t written = 0;
  bool write_waiting = false;
  bool write_failed = false;
  std::shared_ptr<std::function<void()>> drained;
  std::shared_ptr<std::function<void(error_code)>> write_error;
  std::shared_ptr<std::function<void()>> readable;
};

Descriptor::Descriptor(EventLoop& loop, int fd) : impl_(std::make_shared<Impl>(loop.impl(), fd)) {}

Descriptor::~Descriptor() {
  if (impl_) {
    error_code ignored;
    impl_->stream.close(ignored);
    impl_->forget_callbacks();
  }
}

Descriptor::Descriptor(Descriptor&&) noexcept = default;

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  Descriptor old(std::move(*this));
  impl_ = std::move(other.impl_);
  return *this;
}

void Descriptor::start_reading(std::size_t chunk_bytes, std::function<void(Bytes)> on_data,
                               std::function<void(error_code)> on_end) {
  SSM_ASSERT(chunk_bytes > 0);
  impl_->chunk.resize(chunk_bytes);
  impl_->reader =
      std::make_shared<ReadCallbacks>(ReadCallbacks{std::move(on_data), std::move(on_end)});
  impl_->want_read();
}

void Descriptor::pause() {
  impl_->paused = true;
}

void Descriptor::resume() {
  impl_->paused = false;
  impl_->want_read();
}

void Descriptor::write(Bytes bytes) {
  impl_->write(bytes);
}

std::size_t Descriptor::queued_bytes() const {
  return impl_->queue.size() - impl_->written;
}

void Descriptor::on_drained(std::function<void()> callback) {
  impl_->drained = std::make_shared<std::function<void()>>(std::move(callback));
}

void Descriptor::on_write_error(std::function<void(error_code)> callback) {
  impl_->write_error = std::make_shared<std::function<void(error_code)>>(std::move(callback));
}

void Descriptor::wait_readable(std::function<void()> callback) {
  impl_->readable = std::make_shared<std::function<void()>>(std::move(callback));
  impl_->wait(asio::posix::descriptor_base::wait_read, [](Impl& self) {
    if (const auto ready = std::exchange(self.readable, nullptr)) {
      (*ready)();
    }
  });
}

int Descriptor::fd() const {
  return impl_->stream.native_handle();
}

int Descriptor::release() {
  impl_->forget_callbacks();
  return impl_->stream.release();
}

}  // namespace ssm::net
