#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ssm::service::detail {

/// Writes JSON text front to back. By hand because AWS timestamps are decimal fractions
/// (`1550676938.352`), which a serializer of doubles prints with an exponent.
/// The caller keeps the grammar; commas are set here.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  /// Bytes that are not UTF-8 become '?'.
  JsonWriter& string(std::string_view text);
  JsonWriter& number(std::int64_t value);
  JsonWriter& boolean(bool value);
  /// Milliseconds since the Unix epoch as seconds with three decimals.
  JsonWriter& timestamp(std::int64_t unix_ms);

  [[nodiscard]] std::string take();

 private:
  void separate();

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace ssm::service::detail
