#include "ssm/sim/simulation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "ssm/sim/meter.hpp"

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

// The service had stopped reading the client because the agent's connection took no more; when the
// agent came back on another connection, nobody told it to read on.
TEST(Simulation, goes_on_when_an_end_returns_whose_connection_was_full) {
  RunConfig config = config_for(WorkloadKind::upload);
  config.network.agent.buffer_bytes = 20'000;
  fault::Match match;
  match.at = 150ms;
  config.plan.rules.push_back(
      {.name = "dead", .match = match, .action = fault::Stall{.side = Side::agent}});
  const RunResult result = run(config);
  EXPECT_EQ(result.outcome, Outcome::completed) << result.text;
  EXPECT_GE(result.connections, 3U);
}

TEST(Simulation, measures_the_connections_of_a_port_session) {
  const RunResult result = run(config_for(WorkloadKind::idle_ports));
  EXPECT_EQ(result.measures.at("connections_served"), 2);
  EXPECT_EQ(result.measures.at("connections_broken"), 0);
  EXPECT_EQ(result.measures.at("connections_open"), 0);
  EXPECT_EQ(result.measures.at("most_open_connections"), 1);
  // A round trip of both links, 10 ms each way.
  EXPECT_DOUBLE_EQ(result.measures.at("slowest_connection_s"), 0.04);
}

TEST(Simulation, reads_no_faster_than_a_slow_destination) {
  RunConfig config = config_for(WorkloadKind::slow_destination);
  config.workload.size = 625'000;
  const RunResult result = run(config);
  EXPECT_EQ(result.outcome, Outcome::completed) << result.text;
  EXPECT_GE(result.measures.at("slowest_connection_s"), 10);
  EXPECT_LT(result.measures.at("slowest_connection_s"), 11);
}

TEST(Simulation, carries_the_stream_of_an_ssh_session_after_a_handshake) {
  RunConfig config = config_for(WorkloadKind::both);
  const RunResult plain = run(config);
  config.workload.ssh = true;
  const RunResult result = run(config);
  EXPECT_EQ(result.outcome, Outcome::completed) << result.text;
  // Request, response, completion and what acknowledges them.
  EXPECT_GE(result.delivered, plain.delivered + 6);
}

TEST(Simulation, carries_an_encrypted_session) {
  RunConfig config = config_for(WorkloadKind::both);
  const RunResult plain = run(config);
  config.workload.encrypted = true;
  const RunResult result = run(config);
  EXPECT_EQ(result.outcome, Outcome::completed) << result.text;
  // The handshake and its challenge.
  EXPECT_GE(result.delivered, plain.delivered + 10);
}

TEST(Simulation, goes_on_through_recycled_connections) {
  RunConfig config = config_for(WorkloadKind::both);
  config.workload.size = 5'000'000;
  config.network.client.bytes_per_second = 100'000;
  config.service.recycle_after = 20s;
  config.service.rate_limit = 50;
  Observer nobody;
  Meter meter(nobody);
  const RunResult result = run(config, meter);
  EXPECT_EQ(result.outcome, Outcome::completed) << result.text;
  EXPECT_GE(meter.values().at("client_connections"), 2);
  EXPECT_GE(meter.values().at("agent_connections"), 2);
}

// A client that keeps nothing is held back by a full connection all the same.
TEST(Simulation, does_not_write_into_a_full_connection) {
  RunConfig config = config_for(WorkloadKind::upload);
  config.client = *protocol::find_client_profile("alexbacchin-2026-05");
  config.network.client.bytes_per_second = 100'000;
  config.network.client.buffer_bytes = 20'000;
  fault::Match match;
  match.at = 2s;
  config.plan.rules.push_back(
      {.name = "gone", .match = match, .action = fault::Crash{.side = Side::client}});
  const RunResult result = run(config);
  EXPECT_LT(result.agent_received, 250'000U);
  EXPECT_GT(result.agent_received, 100'000U);
}

TEST(Simulation, ends_the_input_of_a_client_when_it_was_all_read) {
  RunConfig config = config_for(WorkloadKind::upload);
  config.workload.ends_input = true;
  const RunResult result = run(config);
  EXPECT_EQ(result.outcome, Outcome::completed) << result.text;
  EXPECT_EQ(result.agent_received, result.agent_expected);
  EXPECT_GE(result.terminate_calls, 1U);
}

// An agent before multiplexing carries one connection after the other.
TEST(Simulation, serves_connections_in_turn_through_an_old_agent) {
  RunConfig config = config_for(WorkloadKind::ports);
  config.client = *protocol::find_client_profile("plugin-1.1.61");
  config.agent = *protocol::find_agent_profile("agent-3.0");
  config.workload = {.kind = WorkloadKind::slow_reader, .size = 3, .seed = 1};
  const RunResult result = run(config);
  EXPECT_EQ(result.outcome, Outcome::completed) << result.text;
  EXPECT_EQ(result.measures.at("connections_served"), 3);
  EXPECT_GE(result.measures.at("slowest_connection_s"), 100);
}

class ReferencePair : public testing::TestWithParam<WorkloadKind> {};

RunConfig reference_config_for(WorkloadKind kind) {
  RunConfig config = config_for(kind);
  config.client = *protocol::find_client_profile("plugin-1.2.677");
  config.agent = *protocol::find_agent_profile("agent-3.3");
  return config;
}

TEST_P(ReferencePair, completes_when_nothing_goes_wrong) {
  const RunResult result = run(reference_config_for(GetParam()));
  EXPECT_EQ(result.outcome, Outcome::completed) << result.text;
}

// BUG-027: their connections end both ways at once.
TEST(ReferencePairWithHalfClose, loses_the_response_to_an_application_that_half_closed) {
  const RunResult result = run(reference_config_for(WorkloadKind::half_close));
  EXPECT_EQ(result.outcome, Outcome::violated);
  EXPECT_THAT(result.text, testing::HasSubstr("was closed in good order after"));
}

std::string workload_name(const testing::TestParamInfo<WorkloadKind>& kind) {
  return std::string(name(kind.param));
}

INSTANTIATE_TEST_SUITE_P(Workloads, EveryWorkload,
                         testing::Values(WorkloadKind::typing, WorkloadKind::paste,
                                         WorkloadKind::flood, WorkloadKind::upload,
                                         WorkloadKind::download, WorkloadKind::both,
                                         WorkloadKind::idle, WorkloadKind::ports,
                                         WorkloadKind::half_close, WorkloadKind::slow_reader,
                                         WorkloadKind::idle_ports, WorkloadKind::slow_destination),
                         workload_name);
INSTANTIATE_TEST_SUITE_P(Workloads, ReferencePair,
                         testing::Values(WorkloadKind::typing, WorkloadKind::paste,
                                         WorkloadKind::flood, WorkloadKind::upload,
                                         WorkloadKind::download, WorkloadKind::both,
                                         WorkloadKind::idle, WorkloadKind::ports,
                                         WorkloadKind::idle_ports, WorkloadKind::slow_destination),
                         workload_name);

}  // namespace
}  // namespace ssm::sim
