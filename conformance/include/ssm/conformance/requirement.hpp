#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ssm::conformance {

/// A side of the protocol that can be put to the test.
enum class Role : std::uint8_t { client, agent, service };
[[nodiscard]] std::string_view name(Role role);

enum class Level : std::uint8_t {
  must,    ///< interoperation with the references breaks otherwise
  should,  ///< what the references do and a compatible implementation normally copies
  may,     ///< a quirk that need not be copied
};
[[nodiscard]] std::string_view name(Level level);

enum class Basis : std::uint8_t {
  observed,  ///< the reference program was run
  inferred,  ///< its source was read
};
[[nodiscard]] std::string_view name(Basis basis);

/// Where a requirement can be seen in a reference program.
struct Evidence {
  std::string_view program;
  std::string_view version;
  std::string_view path;  ///< in the program's repository
};

/// One rule of the protocol. All of them come from conformance/requirements/*.yaml, which the
/// build turns into static data; views stay valid for ever.
struct Requirement {
  std::string_view id;  ///< `WIRE-010`
  std::string_view title;
  Level level = Level::must;
  Basis basis = Basis::inferred;
  std::span<const Role> roles;
  /// Roles for which there are cases.
  std::span<const Role> judged;
  std::span<const Evidence> evidence;
  std::string_view note;  ///< may be empty
};

[[nodiscard]] bool contains(std::span<const Role> roles, Role role);

/// Sorted by file, then as in the file.
[[nodiscard]] std::span<const Requirement> requirements();
/// nullptr if unknown. Exact spelling.
[[nodiscard]] const Requirement* find_requirement(std::string_view id);

}  // namespace ssm::conformance
