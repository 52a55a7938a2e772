#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>

#include "ssm/protocol/time.hpp"

namespace ssm::net {

using protocol::Duration;
using protocol::Instant;

/// One thread's event loop: sockets, timers, descriptors and signals report to it. A facade over
/// Asio, so that only the `.cpp` files of this library compile Asio and Beast.
///
/// Everything created on a loop is used from that loop's thread, and its callbacks run there; only
/// `post` and `stop` may be called from other threads. The loop outlives what was created on it.
/// Creating a loop makes the process ignore SIGPIPE; programs it executes inherit that, so restore
/// the default in a child that should have it.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs until `stop`, or until nothing is left that could call back. May be called again. A
  /// `stop` that comes first makes the next run return at once.
  void run();
  void stop();
  void post(std::function<void()> task);

  /// The steady clock as the protocol's time.
  [[nodiscard]] static Instant now();
  /// Milliseconds since the Unix epoch, for Epoch.
  [[nodiscard]] static std::int64_t unix_ms();

  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// One deadline at a time. Destroying or re-arming it cancels the pending callback for certain.
class Timer {
 public:
  explicit Timer(EventLoop& loop);
  ~Timer();
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;

  void arm(Instant deadline, std::function<void()> callback);
  void cancel();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Calls back on each arrival of one of the signals, until destroyed.
class SignalWatch {
 public:
  SignalWatch(EventLoop& loop, std::initializer_list<int> signals,
              std::function<void(int signal)> callback);
  ~SignalWatch();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ssm::net
