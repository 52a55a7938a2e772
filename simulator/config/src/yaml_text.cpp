#include "detail/yaml_text.hpp"

#include <algorithm>

namespace ssm::config::detail {
namespace {

template <class Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    visit(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char character : text) {
    if (character == '\n') {
      result += "\\n";
      continue;
    }
    if (character == '"' || character == '\\') {
      result += '\\';
    }
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7F) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(character));
    } else {
      result += character;
    }
  }
  return result + '"';
}

std::string commented(std::string_view text) {
  std::string result;
  for_each_line(text, [&](std::string_view line) {
    result += fmt::format("#{}{}\n", line.empty() ? "" : " ", line);
  });
  return result;
}

std::string indented(std::string_view text, std::size_t spaces) {
  std::string result;
  for_each_line(text, [&](std::string_view line) {
    result += line.empty() ? "\n" : std::string(spaces, ' ') + std::string(line) + '\n';
  });
  return result;
}

}  // namespace ssm::config::detail
