#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "detail/json_text.hpp"

namespace ssm::protocol::detail {

/// Writes one JSON object, members in the order of the calls, as Go's encoding/json does.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(&out) { *out_ += '{'; }

  ObjectWriter& field(std::string_view name, std::string_view value) {
    begin(name);
    append_json_string(*out_, value);
    return *this;
  }
  ObjectWriter& field(std::string_view name, const char* value) {
    return field(name, std::string_view(value));
  }
  ObjectWriter& field(std::string_view name, bool value) {
    begin(name) += value ? "true" : "false";
    return *this;
  }
  ObjectWriter& field(std::string_view name, std::int64_t value) {
    begin(name) += std::to_string(value);
    return *this;
  }
  ObjectWriter& field(std::string_view name, std::uint32_t value) {
    begin(name) += std::to_string(value);
    return *this;
  }
  /// Left out if empty.
  template <class T>
  ObjectWriter& field_if(std::string_view name, const std::optional<T>& value) {
    return value ? field(name, *value) : *this;
  }
  /// `null` if empty, as Go writes a nil slice or pointer.
  template <class T>
  ObjectWriter& field_or_null(std::string_view name, const std::optional<T>& value) {
    return value ? field(name, *value) : json(name, "null");
  }
  /// JSON text; empty text is `null`.
  ObjectWriter& json(std::string_view name, std::string_view text) {
    append_compact_json(begin(name), text);
    return *this;
  }

  /// Starts a member whose value the caller appends.
  std::string& begin(std::string_view name) {
    if (!first_) {
      *out_ += ',';
    }
    first_ = false;
    append_json_string(*out_, name);
    return *out_ += ':';
  }
  void end() { *out_ += '}'; }

 private:
  std::string* out_;
  bool first_ = true;
};

/// Writes an array; `append` appends one element.
template <class Elements, class Append>
void append_array(std::string& out, const Elements& elements, Append append) {
  out += '[';
  bool first = true;
  for (const auto& element : elements) {
    if (!first) {
      out += ',';
    }
    first = false;
    append(element);
  }
  out += ']';
}

}  // namespace ssm::protocol::detail
