#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/conformance/requirement.hpp"

namespace ssm::conformance {

class Conversation;

enum class Verdict : std::uint8_t {
  pass,
  fail,
  /// The client does not do what would have to be looked at; another requirement says whether it
  /// should.
  skipped,
  not_applicable,  ///< a rule for another role
  error,           ///< the case could not be carried out: no client, no port, ...
};
[[nodiscard]] std::string_view name(Verdict verdict);

/// What came of one case, for people.
struct Outcome {
  Verdict verdict = Verdict::pass;
  /// What the client was given.
  std::string sent;
  /// What it did; for `skipped` and `error`, why there is no verdict.
  std::string seen;
  /// Messages of both sides in order, one line each.
  std::vector<std::string> transcript;
  /// The case ended before its subject was reached.
  bool during_opening = false;
};

/// One check of one requirement: a scripted service and agent that speaks to one client process.
struct Case {
  std::string_view id;       ///< requirement id, slash, name: `WIRE-010/digest-bit`
  std::string_view does;     ///< what the case does
  std::string_view expects;  ///< what a good client does
  Outcome (*run)(Conversation& peer);

  /// Id of the requirement that it judges.
  [[nodiscard]] std::string_view requirement_id() const { return id.substr(0, id.find('/')); }
};

/// The cases for clients, by requirement.
[[nodiscard]] const std::vector<Case>& client_cases();

/// Whether `pattern` (a glob; letter case ignored) names the requirement, its area, or the case.
/// An empty pattern and `*` name everything; `case_id` may be empty.
[[nodiscard]] bool selects(std::string_view pattern, std::string_view requirement_id,
                           std::string_view case_id);

}  // namespace ssm::conformance
