#include "ssm/config/document.hpp"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "detail/node.hpp"
#include "ssm/protocol/assert.hpp"
#include "ssm/schema/utf8.hpp"
#include "ssm/schema/v1/limits.pb.h"

namespace ssm::config {
namespace {

using detail::Node;
using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using schema::v1::FieldLimits;

const FieldLimits& limits_of(const FieldDescriptor& field) {
  return field.options().GetExtension(schema::v1::limits);
}

bool is_duration(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->full_name() == google::protobuf::Duration::descriptor()->full_name();
}

/// `FAULT_SIDE_CLIENT` is written `client`: without what stands before UNSPECIFIED in the zero
/// value, which cannot be written.
std::string written_name(const EnumValueDescriptor& value) {
  const std::string& zero = value.type()->FindValueByNumber(0)->name();
  std::string name = value.name().substr(zero.size() - std::string_view("UNSPECIFIED").size());
  std::transform(name.begin(), name.end(), name.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  });
  return name;
}

std::string written_names(const EnumDescriptor& type) {
  std::string names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) {
      names += (names.empty() ? "" : ", ") + written_name(*type.value(i));
    }
  }
  return names;
}

template <class Fields>
std::string field_names(const Fields& fields) {
  std::string names;
  for (int i = 0; i < fields.field_count(); ++i) {
    names += (names.empty() ? "" : ", ") + fields.field(i)->name();
  }
  return names;
}

std::string mapping_text(const Descriptor& type) {
  return type.field_count() == 0 ? "an empty mapping, {}" : "a mapping with " + field_names(type);
}

std::string range_text(const FieldLimits& limits) {
  if (limits.has_min() && limits.has_max()) {
    return fmt::format(" from {} to {}", limits.min(), limits.max());
  }
  if (limits.has_min()) {
    return fmt::format(" of at least {}", limits.min());
  }
  return limits.has_max() ? fmt::format(" of at most {}", limits.max()) : std::string();
}

/// What one element of the field must be, for people.
std::string expectation(const FieldDescriptor& field) {
  const FieldLimits& limits = limits_of(field);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return "a whole number" + range_text(limits);
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return "a number" + range_text(limits);
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return "one of " + written_names(*field.enum_type());
    case FieldDescriptor::CPPTYPE_STRING:
      return limits.max_size() == 0 ? "text"
                                    : fmt::format("text of at most {} bytes", limits.max_size());
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return is_duration(field) ? "a duration such as 250ms or 2s"
                                : mapping_text(*field.message_type());
  }
  return {};
}

/// A whole plain scalar as a number.
template <class Number>
std::optional<Number> parse_number(const Node& node) {
  Number number{};
  const char* end = node.text.data() + node.text.size();
  if (node.kind != Node::Kind::scalar || !node.plain) {
    return std::nullopt;
  }
  const auto [stop, error] = std::from_chars(node.text.data(), end, number);
  if (error != std::errc() || stop != end) {
    return std::nullopt;
  }
  return number;
}

std::optional<google::protobuf::Duration> parse_duration(const Node& node) {
  struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
  };
  constexpr std::int64_t second = 1'000'000'000;
  constexpr Unit units[] = {{"ns", 1},     {"us", 1'000},      {"ms", 1'000'000},
                            {"s", second}, {"m", 60 * second}, {"h", 3600 * second}};
  constexpr std::int64_t limit = std::int64_t{10} * 365 * 24 * 3600 * second;  // ten years
  const std::size_t digits = std::min(node.text.find_first_not_of("0123456789."), node.text.size());
  const auto* unit = std::find_if(std::begin(units), std::end(units), [&](const Unit& each) {
    return std::string_view(node.text).substr(digits) == each.name;
  });
  if (node.kind != Node::Kind::scalar || unit == std::end(units)) {
    return std::nullopt;
  }
  const char* begin = node.text.data();
  const char* end = begin + digits;
  std::int64_t nanoseconds = 0;
  // Whole numbers are exact; a double holds a fraction of its unit well enough.
  std::int64_t whole = 0;
  const auto [whole_stop, whole_error] = std::from_chars(begin, end, whole);
  if (whole_error == std::errc() && whole_stop == end) {
    if (whole > limit / unit->nanoseconds) {
      return std::nullopt;
    }
    nanoseconds = whole * unit->nanoseconds;
  } else {
    double amount = 0;
    const auto [stop, error] = std::from_chars(begin, end, amount, std::chars_format::fixed);
    amount *= static_cast<double>(unit->nanoseconds);
    if (error != std::errc() || stop != end || amount > static_cast<double>(limit)) {
      return std::nullopt;
    }
    nanoseconds = std::llround(amount);
  }
  google::protobuf::Duration duration;
  duration.set_seconds(nanoseconds / second);
  duration.set_nanos(static_cast<std::int32_t>(nanoseconds % second));
  return duration;
}

