#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detail/json_document.hpp"

namespace ssm::protocol::detail {

/// Whether Go's encoding/json takes the member name `seen` for the field `field` (ASCII letters):
/// letter case does not count, and U+017F and U+212A are forms of s and k.
[[nodiscard]] bool matches_field(std::string_view seen, std::string_view field);

/// Reads the members of an object into the fields of a struct, with Go's rules: unknown members are
/// ignored; null and missing ones leave the field as it is (null empties arrays and bytes); of
/// several the last wins; a wrong type in any of them is an error.
///
/// The first error is kept, and reading goes on as in Go, so that `error()` is looked at once.
class FieldReader {
 public:
  /// `path` stands before field names in errors: "ProcessedClientActions[0].".
  explicit FieldReader(JsonValue object, std::string path = {});

  void read(std::string_view field, std::string& out);
  void read(std::string_view field, std::optional<std::string>& out);
  void read(std::string_view field, bool& out);
  void read(std::string_view field, std::optional<bool>& out);
  void read(std::string_view field, std::int64_t& out);
  void read(std::string_view field, std::uint32_t& out);
  /// Padded standard base64; `out` gets its canonical form.
  void read_base64(std::string_view field, std::string& out);
  void read_base64(std::string_view field, std::optional<std::string>& out);
  /// The last member of that name whatever it is, null included.
  [[nodiscard]] std::optional<JsonValue> find(std::string_view field) const;
  /// The same as compact JSON; unchanged if missing.
  void read_json(std::string_view field, std::string& out) const;
  /// The same, but only an object; null leaves `out` unchanged.
  void read_json_object(std::string_view field, std::string& out);
  /// The elements of the array; empty if null or missing.
  [[nodiscard]] std::vector<JsonValue> read_array(std::string_view field);
  [[nodiscard]] std::vector<std::string> read_strings(std::string_view field);

  /// Takes over an error of a nested reader.
  void fail(std::optional<Error> error);
  void fail(std::string_view field, std::string_view expected, JsonValue seen);

  [[nodiscard]] std::optional<Error>& error() { return error_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// `value`, or the first error.
  template <class T>
  [[nodiscard]] Result<T> finish(T&& value) {
    if (error_) {
      return std::move(*error_);
    }
    return std::forward<T>(value);
  }

 private:
  template <class Apply>
  void for_each(std::string_view field, Apply apply) const;
  template <class T>
  void read_text(std::string_view field, T& out);
  template <class T>
  void read_boolean(std::string_view field, T& out);
  template <class Integer>
  void read_integer(std::string_view field, Integer& out);

  JsonValue object_;
  std::string path_;
  std::optional<Error> error_;
};

/// Parses a payload that is one JSON object and gives `fill` a reader of its members and a `T` to
/// fill, which starts with the defaults for sending: `fill` resets those that differ on receipt.
template <class T, class Fill>
[[nodiscard]] Result<T> parse_object(Bytes payload, Fill fill) {
  Result<JsonDocument> document = JsonDocument::parse(payload);
  if (document.has_error()) {
    return std::move(document).error();
  }
  const JsonValue root = document->root();
  if (root.kind() != JsonKind::object) {
    return Error(Errc::malformed_json, 0,
                 "expected an object, seen " + std::string(name(root.kind())));
  }
  FieldReader reader(root);
  T value;
  fill(reader, value);
  return reader.finish(std::move(value));
}

}  // namespace ssm::protocol::detail
