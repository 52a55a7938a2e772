#include "detail/xml_text.hpp"

#include <charconv>
#include <cstdint>

namespace ssm::agent::detail {
namespace {

constexpr std::string_view comment_begin = "<!--";
constexpr std::string_view comment_end = "-->";
constexpr std::string_view cdata_begin = "<![CDATA[";
constexpr std::string_view cdata_end = "]]>";

/// Cuts `text` behind the next `end`; false when there is none.
bool skip_past(std::string_view& text, std::string_view end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(at + end.size());
  return true;
}

/// Cuts a tag or declaration that `text` begins with; a '>' inside a quoted value does not end it.
/// Returns what stood between the angle brackets.
std::optional<std::string_view> take_tag(std::string_view& text) {
  char quote = '\0';
  for (std::size_t at = 1; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != '\0') {
      quote = c == quote ? '\0' : quote;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      const std::string_view inside = text.substr(1, at - 1);
      text.remove_prefix(at + 1);
      return inside;
    }
  }
  return std::nullopt;
}

std::string_view local_name(std::string_view tag) {
  const std::string_view name = tag.substr(0, tag.find_first_of(" \t\r\n/"));
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// False for what is no Unicode character.
bool append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
    return false;
  }
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0U | (code >> 6U));
    put(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    put(0xE0U | (code >> 12U));
    put(0x80U | ((code >> 6U) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  } else {
    put(0xF0U | (code >> 18U));
    put(0x80U | ((code >> 12U) & 0x3FU));
    put(0x80U | ((code >> 6U) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  }
  return true;
}

/// `entity` without & and ;
bool append_entity(std::string_view entity, std::string& out) {
  if (entity.starts_with('#')) {
    entity.remove_prefix(1);
    const bool hexadecimal = entity.starts_with('x');
    entity.remove_prefix(hexadecimal ? 1 : 0);
    std::uint32_t code = 0;
    const char* const end = entity.data() + entity.size();
    const auto parsed = std::from_chars(entity.data(), end, code, hexadecimal ? 16 : 10);
    return parsed.ec == std::errc{} && parsed.ptr == end && append_utf8(code, out);
  }
  constexpr std::pair<std::string_view, char> known[] = {
      {"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
  for (const auto& [name, character] : known) {
    if (entity == name) {
      out.push_back(character);
      return true;
    }
  }
  return false;
}

/// Character data up to the next '<'.
bool take_characters(std::string_view& text, std::string& out) {
  while (!text.empty() && text.front() != '<') {
    if (text.front() != '&') {
      out.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    const std::size_t end = text.find(';');
    if (end == std::string_view::npos || !append_entity(text.substr(1, end - 1), out)) {
      return false;
    }
    text.remove_prefix(end + 1);
  }
  return true;
}

/// What follows a start tag, up to its end tag.
std::optional<std::string> take_content(std::string_view text, std::string_view element) {
  std::string content;
  while (!text.empty()) {
    if (!take_characters(text, content)) {
      return std::nullopt;
    }
    if (text.starts_with(comment_begin)) {
      if (!skip_past(text, comment_end)) {
        return std::nullopt;
      }
    } else if (text.starts_with(cdata_begin)) {
      text.remove_prefix(cdata_begin.size());
      content += text.substr(0, text.find(cdata_end));
      if (!skip_past(text, cdata_end)) {
        return std::nullopt;
      }
    } else if (!text.empty()) {
      const std::optional<std::string_view> tag = take_tag(text);
      if (!tag || !tag->starts_with('/') || local_name(tag->substr(1)) != element) {
        return std::nullopt;
      }
      return content;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_xml_text(std::string_view document, std::string_view element) {
  while (true) {
    const std::size_t at = document.find('<');
    if (at == std::string_view::npos) {
      return std::nullopt;
    }
    document.remove_prefix(at);
    if (document.starts_with(comment_begin) || document.starts_with(cdata_begin)) {
      if (!skip_past(document, document.starts_with(cdata_begin) ? cdata_end : comment_end)) {
        return std::nullopt;
      }
      continue;
    }
    const std::optional<std::string_view> tag = take_tag(document);
    if (!tag) {
      return std::nullopt;
    }
    if (local_name(*tag) == element) {
      return tag->ends_with('/') ? std::string() : take_content(document, element);
    }
  }
}

}  // namespace ssm::agent::detail
