#include "detail/json_text.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace ssm::protocol::detail {
namespace {

constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

constexpr std::uint8_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

constexpr bool is_continuation(std::uint8_t byte) {
  return (byte & 0xC0U) == 0x80U;
}

/// Bytes that stand for themselves inside a string.
constexpr std::array<bool, 256> make_plain_table() {
  std::array<bool, 256> table{};
  for (std::size_t byte = 0x20; byte < 0x80; ++byte) {
    table[byte] = true;
  }
  for (const char special : {'"', '\\', '<', '>', '&'}) {
    table[static_cast<std::uint8_t>(special)] = false;
  }
  return table;
}
constexpr std::array<bool, 256> is_plain = make_plain_table();

char* write(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* write_hex_escape(char* out, std::uint8_t byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  out = write(out, "\\u00");
  *out++ = digits[byte >> 4U];
  *out++ = digits[byte & 0xFU];
  return out;
}

char* write_ascii(char* out, char character) {
  switch (character) {
    case '"':
      return write(out, "\\\"");
    case '\\':
      return write(out, "\\\\");
    case '\n':
      return write(out, "\\n");
    case '\r':
      return write(out, "\\r");
    case '\t':
      return write(out, "\\t");
    default:
      return write_hex_escape(out, static_cast<std::uint8_t>(character));
  }
}

/// U+2028 and U+2029 end a line in JavaScript, so Go escapes them: E2 80 A8 and E2 80 A9.
bool is_line_separator(std::string_view text) {
  return text.size() >= 3 && byte_at(text, 0) == 0xE2 && byte_at(text, 1) == 0x80 &&
         (byte_at(text, 2) & 0xFEU) == 0xA8;
}

std::string_view line_separator_escape(std::string_view text) {
  return byte_at(text, 2) == 0xA8 ? "\\u2028" : "\\u2029";
}

/// Appends the string that starts at `json[at]`, quotes included; returns the place after it.
std::size_t append_string_token(std::string& out, std::string_view json, std::size_t at) {
  out += json[at++];
  while (at < json.size() && json[at] != '"') {
    const std::string_view rest = json.substr(at);
    if (rest[0] == '\\' && rest.size() > 1) {
      out.append(rest, 0, 2);
      at += 2;
    } else if (is_line_separator(rest)) {
      out += line_separator_escape(rest);
      at += 3;
    } else if (rest[0] == '<' || rest[0] == '>' || rest[0] == '&') {
      std::array<char, 6> escape{};
      write_hex_escape(escape.data(), byte_at(rest, 0));
      out.append(escape.data(), escape.size());
      ++at;
    } else {
      out += rest[0];
      ++at;
    }
  }
  if (at < json.size()) {
    out += json[at++];
  }
  return at;
}

}  // namespace

std::size_t utf8_sequence_size(std::string_view text) {
  const std::uint8_t first = byte_at(text, 0);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) {
    return 0;
  }
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(byte_at(text, i))) {
      return 0;
    }
  }
  const std::uint8_t second = byte_at(text, 1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second > 0x9F;
  const bool too_large = first == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_large ? 0 : size;
}

void replace_invalid_utf8(std::string& text, std::size_t begin) {
  std::size_t at = begin;
  std::string_view rest;
  const auto next_size = [&] {
    rest = std::string_view(text).substr(at);
    return rest.empty() ? std::size_t{0} : utf8_sequence_size(rest);
  };
  while (const std::size_t size = next_size()) {
    at += size;
  }
  if (rest.empty()) {
    return;
  }
  const std::string damaged(rest);
  text.resize(at);
  for (std::string_view left = damaged; !left.empty();) {
    const std::size_t size = utf8_sequence_size(left);
    text += size == 0 ? replacement_character : left.substr(0, size);
    left.remove_prefix(size == 0 ? 1 : size);
  }
}

char* write_json_string(char* out, std::string_view text) {
  *out++ = '"';
  while (!text.empty()) {
    std::size_t size = 1;
    if (is_plain[byte_at(text, 0)]) {
      *out++ = text[0];
    } else if (byte_at(text, 0) < 0x80) {
      out = write_ascii(out, text[0]);
    } else if (is_line_separator(text)) {
      out = write(out, line_separator_escape(text));
      size = 3;
    } else if (const std::size_t sequence = utf8_sequence_size(text); sequence != 0) {
      out = write(out, text.substr(0, sequence));
      size = sequence;
    } else {
      out = write(out, "\\ufffd");
    }
    text.remove_prefix(size);
  }
  *out++ = '"';
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  const std::size_t begin = out.size();
  out.resize(begin + json_string_size_max(text.size()));
  const char* end = write_json_string(out.data() + begin, text);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

void append_compact_json(std::string& out, std::string_view json) {
  const std::size_t begin = out.size();
  for (std::size_t at = 0; at < json.size();) {
    switch (json[at]) {
      case '"':
        at = append_string_token(out, json, at);
        break;
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        ++at;
        break;
      default:
        out += json[at++];
    }
  }
  if (out.size() == begin) {
    out += "null";
  }
}

}  // namespace ssm::protocol::detail
