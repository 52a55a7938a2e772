#pragma once

#include <string>

#include "ssm/sim/simulation.hpp"

namespace ssmsim {

/// What is made of a failing run.
struct FailureOptions {
  bool shrink = true;
  /// Where the files go; empty: none are written.
  std::string directory;
  /// What the run was called: file names, the name of the test.
  std::string name;
  /// Repeats the run as it was.
  std::string reproduce;
};

/// Shrinks the run, shows its decisions and writes its files: the fault plan, the scenario, a
/// GoogleTest test and the recording. False if a file could not be written; that was said on
/// stderr.
[[nodiscard]] bool explain_failure(const ssm::sim::RunConfig& failing,
                                   const FailureOptions& options);

}  // namespace ssmsim
