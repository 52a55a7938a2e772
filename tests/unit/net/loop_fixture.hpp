#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "ssm/net/event_loop.hpp"

namespace ssm::net {

/// A loop that a test runs until its expectation holds. The deadline only turns a hang into a
/// failure; no verdict depends on it otherwise.
class LoopTest : public ::testing::Test {
 protected:
  void run_until(const std::function<bool()>& done) {
    Timer give_up(loop);
    bool gave_up = false;
    give_up.arm(EventLoop::now() + std::chrono::seconds(20), [&] {
      gave_up = true;
      loop.stop();
    });
    done_ = done;
    check();
    if (!reached_) {
      loop.run();
    }
    done_ = nullptr;
    reached_ = false;
    EXPECT_FALSE(gave_up) << "the awaited event did not come within 20 s";
  }

  /// For what has no callback: looks every turn of the loop.
  void run_polling_until(const std::function<bool()>& done) {
    Timer turn(loop);
    const std::function<void()> look = [&] {
      turn.arm(EventLoop::now(), look);
      check();
    };
    look();
    run_until(done);
  }

  /// Every callback of a test ends with this.
  void check() {
    if (done_ && done_()) {
      reached_ = true;
      loop.stop();
    }
  }

  EventLoop loop;

 private:
  std::function<bool()> done_;
  bool reached_ = false;
};

}  // namespace ssm::net
