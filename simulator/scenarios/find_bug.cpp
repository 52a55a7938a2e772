#include <algorithm>

#include "ssm/scenarios/bugs.hpp"

namespace ssm::scenarios {

const Embedded* find_bug(std::string_view name) {
  constexpr std::string_view folder = "bugs/";
  if (name.starts_with(folder)) {
    name.remove_prefix(folder.size());
  }
  const auto found = std::ranges::find(bugs(), name, &Embedded::name);
  return found == bugs().end() ? nullptr : &*found;
}

}  // namespace ssm::scenarios
