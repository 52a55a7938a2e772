#include "detail/model_reader.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "detail/text.hpp"

namespace ssm::service::detail {
namespace {

namespace json = boost::json;

constexpr std::size_t max_depth = 16;
constexpr std::size_t max_excerpt_bytes = 512;
/// More would only make the answer long.
constexpr std::size_t max_constraints = 20;

[[nodiscard]] std::string cannot_convert(const json::value& value, std::string_view wanted) {
  switch (value.kind()) {
    case json::kind::object:
      return "Start of structure or map found where not expected.";
    case json::kind::array:
      return "Start of list found where not expected.";
    case json::kind::string:
      return "STRING_VALUE can not be converted to " + std::string(wanted);
    case json::kind::bool_:
      return std::string(value.get_bool() ? "TRUE_VALUE" : "FALSE_VALUE") +
             " can not be converted to " + std::string(wanted);
    case json::kind::null:
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      break;
  }
  return "NUMBER_VALUE can not be converted to " + std::string(wanted);
}

[[nodiscard]] std::string view_text(const json::string& text) {
  return {text.data(), text.size()};
}

[[nodiscard]] AwsError serialization_error(std::string message) {
  return {"SerializationException", std::move(message), 400, MessageMember::lower_case};
}

}  // namespace

void Violations::wrong_type(std::string message) {
  if (!wrong_type_) {
    wrong_type_ = std::move(message);
  }
}

void Violations::add(std::string_view value, std::string_view member, std::string_view constraint) {
  if (constraints_.size() == max_constraints) {
    return;
  }
  std::string text = "Value ";
  text.append(value).append(" at '").append(member);
  text.append("' failed to satisfy constraint: ").append(constraint);
  constraints_.push_back(std::move(text));
}

//= SVC-004
//= SVC-005
std::optional<AwsError> Violations::error() const {
  if (wrong_type_) {
    return serialization_error(*wrong_type_);
  }
  if (constraints_.empty()) {
    return std::nullopt;
  }
  std::string message = std::to_string(constraints_.size());
  message +=
      constraints_.size() == 1 ? " validation error detected: " : " validation errors detected: ";
  for (std::size_t i = 0; i < constraints_.size(); ++i) {
    message.append(i == 0 ? "" : "; ").append(constraints_[i]);
  }
  return AwsError{"ValidationException", std::move(message), 400, MessageMember::lower_case};
}

std::string ModelReader::path(std::string_view member) const {
  std::string name = prefix_ + std::string(member);
  name[prefix_.size()] = to_lower(name[prefix_.size()]);
  return name;
}

const json::value* ModelReader::find(std::string_view member, bool required) {
  const json::value* value = object_.if_contains(member);
  if (value != nullptr && !value->is_null()) {
    return value;
  }
  if (required) {
    violations_.add("null", path(member), "Member must not be null");
  }
  return nullptr;
}

std::optional<std::string> ModelReader::checked(const json::value& value, const std::string& where,
                                                const StringRule& rule) {
  if (!value.is_string()) {
    violations_.wrong_type(cannot_convert(value, "a String") + " (at '" + where + "')");
    return std::nullopt;
  }
  std::string text = view_text(value.get_string());
  const std::string quoted = "'" + excerpt(text, max_excerpt_bytes) + "'";
  const std::size_t length = code_points(text);
  if (length < rule.min_length) {
    violations_.add(
        quoted, where,
        "Member must have length greater than or equal to " + std::to_string(rule.min_length));
  }
  if (length > rule.max_length) {
    violations_.add(
        quoted, where,
        "Member must have length less than or equal to " + std::to_string(rule.max_length));
  }
  if (rule.matches != nullptr && !rule.matches(text)) {
    violations_.add(
        quoted, where,
        "Member must satisfy regular expression pattern: " + std::string(rule.pattern_text));
  }
  if (!rule.values.empty() &&
      std::find(rule.values.begin(), rule.values.end(), text) == rule.values.end()) {
    std::string set;
    for (const std::string_view allowed : rule.values) {
      set.append(set.empty() ? "" : ", ").append(allowed);
    }
    violations_.add(quoted, where, "Member must satisfy enum value set: [" + set + "]");
  }
  return text;
}

std::optional<std::string> ModelReader::string(std::string_view member, const StringRule& rule) {
  const json::value* value = find(member, rule.required);
  return value == nullptr ? std::nullopt : checked(*value, path(member), rule);
}

std::optional<std::int64_t> ModelReader::integer(std::string_view member, const IntegerRule& rule) {
  const json::value* value = find(member, false);
  if (value == nullptr) {
    return std::nullopt;
  }
  const std::string where = path(member);
  constexpr double exact_limit = 9007199254740992.0;  // 2^53
  std::int64_t number = 0;
  if (value->is_int64()) {
    number = value->get_int64();
  } else if (value->is_uint64()) {
    number = INT64_MAX;  // out of any range, as it is beyond it
  } else if (value->is_double() && std::trunc(value->get_double()) == value->get_double()) {
    number = static_cast<std::int64_t>(std::clamp(value->get_double(), -exact_limit, exact_limit));
  } else {
    violations_.wrong_type(cannot_convert(*value, "an Integer") + " (at '" + where + "')");
    return std::nullopt;
  }
  const std::string quoted = "'" + json::serialize(*value) + "'";
  if (number < rule.min) {
    violations_.add(quoted, where,
                    "Member must have value greater than or equal to " + std::to_string(rule.min));
  } else if (number > rule.max) {
    violations_.add(quoted, where,
                    "Member must have value less than or equal to " + std::to_string(rule.max));
  }
  return number;
}

const json::array* ModelReader::find_list(std::string_view member, const ListRule& rule) {
  const json::value* value = find(member, rule.required);
  return value == nullptr ? nullptr : checked_list(*value, path(member), rule);
}

const json::array* ModelReader::checked_list(const json::value& value, const std::string& where,
                                             const ListRule& rule) {
  if (!value.is_array()) {
    violations_.wrong_type("Expected list or null (at '" + where + "')");
    return nullptr;
  }
  const json::array& list = value.get_array();
  const std::string quoted =
      "'" + (list.size() <= 8 ? excerpt(json::serialize(list), max_excerpt_bytes) : "[...]") + "'";
  if (list.size() < rule.min_size) {
    violations_.add(
        quoted, where,
        "Member must have length greater than or equal to " + std::to_string(rule.min_size));
  }
  if (list.size() > rule.max_size) {
    violations_.add(
        quoted, where,
        "Member must have length less than or equal to " + std::to_string(rule.max_size));
    return nullptr;
  }
  return &list;
}

std::vector<std::string> ModelReader::checked_strings(const json::array& values,
                                                      const std::string& where,
                                                      const StringRule& rule) {
  std::vector<std::string> items;
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto text = checked(values[i], where + "." + std::to_string(i + 1) + ".member", rule);
    items.push_back(std::move(text).value_or(std::string()));
  }
  return items;
}

