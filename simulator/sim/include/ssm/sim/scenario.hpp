#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ssm/sim/simulation.hpp"

namespace ssm::sim {

/// What a run must show: all that is present. Without `outcome` and `violates`, no invariant may be
/// violated.
struct Expectation {
  /// In words, for reports.
  std::string observed = {};
  std::optional<Outcome> outcome = std::nullopt;
  /// The invariant that is violated.
  std::optional<Invariant> violates = std::nullopt;
  /// Part of the text of the outcome.
  std::string text_contains = {};
  /// The client's reason for its end; `running` if it must still be there.
  std::string client_end = {};
  std::string agent_end = {};
  /// Bounds of what was counted, by name: those of Meter and of measures().
  struct Bound {
    std::string measure;
    std::optional<double> min = std::nullopt;
    std::optional<double> max = std::nullopt;

    friend bool operator==(const Bound&, const Bound&) = default;
  };
  std::vector<Bound> bounds = {};

  friend bool operator==(const Expectation&, const Expectation&) = default;
};

/// The run with a pair of profiles, and what it must show.
struct Case {
  std::string client = "strict";  ///< name of a profile
  std::string agent = "strict";
  Expectation expect = {};

  friend bool operator==(const Case&, const Case&) = default;
};

/// A run that someone wants to see again: a public bug, or a failure that was found and shrunk.
struct Scenario {
  std::string name;
  std::string title;
  /// Issue numbers, releases, requirement ids.
  std::vector<std::string> references;
  /// What happens, in words and in order.
  std::string description;
  /// Its profiles are those of the case that is run.
  RunConfig config;
  /// Shows the bug. Absent in a scenario that only pins good behaviour.
  std::optional<Case> affected;
  /// Does not.
  Case strict;
};

struct CaseResult {
  RunResult run;
  std::map<std::string, double> measures;
  /// What was expected and not seen; empty: all is as expected.
  std::vector<std::string> differences;
};

/// Everything that can be bounded: Meter::values() and the numbers of RunResult
/// (`delivered`, of a port session `connections_served`, `connections_broken`, `connections_open`
/// at the end, `most_open_connections` at once and `slowest_connection_s` of those that read at
/// once, `resume_calls`, `terminate_calls`, `client_received`, `agent_received`, `virtual_time_s`,
/// `client_max_stored`, `agent_max_stored`).
[[nodiscard]] std::map<std::string, double> measures(const RunResult& result);
/// Their names, in alphabetical order.
[[nodiscard]] std::vector<std::string> measure_names();

/// What was expected of the run and not seen.
[[nodiscard]] std::vector<std::string> differences(const Expectation& expect,
                                                   const CaseResult& result);

/// Asserts that the profiles exist.
[[nodiscard]] CaseResult run_case(const Scenario& scenario, const Case& which, Observer& observer);

}  // namespace ssm::sim
