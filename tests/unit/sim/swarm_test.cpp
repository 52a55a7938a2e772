// The swarm of the default suite: seeds of the strict pair, none of which may violate anything.
#include <gtest/gtest.h>

#include <cstdint>

#include "ssm/sim/swarm.hpp"

namespace ssm::sim {
namespace {

/// SSM_SWARM_SEEDS seeds are run in so many parts, so that they can run side by side.
constexpr std::uint64_t parts = 10;

class StrictSwarm : public testing::TestWithParam<std::uint64_t> {};

TEST_P(StrictSwarm, violates_nothing) {
  constexpr std::uint64_t seeds = SSM_SWARM_SEEDS / parts;
  for (std::uint64_t seed = GetParam() * seeds + 1; seed <= (GetParam() + 1) * seeds; ++seed) {
    const RunResult result = run(draw(seed, {}));
    EXPECT_NE(result.outcome, Outcome::violated)
        << result.text << "\nreproduce: ssmsim simulate --seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Swarm, StrictSwarm, testing::Range<std::uint64_t>(0, parts));

}  // namespace
}  // namespace ssm::sim
