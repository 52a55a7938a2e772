// One configuration, one run: byte for byte.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "recorders.hpp"
#include "ssm/sim/swarm.hpp"

namespace ssm::sim {
namespace {

struct Recorded {
  RunResult result;
  std::string text;
};
Recorded record(const RunConfig& config) {
  RecordingObserver observer;
  RunResult result = run(config, observer);
  return {std::move(result), std::move(observer.text)};
}

class EveryWorkloadTwice : public testing::TestWithParam<WorkloadKind> {};

TEST_P(EveryWorkloadTwice, is_the_same_run) {
  const std::uint64_t seeds = GetParam() == WorkloadKind::slow_reader ? 1 : 4;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const RunConfig config = draw(seed, {.workload = GetParam()});
    const Recorded first = record(config);
    const Recorded second = record(config);
    EXPECT_FALSE(first.text.empty());
    EXPECT_TRUE(first.text == second.text) << seed;
    EXPECT_EQ(first.result.digest, second.result.digest) << seed;
    EXPECT_EQ(first.result.text, second.result.text) << seed;
    EXPECT_EQ(first.result.virtual_time, second.result.virtual_time) << seed;
  }
}

TEST_P(EveryWorkloadTwice, is_the_same_run_whether_or_not_somebody_looks_on) {
  const RunConfig config = draw(2, {.workload = GetParam()});
  EXPECT_EQ(run(config).digest, record(config).result.digest);
}

TEST_P(EveryWorkloadTwice, is_the_same_run_whether_or_not_decisions_are_kept) {
  RunConfig config = draw(2, {.workload = GetParam()});
  const std::uint64_t digest = run(config).digest;
  config.log_decisions = true;
  EXPECT_EQ(run(config).digest, digest);
}

std::vector<WorkloadKind> every_kind() {
  std::vector<WorkloadKind> kinds;
  for (std::size_t index = 0; index < workload_kind_count; ++index) {
    kinds.push_back(static_cast<WorkloadKind>(index));
  }
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(Determinism, EveryWorkloadTwice, testing::ValuesIn(every_kind()),
                         [](const auto& kind) { return std::string(name(kind.param)); });

TEST(Determinism, tells_runs_of_different_seeds_apart) {
  std::set<std::uint64_t> digests;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    digests.insert(run(draw(seed, {.workload = WorkloadKind::typing})).digest);
  }
  EXPECT_EQ(digests.size(), 30U);
}

TEST(Determinism, tells_runs_apart_that_differ_in_the_seed_of_message_ids_only) {
  RunConfig config = draw(1, {.workload = WorkloadKind::typing});
  const std::uint64_t digest = run(config).digest;
  ++config.seed;
  EXPECT_NE(run(config).digest, digest);
}

}  // namespace
}  // namespace ssm::sim
