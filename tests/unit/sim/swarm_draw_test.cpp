#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "ssm/sim/shrink.hpp"
#include "ssm/sim/swarm.hpp"

namespace ssm::sim {
namespace {

/// All of a configuration in words: equal words, equal runs.
std::string words(const RunConfig& config) {
  return google_test(config, "run");
}

TEST(Draw, of_one_seed_is_the_same_each_time) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    ASSERT_EQ(words(draw(seed, {})), words(draw(seed, {}))) << seed;
    ASSERT_EQ(draw(seed, {}).plan, draw(seed, {}).plan) << seed;
  }
}

TEST(Draw, of_two_seeds_differs) {
  std::set<std::string> all;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    all.insert(words(draw(seed, {})));
  }
  EXPECT_EQ(all.size(), 200U);
}

TEST(Draw, reaches_every_workload_and_every_kind_of_fault) {
  std::set<WorkloadKind> kinds;
  std::set<std::string_view> actions;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const RunConfig config = draw(seed, {});
    kinds.insert(config.workload.kind);
    for (const fault::Rule& rule : config.plan.rules) {
      actions.insert(name(rule.action));
    }
  }
  // The slow reader moves too much to be drawn.
  EXPECT_EQ(kinds.size(), drawn_workload_count);
  EXPECT_THAT(actions, testing::IsSupersetOf({"drop", "duplicate", "delay", "close", "stall",
                                              "partition", "api_error", "pause"}));
}

TEST(Draw, leaves_whole_classes_of_faults_out) {
  std::size_t without_loss = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const fault::Plan plan = draw(seed, {}).plan;
    without_loss += std::none_of(plan.rules.begin(), plan.rules.end(), [](const auto& rule) {
      return std::holds_alternative<fault::Drop>(rule.action);
    });
  }
  EXPECT_GT(without_loss, 10U);
  EXPECT_LT(without_loss, 90U);
}

TEST(Draw, names_each_rule_of_a_plan_once) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::set<std::string> names;
    for (const fault::Rule& rule : draw(seed, {}).plan.rules) {
      ASSERT_TRUE(names.insert(rule.name).second) << seed << " " << rule.name;
    }
  }
}

TEST(Draw, changes_nothing_but_the_profiles_that_are_given) {
  const SwarmOptions options{.client = protocol::find_client_profile("plugin-1.2.677"),
                             .agent = protocol::find_agent_profile("agent-3.3")};
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    RunConfig given = draw(seed, options);
    EXPECT_EQ(given.client.name, "plugin-1.2.677");
    EXPECT_EQ(given.agent.name, "agent-3.3");
    const RunConfig usual = draw(seed, {});
    given.client = usual.client;
    given.agent = usual.agent;
    ASSERT_EQ(words(given), words(usual)) << seed;
  }
}

TEST(Draw, changes_nothing_but_the_plan_that_is_given) {
  const SwarmOptions options{.plan = fault::Plan{.seed = 3}};
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    RunConfig given = draw(seed, options);
    EXPECT_EQ(given.plan, options.plan);
    const RunConfig usual = draw(seed, {});
    given.plan = usual.plan;
    ASSERT_EQ(words(given), words(usual)) << seed;
  }
}

TEST(Draw, changes_no_link_or_message_fault_with_the_workload) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const RunConfig usual = draw(seed, {});
    RunConfig given = draw(seed, {.workload = WorkloadKind::upload});
    EXPECT_EQ(given.workload.kind, WorkloadKind::upload);
    EXPECT_EQ(given.workload.seed, usual.workload.seed);
    EXPECT_EQ(given.seed, usual.seed);
    EXPECT_EQ(given.plan.seed, usual.plan.seed);
    EXPECT_EQ(given.plan.rules.size(), usual.plan.rules.size());
    if (usual.workload.kind != WorkloadKind::idle) {
      // Its faults act for as long as it is idle.
      EXPECT_EQ(given.plan, usual.plan) << seed;
    }
    given.workload = usual.workload;
    given.fault_phase = usual.fault_phase;
    given.plan = usual.plan;
    ASSERT_EQ(words(given), words(usual)) << seed;
  }
}

TEST(ParseSeed, takes_a_number) {
  EXPECT_EQ(parse_seed("0"), 0U);
  EXPECT_EQ(parse_seed("42"), 42U);
  EXPECT_EQ(parse_seed("18446744073709551615"), 18446744073709551615U);
}

TEST(ParseSeed, takes_a_number_that_could_be_a_commit_for_a_number) {
  EXPECT_EQ(parse_seed("1234567"), 1234567U);
}

TEST(ParseSeed, takes_the_last_16_digits_of_a_commit) {
  EXPECT_EQ(parse_seed("abcdef0"), 0xabcdef0U);
  EXPECT_EQ(parse_seed("ABCDEF0"), 0xabcdef0U);
  EXPECT_EQ(parse_seed("deadbeefdeadbeefdeadbeef0123456789abcdef"), 0x0123456789abcdefU);
}

TEST(ParseSeed, takes_a_commit_without_letters) {
  EXPECT_EQ(parse_seed("1234567890123456789012345678901234567890"), 0x5678901234567890U);
}

TEST(ParseSeed, refuses_other_texts) {
  for (const char* text : {"", "-1", "1.5", "12x", "abcdef", "0x10", " 1", "1 ", "xyzxyzx",
                           "deadbeefdeadbeefdeadbeef0123456789abcdef0"}) {
    EXPECT_EQ(parse_seed(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace ssm::sim