/// Walks a document and its schema together, collecting what does not fit.
class Loader {
 public:
  explicit Loader(std::string_view file) : file_(file) {}

  void load_message(const Node& node, Message& into, const std::string& path);

  [[nodiscard]] Loaded<Positions> finish() &&;

 private:
  void load_entry(const Node::Entry& entry, Message& into, const std::string& path);
  void load_list(const Node& node, const FieldDescriptor& field, Message& into,
                 const std::string& path);
  void load_element(const Node& node, const FieldDescriptor& field, Message& into,
                    const std::string& path);
  /// Sets or adds the value; false if the node does not hold one.
  bool load_scalar(const Node& node, const FieldDescriptor& field, Message& into);
  bool load_text(const Node& node, const FieldDescriptor& field, Message& into);
  template <class Number>
  std::optional<Number> number_in_range(const Node& node, const FieldDescriptor& field);
  void check_presence(const Node& node, const Descriptor& type, const std::string& path);

  void report(Position at, std::string field, std::string expected, std::string seen) {
    problems_.list.push_back({file_, at, std::move(field), std::move(expected), std::move(seen)});
  }

  std::string file_;
  Problems problems_;
  Positions positions_;
};

std::string join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

void Loader::load_message(const Node& node, Message& into, const std::string& path) {
  const Descriptor& type = *into.GetDescriptor();
  if (node.kind != Node::Kind::map) {
    report(node.at, path, mapping_text(type), describe(node));
    return;
  }
  std::set<std::string_view> seen;
  for (const Node::Entry& entry : node.entries) {
    if (!seen.insert(entry.key.text).second) {
      report(entry.key.at, path, "each field once", detail::quote(entry.key.text) + " again");
    } else {
      load_entry(entry, into, path);
    }
  }
  check_presence(node, type, path);
}

void Loader::load_entry(const Node::Entry& entry, Message& into, const std::string& path) {
  const Descriptor& type = *into.GetDescriptor();
  const FieldDescriptor* field = type.FindFieldByName(entry.key.text);
  if (field == nullptr) {
    report(entry.key.at, path,
           type.field_count() == 0 ? mapping_text(type) : "one of the fields " + field_names(type),
           detail::quote(entry.key.text));
    return;
  }
  const std::string field_path = join(path, field->name());
  positions_.emplace(field_path, entry.value.at.line > 0 ? entry.value.at : entry.key.at);
  if (field->is_repeated()) {
    load_list(entry.value, *field, into, field_path);
  } else {
    load_element(entry.value, *field, into, field_path);
  }
}

void Loader::load_list(const Node& node, const FieldDescriptor& field, Message& into,
                       const std::string& path) {
  SSM_ASSERT(!field.is_map());  // no schema has one so far
  if (node.kind != Node::Kind::list) {
    report(node.at, path, "a list", describe(node));
    return;
  }
  if (const auto limit = limits_of(field).max_size(); limit > 0 && node.items.size() > limit) {
    report(node.at, path, fmt::format("a list of at most {}", limit),
           fmt::format("{}", node.items.size()));
    return;
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    std::string element_path = fmt::format("{}[{}]", path, i);
    positions_.emplace(element_path, node.items[i].at);
    load_element(node.items[i], field, into, element_path);
  }
}

void Loader::load_element(const Node& node, const FieldDescriptor& field, Message& into,
                          const std::string& path) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !is_duration(field)) {
    const auto& reflection = *into.GetReflection();
    load_message(node,
                 field.is_repeated() ? *reflection.AddMessage(&into, &field)
                                     : *reflection.MutableMessage(&into, &field),
                 path);
  } else if (!load_scalar(node, field, into)) {
    report(node.at, path, expectation(field), describe(node));
  }
}

template <class Number>
std::optional<Number> Loader::number_in_range(const Node& node, const FieldDescriptor& field) {
  const std::optional<Number> number = parse_number<Number>(node);
  if (!number) {
    return std::nullopt;
  }
  const FieldLimits& limits = limits_of(field);
  const auto value = static_cast<double>(*number);
  const bool in_range = std::isfinite(value) && (!limits.has_min() || value >= limits.min()) &&
                        (!limits.has_max() || value <= limits.max());
  return in_range ? number : std::nullopt;
}

