#include "ssm/schema/utf8.hpp"

#include <algorithm>
#include <cstdint>

namespace ssm::schema {
namespace {

struct Lead {
  std::uint8_t first;
  std::uint8_t last;
  std::size_t size;
  // Bounds of the second byte: they exclude overlong forms, surrogates and what is past U+10FFFF.
  std::uint8_t second_min;
  std::uint8_t second_max;
};

// Unicode 15, table 3-7.
constexpr Lead leads[] = {
    {0x00, 0x7F, 1, 0x80, 0xBF}, {0xC2, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF},
    {0xE1, 0xEC, 3, 0x80, 0xBF}, {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF},
    {0xF0, 0xF0, 4, 0x90, 0xBF}, {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F},
};

std::uint8_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

/// Size of the valid character at the start of `text` (not empty), 0 if there is none.
std::size_t character_size(std::string_view text) {
  const auto* lead = std::find_if(std::begin(leads), std::end(leads), [&](const Lead& each) {
    return byte_at(text, 0) >= each.first && byte_at(text, 0) <= each.last;
  });
  if (lead == std::end(leads) || lead->size > text.size()) {
    return 0;
  }
  for (std::size_t i = 1; i < lead->size; ++i) {
    const std::uint8_t min = i == 1 ? lead->second_min : 0x80;
    const std::uint8_t max = i == 1 ? lead->second_max : 0xBF;
    if (byte_at(text, i) < min || byte_at(text, i) > max) {
      return 0;
    }
  }
  return lead->size;
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t size = character_size(text.substr(at));
    if (size == 0) {
      return at;
    }
    at += size;
  }
  return std::string_view::npos;
}

std::string to_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t valid = std::min(find_invalid_utf8(text), text.size());
    result.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (!text.empty()) {
      result.append("\xEF\xBF\xBD");
      text.remove_prefix(1);
    }
  }
  return result;
}

}  // namespace ssm::schema
