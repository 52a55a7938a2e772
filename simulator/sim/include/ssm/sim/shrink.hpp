#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "ssm/sim/simulation.hpp"

namespace ssm::sim {

struct ShrinkOptions {
  /// Runs that may be spent.
  unsigned max_runs = 2000;
  /// Told of each success: decisions left, and runs so far.
  std::function<void(std::size_t, unsigned)> on_progress = nullptr;
};

struct Shrunk {
  /// Fails as the original does. Its plan has no chance in it: each rule is one decision.
  RunConfig config;
  RunResult result;
  std::size_t decisions_before = 0;
  unsigned runs = 0;
  /// The failure also shows without the seed of the roles and links (seed 0).
  bool needs_no_seed = false;
};

/// Reduces a failing run to what its failure needs: first the fault decisions, by delta debugging
/// (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input"), then jitter,
/// bandwidth, latency, the amount of data and the seed. A smaller run counts if it violates the
/// same invariant. If the runs suffice, no single decision that is left can be left out. `failing`
/// must violate an invariant.
[[nodiscard]] Shrunk shrink(const RunConfig& failing, const ShrinkOptions& options);

/// A GoogleTest test that makes the same run and expects that it completes; needs <gtest/gtest.h>,
/// <chrono> and ssm/sim/simulation.hpp. Its profiles are those of the configuration's names.
[[nodiscard]] std::string google_test(const RunConfig& config, const std::string& name);

}  // namespace ssm::sim