bool Loader::load_scalar(const Node& node, const FieldDescriptor& field, Message& into) {
  const auto& reflection = *into.GetReflection();
  // `set` and `add` are the reflection's functions for one C++ type.
  const auto store = [&](const auto& value, auto set, auto add) {
    if (!value) {
      return false;
    }
    (reflection.*(field.is_repeated() ? add : set))(&into, &field, *value);
    return true;
  };
  using Reflection = google::protobuf::Reflection;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return store(number_in_range<std::int32_t>(node, field), &Reflection::SetInt32,
                   &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return store(number_in_range<std::int64_t>(node, field), &Reflection::SetInt64,
                   &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return store(number_in_range<std::uint32_t>(node, field), &Reflection::SetUInt32,
                   &Reflection::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return store(number_in_range<std::uint64_t>(node, field), &Reflection::SetUInt64,
                   &Reflection::AddUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return store(number_in_range<double>(node, field), &Reflection::SetDouble,
                   &Reflection::AddDouble);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return store(number_in_range<float>(node, field), &Reflection::SetFloat,
                   &Reflection::AddFloat);
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool is_true = node.text == "true";
      const bool is_bool = node.plain && (is_true || node.text == "false");
      return store(is_bool ? std::optional(is_true) : std::nullopt, &Reflection::SetBool,
                   &Reflection::AddBool);
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      for (int i = 0; i < field.enum_type()->value_count(); ++i) {
        const EnumValueDescriptor* value = field.enum_type()->value(i);
        if (node.kind == Node::Kind::scalar && value->number() != 0 &&
            written_name(*value) == node.text) {
          return store(std::optional(value), &Reflection::SetEnum, &Reflection::AddEnum);
        }
      }
      return false;
    case FieldDescriptor::CPPTYPE_STRING:
      return load_text(node, field, into);
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      const auto duration = parse_duration(node);
      if (!duration) {
        return false;
      }
      (field.is_repeated() ? reflection.AddMessage(&into, &field)
                           : reflection.MutableMessage(&into, &field))
          ->CopyFrom(*duration);
      return true;
    }
  }
  return false;
}

bool Loader::load_text(const Node& node, const FieldDescriptor& field, Message& into) {
  const auto limit = limits_of(field).max_size();
  // An escape in a quoted text can make what is not UTF-8 (half of a surrogate pair).
  if (node.kind != Node::Kind::scalar || (limit > 0 && node.text.size() > limit) ||
      schema::find_invalid_utf8(node.text) != std::string_view::npos) {
    return false;
  }
  const auto& reflection = *into.GetReflection();
  if (field.is_repeated()) {
    reflection.AddString(&into, &field, node.text);
  } else {
    reflection.SetString(&into, &field, node.text);
  }
  return true;
}

void Loader::check_presence(const Node& node, const Descriptor& type, const std::string& path) {
  const auto present = [&](const FieldDescriptor& field) {
    return std::any_of(node.entries.begin(), node.entries.end(),
                       [&](const Node::Entry& entry) { return entry.key.text == field.name(); });
  };
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (limits_of(field).required() && !present(field)) {
      report(node.at, join(path, field.name()), field.is_repeated() ? "a list" : expectation(field),
             "no such field");
    }
  }
  for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
    const OneofDescriptor& choice = *type.oneof_decl(i);
    int chosen = 0;
    for (int member = 0; member < choice.field_count(); ++member) {
      chosen += present(*choice.field(member)) ? 1 : 0;
    }
    const bool required = choice.options().GetExtension(schema::v1::choose_one);
    if (chosen > 1 || (chosen == 0 && required)) {
      report(node.at, path, "exactly one of " + field_names(choice),
             chosen == 0 ? "none of them" : fmt::format("{} of them", chosen));
    }
  }
}

Loaded<Positions> Loader::finish() && {
  if (problems_.list.empty()) {
    return std::move(positions_);
  }
  problems_.arrange();
  return std::move(problems_);
}

}  // namespace

Loaded<Positions> load_document(std::string_view text, std::string_view file, Message& into) {
  const Loaded<Node> node = detail::parse_node(text, file);
  if (!node) {
    return node.error();
  }
  Loader loader(file);
  loader.load_message(*node, into, "");
  return std::move(loader).finish();
}

}  // namespace ssm::config
