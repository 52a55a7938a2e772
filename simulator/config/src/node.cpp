#include "detail/node.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include "ssm/config/document.hpp"
#include "ssm/schema/utf8.hpp"

namespace ssm::config::detail {
namespace {

/// Our reason to refuse a document, thrown through yaml-cpp's parser, which knows no other way to
/// stop. It never leaves this file.
struct Refusal {
  Position at;
  std::string expected;
  std::string seen;
};

Position position_of(const YAML::Mark& mark) {
  return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

/// Builds nodes from the parser's events. The parser's own tree would follow aliases, forget
/// positions and merge duplicate keys.
class Builder : public YAML::EventHandler {
 public:
  [[nodiscard]] std::optional<Node> take() { return std::exchange(root_, std::nullopt); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    throw Refusal{position_of(mark), "no anchors", "&" + name};
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    throw Refusal{position_of(mark), "no aliases", "an alias"};
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    add(make(Node::Kind::null, mark, ""));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                const std::string& value) override {
    Node node = make(Node::Kind::scalar, mark, tag);
    node.text = value;
    node.plain = tag != "!";  // how yaml-cpp marks a quoted scalar
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    open(make(Node::Kind::list, mark, tag));
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    open(make(Node::Kind::map, mark, tag));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  /// A list or map whose end has not been seen.
  struct Level {
    Node node;
    std::optional<Node> key;  ///< of a map: read, its value not yet
  };

  Node make(Node::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    const Position at = position_of(mark);
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refusal{at, "no tags", quote(tag)};
    }
    if (++nodes_ > max_document_nodes) {
      throw Refusal{at, fmt::format("at most {} values", max_document_nodes), "more"};
    }
    Node node;
    node.kind = kind;
    node.at = at;
    return node;
  }

  void open(Node node) {
    if (levels_.size() == max_document_depth) {
      throw Refusal{node.at, fmt::format("at most {} levels", max_document_depth), "more"};
    }
    levels_.push_back({std::move(node), std::nullopt});
  }

  void close() {
    Node node = std::move(levels_.back().node);
    levels_.pop_back();
    add(std::move(node));
  }

  void add(Node node) {
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = levels_.back();
    if (level.node.kind == Node::Kind::list) {
      level.node.items.push_back(std::move(node));
    } else if (level.key) {
      level.node.entries.push_back({std::move(*level.key), std::move(node)});
      level.key.reset();
    } else if (node.kind == Node::Kind::scalar) {
      level.key = std::move(node);
    } else {
      throw Refusal{node.at, "a field name", describe(node)};
    }
  }

  std::optional<Node> root_;
  std::vector<Level> levels_;
  std::size_t nodes_ = 0;
};

Position position_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // 0 without a newline
  return {static_cast<int>(line) + 1, static_cast<int>(offset - line_start) + 1};
}

/// What the parser must not even see: other encodings, which it would guess from NUL bytes.
void check_characters(std::string_view text) {
  if (text.size() > max_document_bytes) {
    throw Refusal{{}, fmt::format("at most {} bytes", max_document_bytes), "more"};
  }
  if (const auto at = schema::find_invalid_utf8(text); at != std::string_view::npos) {
    throw Refusal{position_at(text, at), "UTF-8 text",
                  fmt::format("byte 0x{:02x}", static_cast<unsigned char>(text[at]))};
  }
  if (const auto at = text.find('\0'); at != std::string_view::npos) {
    throw Refusal{position_at(text, at), "text", "a NUL byte"};
  }
}

/// JSON may be indented with tabs, which the YAML parser refuses in places.
std::string without_json_tabs(std::string_view text) {
  std::string result(text);
  const std::size_t start = result.find_first_not_of(" \t\r\n");
  if (start == std::string::npos || result[start] != '{') {
    return result;
  }
  bool quoted = false;
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (quoted && result[i] == '\\') {
      ++i;
    } else if (result[i] == '"') {
      quoted = !quoted;
    } else if (result[i] == '\t' && !quoted) {
      result[i] = ' ';
    }
  }
  return result;
}

Node parse(std::string_view text) {
  check_characters(text);
  std::istringstream stream(without_json_tabs(text));
  YAML::Parser parser(stream);
  Builder builder;
  parser.HandleNextDocument(builder);
  std::optional<Node> root = builder.take();
  if (parser.HandleNextDocument(builder)) {
    const std::optional<Node> second = builder.take();
    throw Refusal{second ? second->at : Position{}, "one document", "a second one"};
  }
  return root ? std::move(*root) : Node{};
}

}  // namespace

Loaded<Node> parse_node(std::string_view text, std::string_view file) {
  Refusal refusal;
  try {
    return parse(text);
  } catch (const Refusal& thrown) {
    refusal = thrown;
  } catch (const YAML::Exception& thrown) {
    refusal = {position_of(thrown.mark), "well-formed YAML or JSON", quote(thrown.msg)};
  } catch (const std::exception& thrown) {
    refusal = {{}, "well-formed YAML or JSON", quote(thrown.what())};
  }
  return Problems{{Problem{std::string(file), refusal.at, {}, refusal.expected, refusal.seen}}};
}

std::string quote(std::string_view text) {
  constexpr std::size_t limit = 60;
  std::string result = "\"";
  for (const char character : schema::to_utf8(text.substr(0, limit))) {
    if (character == '"' || character == '\\') {
      result += '\\';
      result += character;
    } else if (static_cast<unsigned char>(character) < 0x20 || character == 0x7F) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(character));
    } else {
      result += character;
    }
  }
  return result + (text.size() > limit ? "\"..." : "\"");
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return node.plain ? (node.text.size() <= 60 ? node.text : quote(node.text))
                        : quote(node.text);
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a mapping";
  }
  return {};
}

}  // namespace ssm::config::detail
