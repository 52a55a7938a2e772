#pragma once

#include <string>
#include <string_view>

#include "ssm/config/problem.hpp"
#include "ssm/fault/plan.hpp"

namespace ssm::config {

/// Reads a fault plan, YAML or JSON (ssm/schema/v1/plan.proto):
///
///     seed: 7            # optional
///     rules:
///       - name: cut the client after 100 messages
///         match: {direction: agent_to_client, nth: 100}
///         action: {close: {side: client, code: 1001, reason: recycled}}
///
/// `file` names the text in problems. An action that `driver` does not execute is a problem.
[[nodiscard]] Loaded<fault::Plan> parse_fault_plan(std::string_view text, std::string_view file,
                                                   fault::Driver driver);

/// The same from a file of at most 1 MiB.
[[nodiscard]] Loaded<fault::Plan> load_fault_plan(const std::string& path, fault::Driver driver);

/// The plan as YAML, one line for each part of a rule. parse_fault_plan gives back the same plan if
/// it is one that a file can hold: at most 5,000 rules, names present, unique and on one line,
/// delays of at most 24 h. Each line of `comment` is put before it behind a `#`.
[[nodiscard]] std::string to_yaml(const fault::Plan& plan, std::string_view comment = {});

/// Writes that text; a file of that name is replaced as a whole or not at all.
[[nodiscard]] Loaded<> save_fault_plan(const fault::Plan& plan, const std::string& path,
                                       std::string_view comment = {});

}  // namespace ssm::config
