#include <boost/json/parse.hpp>

#include <algorithm>
#include <string>
#include <string_view>

#include "ssm/trace/writer.hpp"

namespace ssm::trace {
namespace {

constexpr std::string_view token_member = "tokenvalue";

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

std::size_t skip_space(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(" \t\r\n", at), text.size());
}

/// Where the string that begins at `open` has its closing quote; the text's end if it has none.
std::size_t closing_quote(std::string_view text, std::size_t open) {
  std::size_t at = open + 1;
  while (at < text.size() && text[at] != '"') {
    at += text[at] == '\\' ? 2U : 1U;
  }
  return std::min(at, text.size());
}

/// The inside of a JSON string as a reader compares it with a member's name: escapes resolved,
/// lower case. Go also takes U+212A, the Kelvin sign, for a k.
std::string folded_name(std::string_view inside) {
  std::string name;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    unsigned code = static_cast<unsigned char>(inside[i]);
    if (inside.substr(i, 2) == "\\u") {
      code = 0;
      for (const char digit : inside.substr(std::min(i + 2, inside.size()), 4)) {
        const std::size_t value = std::string_view("0123456789abcdef").find(lower(digit));
        code = code * 16 + static_cast<unsigned>(value & 0xFU);
      }
      i += 5;
    } else if (inside.substr(i, 3) == "\xE2\x84\xAA") {
      code = 0x212A;
      i += 2;
    }
    name += code == 0x212A ? 'k' : lower(static_cast<char>(code < 0x80 ? code : '?'));
  }
  return name;
}

/// Covers the value that begins at `at` and returns where the next one may.
std::size_t cover_value(std::string& text, std::size_t at) {
  const auto cover = [&](std::size_t begin, std::size_t end) {
    std::fill(text.begin() + static_cast<std::ptrdiff_t>(begin),
              text.begin() + static_cast<std::ptrdiff_t>(end), '*');
    return end;
  };
  if (at < text.size() && text[at] == '"') {
    return std::min(cover(at + 1, closing_quote(text, at)) + 1, text.size());
  }
  // No peer of ours sends anything but a string here. A list or an object is covered to its end.
  std::size_t end = at;
  std::size_t depth = 0;
  while (end < text.size()) {
    const char character = text[end];
    if (character == '{' || character == '[') {
      ++depth;
    } else if (depth == 0 && std::string_view(",}] \t\r\n").find(character) != std::string::npos) {
      break;
    } else if (character == '}' || character == ']') {
      --depth;
    } else if (character == '"') {
      end = std::min(closing_quote(text, end), text.size() - 1);
    }
    ++end;
  }
  return text.compare(at, end - at, "null") == 0 ? end : cover(at, end);
}

bool is_json(std::string_view text) {
  boost::system::error_code error;
  // A document nested deeper than the parser goes counts as malformed: it is covered.
  (void)boost::json::parse(boost::json::string_view(text.data(), text.size()), error);
  return !error;
}

/// Whatever follows the first mention of the member.
void cover_after_mention(std::string& text) {
  const auto found =
      std::search(text.begin(), text.end(), token_member.begin(), token_member.end(),
                  [](char letter, char expected) { return lower(letter) == expected; });
  if (found != text.end()) {
    std::fill(found + static_cast<std::ptrdiff_t>(token_member.size()), text.end(), '*');
  }
}

}  // namespace

std::string redact_tokens(std::string_view original) {
  std::string text(original);
  std::size_t at = text.find('"');
  while (at < text.size()) {
    const std::size_t close = closing_quote(text, at);
    const std::size_t colon = skip_space(text, std::min(close + 1, text.size()));
    const bool is_member = colon < text.size() && text[colon] == ':';
    if (is_member &&
        folded_name(std::string_view(text).substr(at + 1, close - at - 1)) == token_member) {
      at = cover_value(text, skip_space(text, colon + 1));
    } else {
      at = close + 1;
    }
    at = text.find('"', at);
  }
  if (!is_json(original)) {
    cover_after_mention(text);
  }
  return text;
}

}  // namespace ssm::trace
