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
/// `file` names the text in problems.
[[nodiscard]] Loaded<fault::Plan> parse_fault_plan(std::string_view text, std::string_view file);

/// The same from a file of at most 1 MiB.
[[nodiscard]] Loaded<fault::Plan> load_fault_plan(const std::string& path);

}  // namespace ssm::config
