#include "ssm/sim/shrink.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "ssm/config/fault_plan.hpp"
#include "ssm/sim/swarm.hpp"

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;
using fault::Direction;
using protocol::MessageType;

/// The client of the second half of a conversation vanishes, and nobody tells the agent; around
/// that much happens that does no harm.
RunConfig hidden_crash() {
  RunConfig config;
  config.seed = 5;
  config.client = *protocol::find_client_profile("strict");
  config.agent = *protocol::find_agent_profile("strict");
  config.workload = {.kind = WorkloadKind::typing, .size = 100, .seed = 5};
  config.network.client = {.latency = 80ms, .jitter = 30ms, .bytes_per_second = 50'000};
  config.service.idle_timeout = Duration{0};
  // Before TCP gives the silent connection up.
  config.heal_limit = 10min;
  config.plan.seed = 9;
  config.plan.rules = {
      {.name = "lose", .match = {.probability = 0.2}, .action = fault::Drop{}},
      {.name = "late", .match = {.probability = 0.2}, .action = fault::Delay{1ms, 500ms}},
      {.name = "pause", .match = {.at = 1s}, .action = fault::Pause{Side::agent, 2s}},
      {.name = "crash", .match = {.at = 10s}, .action = fault::Crash{Side::client}},
      {.name = "reset", .match = {.at = 4s}, .action = fault::Close{Side::agent}},
  };
  return config;
}

TEST(Shrink, finds_the_one_decision_among_hundreds_that_matters) {
  const Shrunk shrunk = shrink(hidden_crash(), {});
  EXPECT_GT(shrunk.decisions_before, 50U);
  ASSERT_EQ(shrunk.config.plan.rules.size(), 1U);
  EXPECT_EQ(shrunk.config.plan.rules.front().name, "crash");
  EXPECT_TRUE(shrunk.needs_no_seed);
}

TEST(Shrink, makes_the_links_and_the_workload_plain) {
  const Shrunk shrunk = shrink(hidden_crash(), {});
  EXPECT_EQ(shrunk.config.network.client, LinkRules{});
  EXPECT_EQ(shrunk.config.seed, 0U);
  EXPECT_LT(shrunk.config.workload.size, 100U);
}

TEST(Shrink, spends_no_more_runs_than_it_may) {
  unsigned last = 0;
  const Shrunk shrunk =
      shrink(hidden_crash(),
             {.max_runs = 10, .on_progress = [&](std::size_t, unsigned runs) { last = runs; }});
  EXPECT_LE(shrunk.runs, 10U);
  EXPECT_LE(last, 10U);
  EXPECT_EQ(shrunk.result.violations.front().invariant, Invariant::ends_agree);
}

TEST(Shrink, reports_its_progress) {
  std::vector<std::size_t> left;
  const Shrunk shrunk = shrink(
      hidden_crash(), {.on_progress = [&](std::size_t count, unsigned) { left.push_back(count); }});
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(left.back(), shrunk.config.plan.rules.size());
  EXPECT_TRUE(std::is_sorted(left.rbegin(), left.rend()));
}

/// Failures of the official programs, as the swarm meets them.
class FailureOfTheReferences : public testing::Test {
 protected:
  static constexpr int wanted = 4;

  static std::vector<RunConfig> failures() {
    const SwarmOptions options{.client = protocol::find_client_profile("plugin-1.2.677"),
                               .agent = protocol::find_agent_profile("agent-3.3")};
    std::vector<RunConfig> found;
    for (std::uint64_t seed = 1; seed < 1000 && found.size() < wanted; ++seed) {
      RunConfig config = draw(seed, options);
      if (config.workload.kind == WorkloadKind::typing &&
          run(config).outcome == Outcome::violated) {
        found.push_back(std::move(config));
      }
    }
    return found;
  }
};

TEST_F(FailureOfTheReferences, shrinks_to_decisions_that_are_all_needed) {
  const std::vector<RunConfig> all = failures();
  ASSERT_EQ(all.size(), wanted);
  for (const RunConfig& failing : all) {
    const Shrunk shrunk = shrink(failing, {});
    const Invariant invariant = shrunk.result.violations.front().invariant;
    EXPECT_EQ(run(failing).violations.front().invariant, invariant);
    EXPECT_EQ(run(shrunk.config).digest, shrunk.result.digest);
    EXPECT_LE(shrunk.config.plan.rules.size(), 5U) << shrunk.decisions_before;
    for (std::size_t out = 0; out < shrunk.config.plan.rules.size(); ++out) {
      RunConfig less = shrunk.config;
      less.plan.rules.erase(less.plan.rules.begin() + static_cast<std::ptrdiff_t>(out));
      const RunResult result = run(less);
      EXPECT_TRUE(result.violations.empty() || result.violations.front().invariant != invariant)
          << shrunk.config.plan.rules[out].name;
    }
  }
}

TEST_F(FailureOfTheReferences, fails_in_the_same_way_with_its_plan_read_from_a_file) {
  for (const RunConfig& failing : failures()) {
    const Shrunk shrunk = shrink(failing, {});
    const std::string yaml = config::to_yaml(shrunk.config.plan, "shrunk");
    auto plan = config::parse_fault_plan(yaml, "plan.yaml", fault::Driver::simulate);
    ASSERT_TRUE(plan) << plan.error().to_string();
    EXPECT_EQ(*plan, shrunk.config.plan);
    RunConfig again = shrunk.config;
    again.plan = std::move(*plan);
    EXPECT_EQ(run(again).digest, shrunk.result.digest);
  }
}

TEST_F(FailureOfTheReferences, fails_in_the_same_way_by_its_decisions_alone) {
  for (RunConfig failing : failures()) {
    failing.log_decisions = true;
    const RunResult original = run(failing);
    failing.plan = {.seed = 0, .rules = original.decisions};
    const RunResult again = run(failing);
    EXPECT_EQ(again.text, original.text);
    EXPECT_EQ(again.virtual_time, original.virtual_time);
    EXPECT_EQ(again.delivered, original.delivered);
  }
}

}  // namespace
}  // namespace ssm::sim
