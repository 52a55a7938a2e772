#pragma once

#include <span>
#include <string_view>

namespace ssm::scenarios {

/// A scenario file that the program carries; ssm::config reads its text.
struct Embedded {
  std::string_view name;  ///< of the file, without folder and ending: `BUG-001`
  std::string_view text;
};

/// Public bugs of clients and agents, simulator/scenarios/bugs, by name.
[[nodiscard]] std::span<const Embedded> bugs();

/// By name, also with the folder (`bugs/BUG-001`); nullptr for other names.
[[nodiscard]] const Embedded* find_bug(std::string_view name);

}  // namespace ssm::scenarios