std::vector<std::string> ModelReader::strings(std::string_view member, const ListRule& list,
                                              const StringRule& item) {
  const json::array* values = find_list(member, list);
  return values == nullptr ? std::vector<std::string>()
                           : checked_strings(*values, path(member), item);
}

std::vector<ModelReader> ModelReader::objects(std::string_view member, const ListRule& list) {
  std::vector<ModelReader> readers;
  if (const json::array* values = find_list(member, list)) {
    for (std::size_t i = 0; i < values->size(); ++i) {
      const std::string where = path(member) + "." + std::to_string(i + 1) + ".member";
      if (const json::object* object = (*values)[i].if_object()) {
        readers.emplace_back(*object, violations_, where + ".");
      } else {
        violations_.wrong_type("Expected a structure (at '" + where + "')");
      }
    }
  }
  return readers;
}

std::vector<std::pair<std::string, std::vector<std::string>>> ModelReader::string_lists(
    std::string_view member, std::size_t max_key_length, std::size_t max_item_length) {
  std::vector<std::pair<std::string, std::vector<std::string>>> lists;
  const json::value* value = find(member, false);
  if (value == nullptr) {
    return lists;
  }
  const json::object* map = value->if_object();
  if (map == nullptr) {
    violations_.wrong_type("Expected map or null (at '" + path(member) + "')");
    return lists;
  }
  for (const json::key_value_pair& entry : *map) {
    std::string key(entry.key().data(), entry.key().size());
    const std::size_t length = code_points(key);
    if (length < 1 || length > max_key_length) {
      violations_.add("'" + excerpt(key, max_excerpt_bytes) + "'", path(member),
                      "Map keys must satisfy constraint: [Member must have length less than or "
                      "equal to " +
                          std::to_string(max_key_length) +
                          ", Member must have length greater than or equal to 1]");
    }
    const std::string where = path(member) + "." + excerpt(key, max_excerpt_bytes);
    lists.emplace_back(std::move(key), std::vector<std::string>{});
    if (const json::array* values = checked_list(entry.value(), where, {})) {
      lists.back().second =
          checked_strings(*values, where, {.min_length = 1, .max_length = max_item_length});
    }
  }
  return lists;
}

AwsResult<json::object> parse_object(std::string_view body) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::error_code error;
  json::value value = json::parse(body, error, {}, options);
  if (error) {
    return serialization_error("The request body is not valid JSON: " + error.message());
  }
  if (!value.is_object()) {
    return serialization_error("The request body must be a JSON object.");
  }
  return std::move(value.get_object());
}

}  // namespace ssm::service::detail
