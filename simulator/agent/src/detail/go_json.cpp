#include "detail/go_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

namespace ssm::agent::detail {
namespace {

namespace json = boost::json;

const json::value null_value;

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::bool_:
      return "bool";
    case json::kind::string:
      return "string";
    case json::kind::array:
      return "array";
    case json::kind::object:
      return "object";
    case json::kind::null:
      return "null";
    default:
      return "number";
  }
}

/// strconv.ParseBool.
std::optional<bool> parse_bool(std::string_view text) {
  constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::array<std::string_view, 6> no{"0", "f", "F", "FALSE", "false", "False"};
  if (std::find(yes.begin(), yes.end(), text) != yes.end()) {
    return true;
  }
  if (std::find(no.begin(), no.end(), text) != no.end()) {
    return false;
  }
  return std::nullopt;
}

}  // namespace

const json::value* find_field(const json::value& object, std::string_view field) {
  const json::value* found = nullptr;
  if (const json::object* const members = object.if_object()) {
    for (const auto& member : *members) {
      if (same_name(member.key(), field)) {
        found = &member.value();
      }
    }
  }
  return found == nullptr || found->is_null() ? nullptr : found;
}

StructReader::StructReader(const json::value& object, std::string_view type)
    : object_(object), type_(type) {
  if (!object.is_null() && !object.is_object()) {
    error_ = "json: cannot unmarshal " + std::string(kind_name(object)) +
             " into Go value of type " + type_;
  }
}

void StructReader::read(std::string_view field, std::string& out) {
  if (const json::value* const value = find_field(object_, field)) {
    if (const json::string* const text = value->if_string()) {
      out.assign(text->data(), text->size());
    } else {
      fail(field, *value, "string");
    }
  }
}

void StructReader::read(std::string_view field, bool& out) {
  if (const json::value* const value = find_field(object_, field)) {
    if (const bool* const flag = value->if_bool()) {
      out = *flag;
    } else {
      fail(field, *value, "bool");
    }
  }
}

void StructReader::read_lenient(std::string_view field, bool& out) {
  const json::value* const value = find_field(object_, field);
  if (value == nullptr) {
    return;
  }
  if (const json::string* const text = value->if_string()) {
    const auto parsed =
        text->empty() ? std::optional(false) : parse_bool({text->data(), text->size()});
    if (parsed) {
      out = *parsed;
    } else if (!error_) {
      error_ = std::string(field) + ": strconv.ParseBool: parsing \"" +
               std::string(text->data(), text->size()) + "\": invalid syntax";
    }
    return;
  }
  read(field, out);
}

const json::value& StructReader::object(std::string_view field) {
  const json::value* const value = find_field(object_, field);
  if (value == nullptr) {
    return null_value;
  }
  if (!value->is_object()) {
    fail(field, *value, "object");
    return null_value;
  }
  return *value;
}

void StructReader::fail(std::string_view field, const json::value& seen, std::string_view wanted) {
  if (!error_) {
    error_ = "json: cannot unmarshal " + std::string(kind_name(seen)) + " into Go struct field " +
             type_ + "." + std::string(field) + " of type " + std::string(wanted);
  }
}

std::string go_format(const json::value& value) {
  if (value.is_null()) {
    return "<nil>";
  }
  if (const json::string* const text = value.if_string()) {
    return {text->data(), text->size()};
  }
  std::vector<std::string> parts;
  if (const json::object* const members = value.if_object()) {
    for (const auto& member : *members) {
      parts.push_back(std::string(member.key()) + ":" + go_format(member.value()));
    }
    std::sort(parts.begin(), parts.end());
  } else if (const json::array* const elements = value.if_array()) {
    for (const json::value& element : *elements) {
      parts.push_back(go_format(element));
    }
  } else {
    return json::serialize(value);
  }
  std::string out = value.is_object() ? "map[" : "[";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    out += (i == 0 ? "" : " ") + parts[i];
  }
  return out + "]";
}

}  // namespace ssm::agent::detail
