#include "detail/parameters.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cctype>
#include <optional>

namespace ssm::agent::detail {
namespace {

namespace json = boost::json;

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// `\s` of Go's regular expressions.
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

struct Reference {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string_view name;
};

/// The next `{{ name }}` from `from` on.
std::optional<Reference> find_reference(std::string_view text, std::size_t from) {
  while ((from = text.find("{{", from)) != std::string_view::npos) {
    std::size_t at = from + 2;
    while (at < text.size() && is_space(text[at])) {
      ++at;
    }
    const std::size_t name_begin = at;
    while (at < text.size() && is_alphanumeric(text[at])) {
      ++at;
    }
    const std::string_view name = text.substr(name_begin, at - name_begin);
    while (at < text.size() && is_space(text[at])) {
      ++at;
    }
    if (!name.empty() && text.substr(at, 2) == "}}") {
      return Reference{from, at + 2, name};
    }
    ++from;
  }
  return std::nullopt;
}

/// Regexp.Expand for an expression without groups.
void append_template(std::string& out, std::string_view text, std::string_view whole) {
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) {
      return;
    }
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      out += '$';
      text.remove_prefix(1);
      continue;
    }
    const bool braced = text.starts_with('{');
    std::size_t end = braced ? 1 : 0;
    const std::size_t begin = end;
    while (end < text.size() && (is_alphanumeric(text[end]) || text[end] == '_')) {
      ++end;
    }
    const std::string_view name = text.substr(begin, end - begin);
    if (name.empty() || (braced && !text.substr(end).starts_with('}'))) {
      out += '$';  // malformed, so it stands for itself
      continue;
    }
    if (name == "0") {
      out += whole;
    }
    text.remove_prefix(end + (braced ? 1 : 0));
  }
}

json::value replace_in_text(std::string_view text, const Parameters& parameters) {
  std::string out;
  std::size_t done = 0;
  std::size_t from = 0;
  while (const auto reference = find_reference(text, from)) {
    from = reference->end;
    const auto found = parameters.find(reference->name);
    if (found == parameters.end()) {
      continue;
    }
    if (reference->begin == 0 && reference->end == text.size()) {
      return found->second;
    }
    out += text.substr(done, reference->begin - done);
    const json::string* const value = found->second.if_string();
    append_template(out, value != nullptr ? std::string(*value) : json::serialize(found->second),
                    text.substr(reference->begin, reference->end - reference->begin));
    done = reference->end;
  }
  out += text.substr(done);
  return json::value(json::string(out));
}

}  // namespace

bool is_parameter_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_alphanumeric);
}

json::value replace_parameters(const json::value& value, const Parameters& parameters) {
  if (const json::string* const text = value.if_string()) {
    return replace_in_text({text->data(), text->size()}, parameters);
  }
  if (const json::array* const elements = value.if_array()) {
    json::array out;
    for (const json::value& element : *elements) {
      out.push_back(replace_parameters(element, parameters));
    }
    return out;
  }
  if (const json::object* const members = value.if_object()) {
    json::object out;
    for (const auto& member : *members) {
      out[member.key()] = replace_parameters(member.value(), parameters);
    }
    return out;
  }
  return value;
}

std::string find_store_reference(const json::value& value) {
  if (const json::string* const content = value.if_string()) {
    const std::string_view text(content->data(), content->size());
    for (std::size_t at = text.find("{{"); at != std::string_view::npos;
         at = text.find("{{", at + 1)) {
      std::size_t begin = at + 2;
      while (begin < text.size() && is_space(text[begin])) {
        ++begin;
      }
      const std::size_t end = text.find("}}", begin);
      const std::string_view rest = text.substr(begin);
      if (end != std::string_view::npos &&
          (rest.starts_with("ssm:") || rest.starts_with("ssm-secure:"))) {
        return std::string(text.substr(at, end + 2 - at));
      }
    }
  } else if (const json::array* const elements = value.if_array()) {
    for (const json::value& element : *elements) {
      if (std::string found = find_store_reference(element); !found.empty()) {
        return found;
      }
    }
  } else if (const json::object* const members = value.if_object()) {
    for (const auto& member : *members) {
      if (std::string found = find_store_reference(member.value()); !found.empty()) {
        return found;
      }
    }
  }
  return {};
}

}  // namespace ssm::agent::detail
