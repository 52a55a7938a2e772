#include "detail/json_fields.hpp"

#include <charconv>
#include <limits>

#include "ssm/protocol/base64.hpp"

namespace ssm::protocol::detail {
namespace {

char to_lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                              : character;
}

/// Size at the start of `seen` of something that folds to the lower-case letter, or 0.
std::size_t folded_size(std::string_view seen, char letter) {
  constexpr std::string_view long_s = "\xC5\xBF";
  constexpr std::string_view kelvin_sign = "\xE2\x84\xAA";
  if (!seen.empty() && to_lower(seen[0]) == letter) {
    return 1;
  }
  if (letter == 's' && seen.substr(0, long_s.size()) == long_s) {
    return long_s.size();
  }
  if (letter == 'k' && seen.substr(0, kelvin_sign.size()) == kelvin_sign) {
    return kelvin_sign.size();
  }
  return 0;
}

/// A number as seen, cut to a length that fits an error text. Other values may be secrets, so only
/// their kind is told.
std::string describe(JsonValue value) {
  constexpr std::size_t length_max = 32;
  if (value.kind() != JsonKind::number) {
    return std::string(name(value.kind()));
  }
  const std::string_view literal = value.text();
  return literal.size() <= length_max ? std::string(literal)
                                      : std::string(literal.substr(0, length_max)) + "...";
}

template <class Integer>
std::string integer_range() {
  return "an integer from " + std::to_string(std::numeric_limits<Integer>::min()) + " to " +
         std::to_string(std::numeric_limits<Integer>::max());
}

}  // namespace

//= WIRE-026
bool matches_field(std::string_view seen, std::string_view field) {
  for (const char letter : field) {
    const std::size_t size = folded_size(seen, to_lower(letter));
    if (size == 0) {
      return false;
    }
    seen.remove_prefix(size);
  }
  return seen.empty();
}

FieldReader::FieldReader(JsonValue object, std::string path)
    : object_(object), path_(std::move(path)) {}

template <class Apply>
void FieldReader::for_each(std::string_view field, Apply apply) const {
  for (auto member = object_.first_child(); member; member = member->next_sibling()) {
    if (matches_field(member->member_name(), field)) {
      apply(*member);
    }
  }
}

template <class T>
void FieldReader::read_text(std::string_view field, T& out) {
  for_each(field, [&](JsonValue value) {
    if (value.kind() == JsonKind::string) {
      out = std::string(value.text());
    } else if (!value.is_null()) {
      fail(field, "a string", value);
    }
  });
}

template <class T>
void FieldReader::read_boolean(std::string_view field, T& out) {
  for_each(field, [&](JsonValue value) {
    if (value.kind() == JsonKind::boolean) {
      out = value.text() == "true";
    } else if (!value.is_null()) {
      fail(field, "a boolean", value);
    }
  });
}

void FieldReader::read(std::string_view field, std::string& out) {
  read_text(field, out);
}

void FieldReader::read(std::string_view field, std::optional<std::string>& out) {
  read_text(field, out);
}

void FieldReader::read(std::string_view field, bool& out) {
  read_boolean(field, out);
}

void FieldReader::read(std::string_view field, std::optional<bool>& out) {
  read_boolean(field, out);
}

template <class Integer>
void FieldReader::read_integer(std::string_view field, Integer& out) {
  for_each(field, [&](JsonValue value) {
    if (value.is_null()) {
      return;
    }
    const std::string_view literal = value.text();
    Integer number = 0;
    const auto result = std::from_chars(literal.data(), literal.data() + literal.size(), number);
    const bool is_whole = result.ptr == literal.data() + literal.size();
    if (value.kind() == JsonKind::number && result.ec == std::errc{} && is_whole) {
      out = number;
    } else {
      fail(field, integer_range<Integer>(), value);
    }
  });
}

void FieldReader::read(std::string_view field, std::int64_t& out) {
  read_integer(field, out);
}

void FieldReader::read(std::string_view field, std::uint32_t& out) {
  read_integer(field, out);
}

void FieldReader::read_base64(std::string_view field, std::string& out) {
  for_each(field, [&](JsonValue value) {
    if (value.is_null()) {
      out.clear();
      return;
    }
    const auto decoded =
        value.kind() == JsonKind::string ? decode_base64(value.text()) : Errc::malformed_field;
    if (decoded.has_error()) {
      fail(field, "padded standard base64", value);
    } else {
      out = encode_base64(*decoded);
    }
  });
}

void FieldReader::read_base64(std::string_view field, std::optional<std::string>& out) {
  const std::optional<JsonValue> last = find(field);
  std::string text;
  read_base64(field, text);
  if (last) {
    out = last->is_null() ? std::nullopt : std::optional<std::string>(std::move(text));
  }
}

std::optional<JsonValue> FieldReader::find(std::string_view field) const {
  std::optional<JsonValue> last;
  for_each(field, [&](JsonValue value) { last = value; });
  return last;
}

void FieldReader::read_json(std::string_view field, std::string& out) const {
  if (const auto value = find(field)) {
    out = value->to_json();
  }
}

void FieldReader::read_json_object(std::string_view field, std::string& out) {
  for_each(field, [&](JsonValue value) {
    if (value.kind() == JsonKind::object) {
      out = value.to_json();
    } else if (!value.is_null()) {
      fail(field, "an object", value);
    }
  });
}

std::vector<JsonValue> FieldReader::read_array(std::string_view field) {
  std::vector<JsonValue> elements;
  for_each(field, [&](JsonValue value) {
    elements.clear();
    if (value.kind() == JsonKind::array) {
      for (auto element = value.first_child(); element; element = element->next_sibling()) {
        elements.push_back(*element);
      }
    } else if (!value.is_null()) {
      fail(field, "an array", value);
    }
  });
  return elements;
}

std::vector<std::string> FieldReader::read_strings(std::string_view field) {
  std::vector<std::string> strings;
  for (const JsonValue element : read_array(field)) {
    if (element.kind() == JsonKind::string) {
      strings.emplace_back(element.text());
    } else {
      strings.emplace_back();
      if (!element.is_null()) {
        fail(field, "an array of strings", element);
      }
    }
  }
  return strings;
}

void FieldReader::fail(std::optional<Error> error) {
  if (!error_) {
    error_ = std::move(error);
  }
}

void FieldReader::fail(std::string_view field, std::string_view expected, JsonValue seen) {
  if (!error_) {
    error_ = Error(Errc::malformed_field, 0,
                   path_ + std::string(field) + ": expected " + std::string(expected) + ", seen " +
                       describe(seen));
  }
}

}  // namespace ssm::protocol::detail
