#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace ssm::golden {

/// One block of a vector file, and where it starts. Format: tests/golden/README.md.
struct Vector {
  std::map<std::string, std::string> values;
  std::size_t line = 0;

  [[nodiscard]] bool has(const std::string& key) const { return values.count(key) != 0; }
  /// The value of a key that must be there (throws std::out_of_range).
  [[nodiscard]] const std::string& at(const std::string& key) const { return values.at(key); }
};

/// Throws std::runtime_error with file and line for a file that breaks the format.
[[nodiscard]] std::vector<Vector> load_vectors(const std::string& path);

/// Throws std::runtime_error for a text that is not hex.
[[nodiscard]] std::vector<std::byte> from_hex(const std::string& text);

}  // namespace ssm::golden
