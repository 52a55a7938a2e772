#include "ssm/protocol/reconnect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <vector>

#include "ssm/protocol/profile.hpp"

namespace ssm::protocol {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

/// The delays of one disconnection, in ms.
std::vector<std::int64_t> delays(ReconnectSchedule& schedule, Random& random) {
  schedule.start();
  std::vector<std::int64_t> all;
  while (const auto delay = schedule.next_delay(random)) {
    all.push_back(std::chrono::duration_cast<milliseconds>(*delay).count());
  }
  return all;
}

const ReconnectRules& plugin() {
  return find_client_profile("plugin-1.2.677")->channel.reconnect;
}
const ReconnectRules& agent() {
  return find_agent_profile("agent-3.3")->channel.reconnect;
}

//= RESUME-004
//= RESUME-012
TEST(ReconnectSchedule, references_try_six_times_with_doubling_delays) {
  for (const auto& rules : {plugin(), agent()}) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      Random random(seed);
      ReconnectSchedule schedule(rules);
      const auto all = delays(schedule, random);
      ASSERT_EQ(all.size(), 6U);
      const auto first = all[1];
      EXPECT_GE(first, 100);
      EXPECT_LE(first, 199);
      EXPECT_THAT(all, ElementsAre(0, first, 2 * first, 4 * first, 8 * first, 16 * first));
    }
  }
}

TEST(ReconnectSchedule, counts_tries_and_stays_exhausted) {
  Random random(1);
  ReconnectSchedule schedule({.retries = 1});
  EXPECT_EQ(schedule.tries(), 0U);
  EXPECT_EQ(schedule.next_delay(random), Duration{0});
  EXPECT_EQ(schedule.tries(), 1U);
  EXPECT_TRUE(schedule.next_delay(random));
  EXPECT_FALSE(schedule.next_delay(random));
  EXPECT_FALSE(schedule.next_delay(random));
  EXPECT_EQ(schedule.tries(), 2U);
  schedule.start();
  EXPECT_EQ(schedule.tries(), 0U);
  EXPECT_EQ(schedule.next_delay(random), Duration{0});
}

//= RESUME-012
TEST(ReconnectSchedule, agent_stays_at_the_maximum) {
  ReconnectRules rules = agent();
  rules.delay_jitter = Duration{0};
  rules.retries = 9;
  Random random(1);
  ReconnectSchedule schedule(rules);
  EXPECT_THAT(delays(schedule, random),
              ElementsAre(0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000));
}

TEST(ReconnectSchedule, plugin_starts_anew_above_the_maximum) {
  ReconnectRules rules = plugin();
  rules.delay_jitter = Duration{0};
  rules.retries = 9;
  Random random(1);
  ReconnectSchedule schedule(rules);
  EXPECT_THAT(delays(schedule, random),
              ElementsAre(0, 100, 200, 400, 800, 1600, 3200, 100, 200, 400));
}

TEST(ReconnectSchedule, a_delay_of_exactly_the_maximum_is_allowed) {
  for (const bool restart : {false, true}) {
    Random random(1);
    ReconnectSchedule schedule({.delay_min = milliseconds(1250),
                                .delay_jitter = Duration{0},
                                .retries = 4,
                                .restart_above_max = restart});
    EXPECT_THAT(delays(schedule, random), ElementsAre(0, 1250, 2500, 5000, restart ? 1250 : 5000));
  }
}

TEST(ReconnectSchedule, plugin_draws_its_first_delay_once_and_agent_each_time) {
  for (const auto& rules : {plugin(), agent()}) {
    Random random(7);
    ReconnectSchedule schedule(rules);
    std::set<std::int64_t> firsts;
    for (int i = 0; i < 20; ++i) {
      firsts.insert(delays(schedule, random)[1]);
    }
    EXPECT_EQ(firsts.size() == 1, rules.keep_first_delay);
  }
}

TEST(ReconnectSchedule, strict_keeps_trying_for_an_hour) {
  for (const auto& rules : {find_client_profile("strict")->channel.reconnect,
                            find_agent_profile("strict")->channel.reconnect}) {
    Random random(1);
    ReconnectSchedule schedule(rules);
    std::int64_t total = 0;
    for (const std::int64_t delay : delays(schedule, random)) {
      EXPECT_LE(delay, 5000);
      total += delay;
    }
    EXPECT_GE(total, 3'600'000);
    EXPECT_LT(total, 3'700'000);
  }
}

TEST(ReconnectSchedule, the_same_seed_gives_the_same_delays) {
  Random one(42);
  Random two(42);
  ReconnectSchedule first(agent());
  ReconnectSchedule second(agent());
  EXPECT_EQ(delays(first, one), delays(second, two));
}

}  // namespace
}  // namespace ssm::protocol
