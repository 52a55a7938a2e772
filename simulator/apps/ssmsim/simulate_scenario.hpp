#pragma once

#include <string>

#include "ssm/protocol/profile.hpp"

namespace ssmsim {

/// What `ssmsim simulate --scenario` was asked for.
struct ScenarioOptions {
  /// Name of a scenario that the program carries, `list`, or a file.
  std::string scenario;
  /// Instead of the scenario's own; nullptr where none was asked for.
  const ssm::protocol::ClientProfile* client = nullptr;
  const ssm::protocol::AgentProfile* agent = nullptr;
  /// Where the recordings go; empty: none are written.
  std::string directory;
  bool json = false;
};

/// Runs the scenario with its affected and its strict profiles, reports what was expected and what
/// was seen, and returns the exit code: whether both are as described. With other profiles it runs
/// once and judges nothing.
[[nodiscard]] int simulate_scenario(const char* command, const ScenarioOptions& options);

}  // namespace ssmsim
