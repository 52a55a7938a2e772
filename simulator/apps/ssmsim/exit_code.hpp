#pragma once

namespace ssmsim {

/// Exit codes of every command.
enum ExitCode : int {
  exit_ok = 0,
  /// The thing looked at has defects: a conformance case failed, two traces differ.
  exit_findings = 1,
  /// The command line or a file cannot be used as it is.
  exit_usage = 2,
  /// The world: nothing answers, a connection is lost for good, a port is taken.
  exit_infrastructure = 3,
  /// A listed known failure did not fail.
  exit_stale_known_failures = 4,
};

}  // namespace ssmsim
