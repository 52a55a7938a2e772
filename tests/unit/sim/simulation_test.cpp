#include "ssm/sim/simulation.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;

RunConfig config_for(WorkloadKind kind) {
  RunConfig config;
  config.seed = 7;
  config.client = *protocol::find_client_profile("strict");
  config.agent = *protocol::find_agent_profile("strict");
  config.workload.kind = kind;
  config.service.idle_timeout = Duration{0};
  return config;
}

class EveryWorkload : public testing::TestWithParam<WorkloadKind> {};

TEST_P(EveryWorkload, completes_when_nothing_goes_wrong) {
  const RunResult result = run(config_for(GetParam()));
  EXPECT_EQ(result.outcome, Outcome::completed) << result.text;
  EXPECT_EQ(result.client_received, result.client_expected);
  EXPECT_EQ(result.agent_received, result.agent_expected);
  EXPECT_EQ(result.resume_calls, 0U);
}

TEST_P(EveryWorkload, completes_between_the_references) {
  RunConfig config = config_for(GetParam());
  config.client = *protocol::find_client_profile("plugin-1.2.677");
  config.agent = *protocol::find_agent_profile("agent-3.3");
  const RunResult result = run(config);
  EXPECT_EQ(result.outcome, Outcome::completed) << result.text;
}

INSTANTIATE_TEST_SUITE_P(Workloads, EveryWorkload,
                         testing::Values(WorkloadKind::typing, WorkloadKind::paste,
                                         WorkloadKind::flood, WorkloadKind::upload,
                                         WorkloadKind::download, WorkloadKind::both,
                                         WorkloadKind::idle),
                         [](const auto& kind) { return std::string(name(kind.param)); });

}  // namespace
}  // namespace ssm::sim
