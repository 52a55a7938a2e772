#include <fnmatch.h>

#include <algorithm>
#include <string>

#include "cases/wire/cases.hpp"
#include "ssm/conformance/case.hpp"

namespace ssm::conformance {
namespace {

std::vector<Case> all_client_cases() {
  const auto by_requirement = [](const Case& a, const Case& b) {
    return a.requirement_id() < b.requirement_id();
  };
  std::vector<Case> cases;
  for (const auto group :
       {wire::sent_header_cases(), wire::message_id_cases(), wire::payload_cases(),
        wire::tolerance_cases(), wire::bad_message_cases(), wire::json_cases()}) {
    for (const Case& one : group) {
      // Behind those of the same requirement. Not stable_sort: its temporary buffer is deprecated.
      cases.insert(std::upper_bound(cases.begin(), cases.end(), one, by_requirement), one);
    }
  }
  return cases;
}

}  // namespace

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::fail:
      return "fail";
    case Verdict::skipped:
      return "skipped";
    case Verdict::not_applicable:
      return "not_applicable";
    case Verdict::error:
      return "error";
  }
  return "unknown";
}

const std::vector<Case>& client_cases() {
  static const std::vector<Case> cases = all_client_cases();
  return cases;
}

bool selects(std::string_view pattern, std::string_view requirement_id, std::string_view case_id) {
  if (pattern.empty()) {
    return true;
  }
  const std::string glob(pattern);
  const auto matches = [&](std::string_view text) {
    return fnmatch(glob.c_str(), std::string(text).c_str(), FNM_CASEFOLD) == 0;
  };
  return matches(requirement_id) || matches(requirement_id.substr(0, requirement_id.find('-'))) ||
         (!case_id.empty() && matches(case_id));
}

}  // namespace ssm::conformance
