#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Small text helpers without locale: everything here is about ASCII protocols.
namespace ssm::service::detail {

[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
[[nodiscard]] constexpr bool is_alnum(char c) {
  return is_alpha(c) || is_digit(c);
}
[[nodiscard]] constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);
/// Without spaces and tabs at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);

/// Percent-encodes everything but A-Za-z0-9-._~ and, if asked, '/'.
[[nodiscard]] std::string percent_encode(std::string_view text, bool keep_slash);
/// A '%' that two hex digits do not follow stays as it is.
[[nodiscard]] std::string percent_decode(std::string_view text, bool plus_is_space);

/// Number of code points of valid UTF-8.
[[nodiscard]] std::size_t code_points(std::string_view utf8);
/// At most `max_bytes` of the text, cut between characters, with "..." if something is missing.
[[nodiscard]] std::string excerpt(std::string_view utf8, std::size_t max_bytes);

/// The text with every byte that is not part of valid UTF-8 replaced by '?'.
[[nodiscard]] std::string to_valid_utf8(std::string_view text);

/// Escaped for element content; characters that XML 1.0 cannot carry become '?'.
[[nodiscard]] std::string xml_escape(std::string_view text);

/// `20150830T123600Z` to milliseconds since the Unix epoch; nullopt unless exactly of that form
/// and a real date.
[[nodiscard]] std::optional<std::int64_t> parse_basic_time(std::string_view text);
/// The other way.
[[nodiscard]] std::string format_basic_time(std::int64_t unix_ms);
/// `2018-08-29T00:00:00Z`, with optional fraction of up to 9 digits, to milliseconds.
[[nodiscard]] std::optional<std::int64_t> parse_extended_time(std::string_view text);

}  // namespace ssm::service::detail
