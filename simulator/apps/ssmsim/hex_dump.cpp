#include "hex_dump.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace ssmsim {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdefABCDEF";

bool is_hex(char character) {
  return hex_digits.find(character) != std::string_view::npos;
}

unsigned digit_value(char digit) {
  const std::size_t index = hex_digits.find(digit);
  return static_cast<unsigned>(index < 16 ? index : index - 6);
}

/// Takes off an offset and the column of text that comes with it. An offset counts as one only
/// if it is the number of bytes before it: anything else is data.
std::string_view data_of(std::string_view line, std::size_t bytes_so_far) {
  const std::size_t digits = std::min(line.find_first_not_of(hex_digits), line.size());
  std::size_t offset = 0;
  const auto parsed = std::from_chars(line.data(), line.data() + digits, offset, 16);
  const std::string_view rest = line.substr(digits);
  if (digits < 4 || parsed.ec != std::errc() || offset != bytes_so_far) {
    return line;
  }
  if (rest.starts_with(": ")) {  // xxd: text after two spaces
    return rest.substr(2, rest.substr(2).find("  "));
  }
  if (rest.starts_with("  ")) {
    const std::size_t begin = std::min(rest.find_first_not_of(' '), rest.size());
    const std::string_view data = rest.substr(begin);
    // hexdump -C: text between bars. Wireshark: text after three spaces.
    return data.substr(0, std::min(data.find('|'), data.find("   ")));
  }
  // The last line of hexdump -C is the size alone.
  return rest.empty() && digits == 8 && bytes_so_far > 0 ? rest : line;
}

/// Adds the line's bytes; the character that is none, if any.
std::optional<char> add_bytes(std::string_view data, std::vector<std::byte>& bytes) {
  while (!data.empty()) {
    if (std::string_view(" \t,:").find(data[0]) != std::string_view::npos) {
      data.remove_prefix(1);
    } else if (data.starts_with("0x") || data.starts_with("0X") || data.starts_with("\\x")) {
      data.remove_prefix(2);
    } else if (!is_hex(data[0])) {
      return data[0];
    } else if (data.size() < 2 || !is_hex(data[1])) {
      return data.size() < 2 ? data[0] : data[1];
    } else {
      bytes.push_back(static_cast<std::byte>(digit_value(data[0]) * 16 + digit_value(data[1])));
      data.remove_prefix(2);
    }
  }
  return std::nullopt;
}

std::string shown(char character) {
  const auto value = static_cast<unsigned char>(character);
  return value > 0x20 && value < 0x7F ? fmt::format("'{}'", character)
                                      : fmt::format("byte 0x{:02x}", value);
}

}  // namespace

HexDump parse_hex_dump(std::string_view text) {
  HexDump dump;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (const auto wrong = add_bytes(data_of(line, dump.bytes.size()), dump.bytes)) {
      dump.problem =
          fmt::format("line {}: expected pairs of hex digits, seen {}", number, shown(*wrong));
      dump.bytes.clear();
      return dump;
    }
  }
  if (dump.bytes.empty()) {
    dump.problem = "expected hex digits, seen none";
  }
  return dump;
}

}  // namespace ssmsim
