#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "ssm/conformance/case.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::conformance {

struct ClientRunOptions {
  /// Program and arguments, at least one, with placeholders; see `placeholders`.
  std::vector<std::string> command;
  /// See `selects`.
  std::string filter;
  /// How long a case waits for each thing that a good client does. Generous: it only decides how
  /// long a failure takes.
  protocol::Duration timeout = std::chrono::seconds(10);
};

struct CaseResult {
  /// The case's id, or the requirement's where there is none.
  std::string id;
  const Requirement* requirement = nullptr;
  const Case* definition = nullptr;  ///< null: not_applicable
  Outcome outcome;
  protocol::Duration took{0};
};

/// Runs the selected cases one after the other, each against a client process of its own in a
/// pseudo terminal of its own, over loopback. `on_result` is called after each.
///
/// A client that cannot be started, or does not connect in the first case, is not started again:
/// the other cases then end in `error`.
[[nodiscard]] std::vector<CaseResult> run_client_cases(
    const ClientRunOptions& options,
    const std::function<void(const CaseResult&)>& on_result = nullptr);

struct Placeholder {
  std::string_view text;  ///< `{endpoint}`
  std::string_view meaning;
};
/// What is replaced in the arguments of a client command.
[[nodiscard]] std::span<const Placeholder> placeholders();

}  // namespace ssm::conformance
