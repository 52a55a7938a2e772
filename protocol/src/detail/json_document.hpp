#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::protocol::detail {

/// Bounds of what is read, so that no payload can make us use more than a few times its size.
inline constexpr std::size_t json_size_max = std::size_t{1} * 1024 * 1024;
inline constexpr std::size_t json_depth_max = 32;
inline constexpr std::size_t json_values_max = 65536;

enum class JsonKind : std::uint8_t { null, boolean, number, string, array, object };
/// With its article, for error texts: "an array".
[[nodiscard]] std::string_view name(JsonKind kind);

class JsonDocument;

/// One value of a document, which must outlive it and stay where it is.
class JsonValue {
 public:
  [[nodiscard]] JsonKind kind() const;
  [[nodiscard]] bool is_null() const { return kind() == JsonKind::null; }
  /// Name of this object member, without escapes; empty elsewhere.
  [[nodiscard]] std::string_view member_name() const;
  /// Content of a string without escapes, always UTF-8; the literal of a number or boolean.
  [[nodiscard]] std::string_view text() const;

  /// Elements or members in the order of the text, duplicate names included.
  [[nodiscard]] std::optional<JsonValue> first_child() const;
  [[nodiscard]] std::optional<JsonValue> next_sibling() const;

  /// Appends this value as compact JSON in Go's form. Numbers keep their literal.
  void append_to(std::string& out) const;
  [[nodiscard]] std::string to_json() const;

 private:
  friend class JsonDocument;
  JsonValue(const JsonDocument& document, std::uint32_t index, std::uint32_t parent_end)
      : document_(&document), index_(index), parent_end_(parent_end) {}

  const JsonDocument* document_;
  std::uint32_t index_;
  std::uint32_t parent_end_;  ///< first node after the siblings
};

/// A parsed JSON text as a flat list of its values.
///
/// Boost.JSON's parser does the reading; its own value type is not used because it forgets which of
/// two members with the same name came last among those that differ only in letter case, and which
/// literal a number had. Go accepts two things that Boost refuses, invalid UTF-8 and unpaired
/// surrogate escapes, and reads both as U+FFFD; so do we.
class JsonDocument {
 public:
  /// Error: malformed_json, also for text beyond the bounds above and for numbers whose exponent
  /// does not fit 32 bits.
  [[nodiscard]] static Result<JsonDocument> parse(Bytes text);

  [[nodiscard]] JsonValue root() const;

 private:
  friend class JsonValue;
  class Builder;
  struct Range {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  struct Node {
    JsonKind kind = JsonKind::null;
    Range name;
    Range text;
    std::uint32_t end = 0;  ///< first node after this value and its children
  };

  [[nodiscard]] std::string_view view(Range range) const {
    return std::string_view(text_).substr(range.begin, range.size);
  }

  std::vector<Node> nodes_;  ///< in the order of the text, parents before children
  std::string text_;         ///< all names, strings and literals
};

}  // namespace ssm::protocol::detail
