#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// JSON text exactly as Go's encoding/json writes it, which is what both reference programs send:
/// compact; `"`, `\`, newline, return and tab short; other control characters, `<`, `>`, `&`,
/// U+2028 and U+2029 as \u00xx or \u20xx; each byte that is no UTF-8 as \ufffd.
namespace ssm::protocol::detail {

/// Size of the well-formed UTF-8 sequence at the start of `text`, or 0. Surrogates, overlong forms
/// and values above U+10FFFF are not well formed.
[[nodiscard]] std::size_t utf8_sequence_size(std::string_view text);

/// Replaces each byte of `text` from `begin` on that belongs to no UTF-8 sequence with U+FFFD, as
/// Go does on decoding.
void replace_invalid_utf8(std::string& text, std::size_t begin);

/// Upper bound for `write_json_string`.
[[nodiscard]] constexpr std::size_t json_string_size_max(std::size_t text_size) {
  return 6 * text_size + 2;
}
/// Writes `text` quoted and escaped to `out`, which has room for the bound above; returns the end.
char* write_json_string(char* out, std::string_view text);
void append_json_string(std::string& out, std::string_view text);

/// Appends JSON text without white space between its tokens and with Go's escapes in its strings;
/// empty text becomes `null`. The text must be valid JSON: it is not checked.
void append_compact_json(std::string& out, std::string_view json);

}  // namespace ssm::protocol::detail
