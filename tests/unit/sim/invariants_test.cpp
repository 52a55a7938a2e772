#include "ssm/sim/invariants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct NoteObserver final : Observer {
  void note(Duration /*at*/, std::string_view text) override { notes.emplace_back(text); }
  std::vector<std::string> notes;
};

TEST(Invariant, has_a_name_by_which_it_is_found) {
  for (std::size_t index = 0; index < invariant_count; ++index) {
    const auto invariant = static_cast<Invariant>(index);
    EXPECT_NE(name(invariant), "unknown") << index;
    EXPECT_EQ(find_invariant(name(invariant)), invariant);
  }
  EXPECT_EQ(name(static_cast<Invariant>(invariant_count)), "unknown");
}

TEST(Invariant, is_not_found_by_another_name) {
  EXPECT_EQ(find_invariant("unknown"), std::nullopt);
  EXPECT_EQ(find_invariant(""), std::nullopt);
}

struct VerdictsOf : testing::Test {
  Scheduler scheduler;
  NoteObserver observer;
  Verdicts verdicts{scheduler, observer};
};

TEST_F(VerdictsOf, a_good_run_are_empty) {
  EXPECT_FALSE(verdicts.any());
  EXPECT_TRUE(verdicts.take().empty());
}

TEST_F(VerdictsOf, a_violation_keep_it_with_its_time_and_tell_the_observer) {
  scheduler.step(scheduler.start() + 3s);
  verdicts.violated(Invariant::window_bounded, "too many");
  EXPECT_TRUE(verdicts.any());
  ASSERT_EQ(observer.notes.size(), 1U);
  EXPECT_EQ(observer.notes.front(), "violation of window_bounded: too many");
  const std::vector<Violation> kept = verdicts.take();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept.front().invariant, Invariant::window_bounded);
  EXPECT_EQ(kept.front().at, 3s);
  EXPECT_EQ(kept.front().text, "too many");
}

TEST_F(VerdictsOf, endless_violations_keep_the_first_few) {
  for (int count = 0; count < 1000; ++count) {
    verdicts.violated(Invariant::bytes_in_order, std::to_string(count));
  }
  const std::vector<Violation> kept = verdicts.take();
  EXPECT_EQ(kept.size(), 10U);
  EXPECT_EQ(kept.front().text, "0");
  EXPECT_EQ(observer.notes.size(), kept.size());
}

struct WakeWatchOf : VerdictsOf {
  WakeWatch watch{"agent", verdicts};

  void wake(int times, Duration apart, bool worked, std::optional<Duration> next_in) {
    for (int count = 0; count < times; ++count) {
      scheduler.step(scheduler.now() + apart);
      const Instant now = scheduler.now();
      watch.woke(now, worked, next_in ? std::optional(now + *next_in) : std::nullopt);
    }
  }
};

TEST_F(WakeWatchOf, a_reference_with_its_tick_of_100_ms_is_content) {
  wake(1000, 100ms, false, 100ms);
  EXPECT_FALSE(verdicts.any());
}

TEST_F(WakeWatchOf, a_role_that_wakes_often_and_does_nothing_sees_a_storm) {
  wake(100, 10ms, false, 10ms);
  const std::vector<Violation> kept = verdicts.take();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept.front().invariant, Invariant::no_timer_storm);
  EXPECT_THAT(kept.front().text, HasSubstr("agent woke"));
}

TEST_F(WakeWatchOf, a_role_that_wakes_often_and_works_is_content) {
  wake(5000, 1ms, true, 1ms);
  EXPECT_FALSE(verdicts.any());
}

TEST_F(WakeWatchOf, a_role_that_wakes_more_often_than_work_needs_sees_a_storm) {
  wake(20'000, 1us, true, 1us);
  const std::vector<Violation> kept = verdicts.take();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept.front().invariant, Invariant::no_timer_storm);
  EXPECT_EQ(kept.front().text, "agent woke 10000 times within a second");
}

TEST_F(WakeWatchOf, a_timer_that_is_due_at_once_for_ever_sees_a_busy_loop) {
  wake(10'000, 0ms, true, 0ms);
  const std::vector<Violation> kept = verdicts.take();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept.front().invariant, Invariant::no_busy_loop);
}

TEST_F(WakeWatchOf, a_timer_that_is_due_at_once_now_and_then_is_content) {
  wake(9'000, 1ms, true, 0ms);
  wake(9'000, 1ms, true, 0ms);
  EXPECT_FALSE(verdicts.any());
}

TEST_F(WakeWatchOf, a_role_without_a_next_deadline_is_content) {
  wake(50, 0ms, false, std::nullopt);
  EXPECT_FALSE(verdicts.any());
}

}  // namespace
}  // namespace ssm::sim
