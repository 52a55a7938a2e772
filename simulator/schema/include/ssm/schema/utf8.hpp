#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ssm::schema {

/// Where `text` stops being valid UTF-8, or npos. A protobuf `string` field must be valid: a
/// message that holds anything else cannot be read back.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text);

/// `text` with each byte that is not part of valid UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string to_utf8(std::string_view text);

}  // namespace ssm::schema
