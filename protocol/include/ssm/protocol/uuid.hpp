#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

#include "ssm/protocol/error.hpp"
#include "ssm/protocol/random.hpp"

namespace ssm::protocol {

/// A UUID in its usual byte order (the order of its text). The wire order of MessageId is
/// different and known only to the codec.
struct Uuid {
  std::array<std::byte, 16> bytes{};

  [[nodiscard]] static Uuid random_v4(Random& random);
  /// 36 characters, hyphenated, either letter case. Error: malformed_uuid.
  [[nodiscard]] static Result<Uuid> parse(std::string_view text);

  [[nodiscard]] bool is_nil() const;
  /// Lower-case hyphenated text.
  [[nodiscard]] std::string to_string() const;
  /// The same into a caller's 36 bytes, without allocating.
  void write_text(char* out) const;

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

}  // namespace ssm::protocol
