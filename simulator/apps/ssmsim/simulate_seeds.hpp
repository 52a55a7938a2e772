#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ssm/sim/swarm.hpp"

namespace ssmsim {

/// Of one seed, what reports need.
struct SeedResult {
  std::uint64_t seed = 0;
  ssm::sim::Outcome outcome = ssm::sim::Outcome::completed;
  ssm::sim::WorkloadKind workload = ssm::sim::WorkloadKind::typing;
  std::string text;
  std::uint64_t delivered = 0;
  std::uint64_t decisions = 0;
  ssm::sim::Duration virtual_time{0};
  std::uint64_t digest = 0;
};

/// Runs the seeds from `first` to `last`, both included, on `jobs` threads, and reports each, in
/// their order, on the calling thread. `report` returns false to stop early.
void run_seeds(std::uint64_t first, std::uint64_t last, const ssm::sim::SwarmOptions& options,
               unsigned jobs, const std::function<bool(const SeedResult&)>& report);

}  // namespace ssmsim
