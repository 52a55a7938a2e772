#include "ssm/sim/scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

/// Rings everything that is due by `until`.
void run_until(Scheduler& scheduler, Instant until) {
  while (scheduler.step(until)) {
  }
}

TEST(Scheduler, starts_after_zero_with_nothing_elapsed) {
  const Scheduler scheduler;
  EXPECT_GT(scheduler.now(), Instant{});
  EXPECT_EQ(scheduler.elapsed(), 0s);
  EXPECT_EQ(scheduler.next(), std::nullopt);
}

TEST(Scheduler, advances_to_the_limit_when_nothing_is_due) {
  Scheduler scheduler;
  EXPECT_FALSE(scheduler.step(scheduler.start() + 5s));
  EXPECT_EQ(scheduler.elapsed(), 5s);
}

TEST(Scheduler, never_goes_back) {
  Scheduler scheduler;
  scheduler.step(scheduler.start() + 5s);
  EXPECT_FALSE(scheduler.step(scheduler.start() + 2s));
  EXPECT_EQ(scheduler.elapsed(), 5s);
}

TEST(Scheduler, jumps_to_an_alarm_and_leaves_later_ones) {
  Scheduler scheduler;
  std::vector<Duration> rang;
  scheduler.post(scheduler.start() + 3h, [&] { rang.push_back(scheduler.elapsed()); });
  scheduler.post(scheduler.start() + 1h, [&] { rang.push_back(scheduler.elapsed()); });
  run_until(scheduler, scheduler.start() + 2h);
  EXPECT_THAT(rang, ElementsAre(1h));
  EXPECT_EQ(scheduler.elapsed(), 2h);
  EXPECT_EQ(scheduler.next(), scheduler.start() + 3h);
}

TEST(Scheduler, rings_an_alarm_that_is_due_exactly_at_the_limit) {
  Scheduler scheduler;
  bool rang = false;
  scheduler.post(scheduler.start() + 1s, [&] { rang = true; });
  EXPECT_TRUE(scheduler.step(scheduler.start() + 1s));
  EXPECT_TRUE(rang);
}

TEST(Scheduler, rings_alarms_of_one_instant_in_the_order_of_setting) {
  Scheduler scheduler;
  std::string order;
  for (const char name : {'a', 'b', 'c', 'd'}) {
    scheduler.post(scheduler.start() + 1s, [&order, name] { order += name; });
  }
  run_until(scheduler, scheduler.start() + 1s);
  EXPECT_EQ(order, "abcd");
}

TEST(Scheduler, runs_a_post_in_the_past_at_once) {
  Scheduler scheduler;
  scheduler.step(scheduler.start() + 5s);
  Duration at{0};
  scheduler.post(scheduler.start() + 1s, [&] { at = scheduler.elapsed(); });
  EXPECT_TRUE(scheduler.step(scheduler.now()));
  EXPECT_EQ(at, 5s);
}

TEST(Scheduler, lets_a_post_post_again) {
  Scheduler scheduler;
  int count = 0;
  std::function<void()> again = [&] {
    if (++count < 1000) {
      scheduler.post(scheduler.now() + 1ms, again);
    }
  };
  scheduler.post(scheduler.now(), again);
  run_until(scheduler, scheduler.start() + 10s);
  EXPECT_EQ(count, 1000);
  EXPECT_EQ(scheduler.rung(), 1000U);
}

TEST(Scheduler, frees_what_a_post_held_after_it_ran) {
  Scheduler scheduler;
  const auto held = std::make_shared<int>(1);
  scheduler.post(scheduler.now(), [held] {});
  EXPECT_EQ(held.use_count(), 2);
  scheduler.step(scheduler.now());
  EXPECT_EQ(held.use_count(), 1);
}

struct AlarmOf : testing::Test {
  Scheduler scheduler;
  std::vector<Duration> rang;
  Alarm alarm{scheduler, [this] { rang.push_back(scheduler.elapsed()); }};

  void set(Duration after) { alarm.set(scheduler.start() + after); }
  void run(Duration until) { run_until(scheduler, scheduler.start() + until); }
};

TEST_F(AlarmOf, one_owner_rings_once) {
  set(1s);
  EXPECT_TRUE(alarm.is_set());
  run(10s);
  EXPECT_THAT(rang, ElementsAre(1s));
  EXPECT_FALSE(alarm.is_set());
}

TEST_F(AlarmOf, one_owner_rings_at_the_last_time_set) {
  set(5s);
  set(2s);
  set(7s);
  set(3s);
  run(10s);
  EXPECT_THAT(rang, ElementsAre(3s));
}

TEST_F(AlarmOf, one_owner_does_not_ring_when_cancelled) {
  set(1s);
  alarm.cancel();
  EXPECT_FALSE(alarm.is_set());
  run(10s);
  EXPECT_TRUE(rang.empty());
}

TEST_F(AlarmOf, nothing_cancels_it) {
  set(1s);
  alarm.set(std::nullopt);
  run(10s);
  EXPECT_TRUE(rang.empty());
}

TEST_F(AlarmOf, one_owner_rings_again_when_set_after_a_cancel) {
  set(1s);
  alarm.cancel();
  set(4s);
  run(10s);
  EXPECT_THAT(rang, ElementsAre(4s));
}

TEST_F(AlarmOf, a_time_in_the_past_rings_now) {
  run(5s);
  set(1s);
  EXPECT_TRUE(scheduler.step(scheduler.now()));
  EXPECT_THAT(rang, ElementsAre(5s));
}

TEST_F(AlarmOf, a_deadline_pushed_back_a_thousand_times_costs_two_heap_entries) {
  // Of a moved alarm the heap keeps the first entry; when that comes up, it is put back once.
  set(1s);
  for (int ms = 0; ms < 1000; ++ms) {
    set(1s + std::chrono::milliseconds(ms));
  }
  EXPECT_EQ(scheduler.next(), scheduler.start() + 1s);
  run(1s);
  EXPECT_TRUE(rang.empty());
  EXPECT_EQ(scheduler.next(), scheduler.start() + 1999ms);
  run(10s);
  EXPECT_THAT(rang, ElementsAre(1999ms));
  EXPECT_EQ(scheduler.next(), std::nullopt);
  EXPECT_EQ(scheduler.rung(), 1U);
}

TEST_F(AlarmOf, one_owner_may_set_it_again_while_it_rings) {
  int left = 3;
  Alarm periodic(scheduler, [&] {
    rang.push_back(scheduler.elapsed());
    if (--left > 0) {
      periodic.set(scheduler.now() + 2s);
    }
  });
  periodic.set(scheduler.start() + 1s);
  run(10s);
  EXPECT_THAT(rang, ElementsAre(1s, 3s, 5s));
}

}  // namespace
}  // namespace ssm::sim
