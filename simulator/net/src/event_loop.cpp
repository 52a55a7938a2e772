#include "ssm/net/event_loop.hpp"

#include "detail/loop_impl.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <signal.h>

#include <chrono>
#include <optional>
#include <utility>

namespace ssm::net {

namespace asio = boost::asio;
using boost::system::error_code;

// One thread runs the loop: Asio may skip waking others, and keeps handlers local.
EventLoop::Impl::Impl() : io(1), read_scratch(scratch_bytes) {
  // A write to a pipe without a reader is an error of that descriptor, not the end of the program.
  struct sigaction current{};
  if (::sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) {
    ::signal(SIGPIPE, SIG_IGN);
  }
}

void EventLoop::Impl::defer(std::shared_ptr<detail::Deferred> item) {
  if (item->deferred_) {
    return;
  }
  item->deferred_ = true;
  deferred_.push_back(std::move(item));
  if (depth_ == 0 && !posted_) {
    posted_ = true;
    asio::post(io, [this] {
      posted_ = false;
      dispatch([] {});
    });
  }
}

void EventLoop::Impl::run_deferred() {
  while (!deferred_.empty()) {
    running_.swap(deferred_);
    for (auto& item : running_) {
      item->deferred_ = false;
      item->on_deferred();
    }
    running_.clear();
  }
}

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::run() {
  impl_->io.run();
  impl_->io.restart();
}

void EventLoop::stop() {
  impl_->io.stop();
}

void EventLoop::post(std::function<void()> task) {
  asio::post(impl_->io, [this, task = std::move(task)] { impl_->dispatch(task); });
}

Instant EventLoop::now() {
  return Instant(
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

std::int64_t EventLoop::unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// ------------------------------------------------------------------------------------------------

/// Protocol drivers move a deadline further away with every message, so a later deadline only
/// notes itself and lets the pending wait end early; only an earlier one starts a new wait.
struct Timer::Impl : std::enable_shared_from_this<Timer::Impl> {
  explicit Impl(EventLoop::Impl& event_loop) : loop(event_loop), timer(event_loop.io) {}

  void arm(Instant at, std::function<void()> on_expiry) {
    deadline = at;
    callback = std::move(on_expiry);
    if (!waiting_until || *waiting_until > at) {
      wait();
    }
  }

  void wait() {
    waiting_until = deadline;
    ++generation;
    timer.expires_at(std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(
            deadline.time_since_epoch())));
    timer.async_wait([self = shared_from_this(), armed = generation](const error_code&) {
      if (self->generation == armed) {
        self->expired();
      }
    });
  }

  void expired() {
    waiting_until.reset();
    if (!callback) {
      return;
    }
    if (EventLoop::now() < deadline) {
      wait();
      return;
    }
    // Moved out first: the callback may re-arm or destroy the timer.
    const auto due = std::exchange(callback, nullptr);
    loop.dispatch(due);
  }

  void cancel() {
    ++generation;
    waiting_until.reset();
    timer.cancel();
    // Last, and from a local: what the callback captured may own this timer.
    const auto dropped = std::exchange(callback, nullptr);
  }

  EventLoop::Impl& loop;
  asio::steady_timer timer;
  std::function<void()> callback;
  Instant deadline;
  std::optional<Instant> waiting_until;
  /// Tells a completion that was already queued when its wait was given up from the present one.
  std::uint64_t generation = 0;
};

Timer::Timer(EventLoop& loop) : impl_(std::make_shared<Impl>(loop.impl())) {}
Timer::~Timer() {
  if (impl_) {
    impl_->cancel();
  }
}
Timer::Timer(Timer&&) noexcept = default;
Timer& Timer::operator=(Timer&& other) noexcept {
  Timer old(std::move(*this));
  impl_ = std::move(other.impl_);
  return *this;
}
void Timer::arm(Instant deadline, std::function<void()> callback) {
  impl_->arm(deadline, std::move(callback));
}
void Timer::cancel() {
  impl_->cancel();
}

// ------------------------------------------------------------------------------------------------

struct SignalWatch::Impl : std::enable_shared_from_this<SignalWatch::Impl> {
  explicit Impl(EventLoop::Impl& event_loop) : loop(event_loop), signals(event_loop.io) {}

  void wait() {
    signals.async_wait([self = shared_from_this()](const error_code& error, int signal) {
      if (error || !self->callback) {
        return;
      }
      self->wait();
      self->loop.dispatch([callback = self->callback, signal] { (*callback)(signal); });
    });
  }

  EventLoop::Impl& loop;
  asio::signal_set signals;
  std::shared_ptr<std::function<void(int)>> callback;
};

SignalWatch::SignalWatch(EventLoop& loop, std::initializer_list<int> signals,
                         std::function<void(int signal)> callback)
    : impl_(std::make_shared<Impl>(loop.impl())) {
  for (const int signal : signals) {
    impl_->signals.add(signal);
  }
  impl_->callback = std::make_shared<std::function<void(int)>>(std::move(callback));
  impl_->wait();
}

SignalWatch::~SignalWatch() {
  const auto dropped = std::exchange(impl_->callback, nullptr);
  error_code ignored;
  impl_->signals.clear(ignored);
  impl_->signals.cancel(ignored);
}

}  // namespace ssm::net
