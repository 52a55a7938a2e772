#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/config/problem.hpp"

namespace ssm::config::detail {

/// A part of a YAML or JSON document, before it is held against a schema.
struct Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  struct Entry;

  Kind kind = Kind::null;
  Position at;
  std::string text;  ///< of a scalar
  /// A scalar written without quotes: may be a number or true or false.
  bool plain = false;
  std::vector<Node> items;     ///< of a list
  std::vector<Entry> entries;  ///< of a map, in the document's order, duplicates included
};

struct Node::Entry {
  Node key;  ///< always a scalar
  Node value;
};

/// Reads one document. Syntax is a single problem: nothing after it can be trusted.
[[nodiscard]] Loaded<Node> parse_node(std::string_view text, std::string_view file);

/// For a message: what stands in the document, quoted, escaped and cut.
[[nodiscard]] std::string describe(const Node& node);
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace ssm::config::detail
