#include "detail/json_writer.hpp"

#include <utility>

#include "detail/text.hpp"

namespace ssm::service::detail {

void JsonWriter::separate() {
  if (std::exchange(needs_comma_, true)) {
    text_ += ',';
  }
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  text_ += '{';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  text_ += '}';
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  text_ += '[';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  text_ += ']';
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  string(name);
  text_ += ':';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  separate();
  constexpr std::string_view hex = "0123456789abcdef";
  text_ += '"';
  for (const char c : to_valid_utf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (c == '\n') {
      text_ += "\\n";
    } else if (byte < 0x20U || byte == 0x7FU) {
      text_ += "\\u00";
      text_ += hex[byte >> 4U];
      text_ += hex[byte & 0x0FU];
    } else {
      text_ += c;
    }
  }
  text_ += '"';
  return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
  separate();
  text_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  separate();
  text_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::timestamp(std::int64_t unix_ms) {
  separate();
  const std::string fraction = std::to_string(unix_ms % 1000);
  text_ += std::to_string(unix_ms / 1000);
  text_.append(".").append(3 - fraction.size(), '0').append(fraction);
  return *this;
}

std::string JsonWriter::take() {
  needs_comma_ = false;
  return std::exchange(text_, {});
}

}  // namespace ssm::service::detail
