#pragma once

#include <string>
#include <vector>

#include "ssm/sim/simulation.hpp"

namespace ssmsim {

/// What is made of a failing run.
struct FailureOptions {
  bool shrink = true;
  /// On stdout, for people.
  bool show = true;
  /// Where the files go; empty: none are written.
  std::string directory;
  /// What the run was called: file names, the name of the test.
  std::string name;
  /// Repeats the run as it was.
  std::string reproduce;
};

/// For a report that is not for people.
struct FailureReport {
  /// False if a file could not be written; that was said on stderr.
  bool written = true;
  /// What is left of the run's fault decisions, in words, and what comes of them; empty if it was
  /// not shrunk.
  std::vector<std::string> decisions;
  std::string text;
  /// Where the files are; empty if none were written.
  std::string directory;
};

/// Shrinks the run, shows its decisions and writes its files: the fault plan, the scenario, a
/// GoogleTest test and the recording.
[[nodiscard]] FailureReport explain_failure(const ssm::sim::RunConfig& failing,
                                            const FailureOptions& options);

}  // namespace ssmsim
