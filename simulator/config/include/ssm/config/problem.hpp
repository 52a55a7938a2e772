#pragma once

#include <boost/system/result.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace ssm::config {

/// Lines and columns count from 1; 0 where the whole file is meant.
struct Position {
  int line = 0;
  int column = 0;

  friend auto operator<=>(const Position&, const Position&) = default;
};

/// One thing that is wrong with a file.
struct Problem {
  std::string file;
  Position at;
  /// Path of the field: `rules[2].match.nth`; empty for the whole document.
  std::string field;
  std::string expected;
  /// What stands there instead; empty when the field is absent.
  std::string seen;

  /// `plan.yaml:4:14: rules[2].match.nth: expected a whole number of at least 1, seen "none"`
  [[nodiscard]] std::string to_string() const;
};

/// All that is wrong with a file, in the file's order; at least one, at most `max_problems`.
struct Problems {
  static constexpr std::size_t max_problems = 20;
  std::vector<Problem> list;

  /// Puts the list into the file's order and cuts it.
  void arrange();
  /// One line for each, without a final newline.
  [[nodiscard]] std::string to_string() const;
};

/// Used by Boost.System when `value()` is called on a failed result: only tests and `main` do.
[[noreturn]] void throw_exception_from_error(const Problems& problems,
                                             const boost::source_location& location);

/// A value, or why there is none; never half of a value.
template <class T = void>
using Loaded = boost::system::result<T, Problems>;

}  // namespace ssm::config
