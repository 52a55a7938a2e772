#include "ssm/net/event_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "loop_fixture.hpp"

namespace ssm::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::ElementsAre;

class EventLoopTest : public LoopTest {};
class TimerTest : public LoopTest {};
class SignalWatchTest : public LoopTest {};

TEST_F(EventLoopTest, run_returns_when_nothing_is_left_to_call_back) {
  int calls = 0;
  loop.post([&] { ++calls; });
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, run_can_be_called_again_after_stop) {
  int calls = 0;
  loop.post([&] { loop.stop(); });
  loop.run();
  loop.post([&] { ++calls; });
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, stop_before_run_is_not_lost) {
  loop.stop();
  bool ran = false;
  loop.post([&] { ran = true; });
  loop.run();
  EXPECT_FALSE(ran);
}

TEST_F(EventLoopTest, posts_from_another_thread_run_on_the_loop_in_order) {
  std::vector<int> seen;
  Timer keep_running(loop);
  keep_running.arm(EventLoop::now() + hours(1), [] {});
  std::thread other([&] {
    for (int i = 0; i < 3; ++i) {
      loop.post([&seen, i] { seen.push_back(i); });
    }
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  EXPECT_THAT(seen, ElementsAre(0, 1, 2));
}

TEST_F(TimerTest, fires_at_its_deadline_and_not_before) {
  Timer timer(loop);
  const Instant deadline = EventLoop::now() + milliseconds(5);
  std::optional<Instant> fired;
  timer.arm(deadline, [&] { fired = EventLoop::now(); });
  loop.run();
  ASSERT_TRUE(fired);
  EXPECT_GE(*fired, deadline);
}

TEST_F(TimerTest, rearming_replaces_the_callback) {
  Timer timer(loop);
  std::vector<int> seen;
  timer.arm(EventLoop::now() + milliseconds(1), [&] { seen.push_back(1); });
  timer.arm(EventLoop::now() + milliseconds(3), [&] { seen.push_back(2); });
  loop.run();
  EXPECT_THAT(seen, ElementsAre(2));
}

TEST_F(TimerTest, rearming_to_an_earlier_deadline_takes_effect) {
  Timer timer(loop);
  bool fired = false;
  timer.arm(EventLoop::now() + hours(1), [] {});
  timer.arm(EventLoop::now(), [&] {
    fired = true;
    check();
  });
  run_until([&] { return fired; });
}

TEST_F(TimerTest, a_later_deadline_is_not_cut_short_by_the_first_one) {
  Timer timer(loop);
  timer.arm(EventLoop::now(), [] {});
  const Instant deadline = EventLoop::now() + milliseconds(5);
  std::optional<Instant> fired;
  timer.arm(deadline, [&] { fired = EventLoop::now(); });
  loop.run();
  ASSERT_TRUE(fired);
  EXPECT_GE(*fired, deadline);
}

TEST_F(TimerTest, a_deadline_of_the_far_future_is_accepted) {
  Timer timer(loop);
  timer.arm(Instant::max(), [] { FAIL(); });
  bool other = false;
  loop.post([&] {
    other = true;
    timer.cancel();
  });
  loop.run();
  EXPECT_TRUE(other);
}

TEST_F(TimerTest, cancel_stops_a_callback_that_is_already_due) {
  Timer first(loop);
  Timer second(loop);
  const Instant past = EventLoop::now();
  int calls = 0;
  // Both complete in the same turn of the loop: whichever runs first cancels the other.
  first.arm(past, [&] {
    ++calls;
    second.cancel();
  });
  second.arm(past, [&] {
    ++calls;
    first.cancel();
  });
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST_F(TimerTest, destruction_cancels) {
  auto timer = std::make_unique<Timer>(loop);
  timer->arm(EventLoop::now(), [] { FAIL(); });
  timer.reset();
  loop.run();
}

TEST_F(TimerTest, the_callback_may_rearm_its_timer) {
  Timer timer(loop);
  int calls = 0;
  std::function<void()> again = [&] {
    if (++calls < 3) {
      timer.arm(EventLoop::now(), again);
    }
  };
  timer.arm(EventLoop::now(), again);
  loop.run();
  EXPECT_EQ(calls, 3);
}

TEST_F(TimerTest, the_callback_may_destroy_its_timer) {
  auto timer = std::make_shared<std::optional<Timer>>(std::in_place, loop);
  bool fired = false;
  (*timer)->arm(EventLoop::now(), [timer, &fired] {
    timer->reset();
    fired = true;
  });
  timer.reset();
  loop.run();
  EXPECT_TRUE(fired);
}

TEST_F(TimerTest, can_be_moved_while_armed) {
  Timer timer(loop);
  bool fired = false;
  timer.arm(EventLoop::now(), [&] { fired = true; });
  Timer moved(std::move(timer));
  loop.run();
  EXPECT_TRUE(fired);
}

TEST_F(SignalWatchTest, calls_back_on_each_arrival) {
  int seen = 0;
  const SignalWatch watch(loop, {SIGUSR1, SIGUSR2}, [&](int signal) {
    EXPECT_EQ(signal, seen == 0 ? SIGUSR1 : SIGUSR2);
    if (++seen == 1) {
      EXPECT_EQ(::raise(SIGUSR2), 0);
    }
    check();
  });
  ASSERT_EQ(::raise(SIGUSR1), 0);
  run_until([&] { return seen == 2; });
}

TEST_F(SignalWatchTest, may_be_destroyed_by_its_callback) {
  std::unique_ptr<SignalWatch> watch;
  int seen = 0;
  watch = std::make_unique<SignalWatch>(loop, std::initializer_list<int>{SIGUSR1}, [&](int) {
    ++seen;
    watch.reset();
  });
  ASSERT_EQ(::raise(SIGUSR1), 0);
  loop.run();
  EXPECT_EQ(seen, 1);
}

}  // namespace
}  // namespace ssm::net
