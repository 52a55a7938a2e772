#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/fault/plan.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/service_role.hpp"
#include "ssm/sim/invariants.hpp"
#include "ssm/sim/network.hpp"
#include "ssm/sim/observer.hpp"
#include "ssm/sim/workload.hpp"

namespace ssm::sim {

/// Everything that decides how a run goes. Two runs of the same configuration are the same, byte
/// for byte.
struct RunConfig {
  /// Draws message ids, reconnection delays and jitter. Faults are drawn by the plan's own seed.
  std::uint64_t seed = 0;
  protocol::ClientProfile client;
  protocol::AgentProfile agent;
  protocol::ServiceRules service;
  NetworkRules network;
  Workload workload;
  fault::Plan plan;
  /// Faults act for so long; then everything is healed. 0: to the end of the run.
  Duration fault_phase{0};
  /// After the faults, all must be done within this, besides the time that the workload takes by
  /// itself, and that the links need for full buffers. A sender that lost a whole window of 1,024
  /// messages with its peer's connection brings back one in each round trip, or longest
  /// retransmission timeout, which is 1 s: 17 minutes. Less than the service lets sessions idle.
  Duration heal_limit = std::chrono::minutes(18);
  /// Keep each decision as a rule (memory; for shrinking).
  bool log_decisions = false;
};

enum class Outcome : std::uint8_t {
  completed,  ///< all data arrived and the session came to its end
  ended,      ///< the session ended before, with a reason
  violated,   ///< an invariant does not hold
};
[[nodiscard]] std::string_view name(Outcome outcome);
[[nodiscard]] std::optional<Outcome> find_outcome(std::string_view name);

struct RunResult {
  Outcome outcome = Outcome::violated;
  /// Why the session ended early, or the first violation.
  std::string text;
  std::vector<Violation> violations;
  /// What the plan did; see ServiceNode::decisions.
  std::vector<fault::Rule> decisions;
  std::uint64_t decision_count = 0;
  /// Messages that reached the role of an end.
  std::uint64_t delivered = 0;
  std::uint64_t connections = 0;
  std::uint64_t resume_calls = 0;
  std::uint64_t terminate_calls = 0;
  /// Of stream data, as the application got it.
  std::uint64_t client_received = 0;
  std::uint64_t client_expected = 0;
  std::uint64_t agent_received = 0;
  std::uint64_t agent_expected = 0;
  /// Most messages that were held ahead of a gap.
  std::size_t client_max_stored = 0;
  std::size_t agent_max_stored = 0;
  /// Counted by what ran above the client.
  std::map<std::string, double> measures;
  std::string client_end;  ///< the reason; empty: it is still there
  std::string agent_end;
  Duration virtual_time{0};
  /// Of everything that the service saw, with its times: equal for equal runs.
  std::uint64_t digest = 0;
};

/// Runs one session from its start to its end, or to where its time is over. Pure: no clock, no
/// threads, no files. `observer` is told of every message.
[[nodiscard]] RunResult run(const RunConfig& config, Observer& observer);
[[nodiscard]] RunResult run(const RunConfig& config);

}  // namespace ssm::sim
