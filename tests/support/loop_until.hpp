#pragma once

#include <chrono>
#include <functional>

#include "ssm/net/event_loop.hpp"

namespace ssm::test {

/// Runs the loop until `condition` holds, which is looked at after at most a millisecond, or until
/// `limit` has passed. The limit is generous: it only decides how long a failure takes.
/// Returns whether the condition held.
inline bool loop_until(net::EventLoop& loop, const std::function<bool()>& condition,
                       net::Duration limit = std::chrono::seconds(20)) {
  const net::Instant deadline = net::EventLoop::now() + limit;
  bool held = condition();
  net::Timer timer(loop);
  std::function<void()> look = [&] {
    held = condition();
    if (held || net::EventLoop::now() >= deadline) {
      loop.stop();
    } else {
      timer.arm(net::EventLoop::now() + std::chrono::milliseconds(1), look);
    }
  };
  if (!held) {
    timer.arm(net::EventLoop::now(), look);
    loop.run();
  }
  return held;
}

}  // namespace ssm::test
