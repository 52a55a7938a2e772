#pragma once

#include <string>
#include <string_view>

#include "ssm/config/problem.hpp"
#include "ssm/sim/scenario.hpp"

namespace ssm::config {

/// Reads a scenario, YAML or JSON (ssm/schema/v1/scenario.proto):
///
///     name: BUG-016
///     workload: {kind: typing}
///     faults:
///       rules:
///         - match: {message_type: acknowledge, direction: agent_to_client}
///           action: {drop: {}}
///     fault_phase: 3s
///     affected:
///       client: plugin-1.2.677
///       expect:
///         observed: every 100 ms another copy
///         bounds: [{measure: client_min_gap_ms, max: 150}]
///     strict:
///       expect: {observed: copies are an RTO apart, outcome: completed}
///
/// `file` names the text in problems. Names of profiles, workloads, outcomes, invariants and
/// measures are checked.
[[nodiscard]] Loaded<sim::Scenario> parse_scenario(std::string_view text, std::string_view file);

/// The same from a file of at most 1 MiB.
[[nodiscard]] Loaded<sim::Scenario> load_scenario(const std::string& path);

/// The scenario as YAML, without what has its usual value. parse_scenario gives back the same
/// scenario if it is one that a file can hold; its plan as for to_yaml(fault::Plan). Each line of
/// `comment` is put before it behind a `#`.
[[nodiscard]] std::string to_yaml(const sim::Scenario& scenario, std::string_view comment = {});

}  // namespace ssm::config
