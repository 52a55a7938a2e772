#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ssm/sim/simulation.hpp"

namespace ssm::sim {

/// What is not drawn.
struct SwarmOptions {
  const protocol::ClientProfile* client = nullptr;  ///< nullptr: strict
  const protocol::AgentProfile* agent = nullptr;    ///< nullptr: strict
  std::optional<WorkloadKind> workload = std::nullopt;
  /// Instead of drawn faults.
  std::optional<fault::Plan> plan = std::nullopt;
};

/// A run drawn from a seed: workload, links, and a mix of faults in which whole classes of them are
/// absent, because what many faults together hide, few show.
[[nodiscard]] RunConfig draw(std::uint64_t seed, const SwarmOptions& options);

/// A number, or a hexadecimal commit id of 7 to 40 digits, whose last 16 digits count; nothing for
/// other texts. A number that is also a commit id is taken as a number.
[[nodiscard]] std::optional<std::uint64_t> parse_seed(std::string_view text);

}  // namespace ssm::sim
