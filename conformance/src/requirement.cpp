#include "ssm/conformance/requirement.hpp"

#include <algorithm>

namespace ssm::conformance {

std::string_view name(Role role) {
  switch (role) {
    case Role::client:
      return "client";
    case Role::agent:
      return "agent";
    case Role::service:
      return "service";
  }
  return "unknown";
}

std::string_view name(Level level) {
  switch (level) {
    case Level::must:
      return "must";
    case Level::should:
      return "should";
    case Level::may:
      return "may";
  }
  return "unknown";
}

std::string_view name(Basis basis) {
  return basis == Basis::observed ? "observed" : "inferred";
}

bool contains(std::span<const Role> roles, Role role) {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

const Requirement* find_requirement(std::string_view id) {
  const auto all = requirements();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Requirement& candidate) { return candidate.id == id; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace ssm::conformance
