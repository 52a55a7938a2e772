#include "detail/json_document.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <charconv>

#include "detail/json_text.hpp"

namespace ssm::protocol::detail {
namespace {

using boost::system::error_code;

/// The value of the four hexadecimal digits of the escape \uXXXX at the start of `text`.
std::optional<std::uint32_t> unicode_escape(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') {
    return std::nullopt;
  }
  std::uint32_t value = 0;
  const char* const end = text.data() + 6;
  const auto result = std::from_chars(text.data() + 2, end, value, 16);
  if (result.ec != std::errc{} || result.ptr != end) {
    return std::nullopt;
  }
  return value;
}

/// Rewrites escapes of unpaired surrogates to \ufffd in place, which Go reads them as and Boost
/// refuses. Outside strings a backslash is an error in any case.
void replace_unpaired_surrogates(std::string& text) {
  std::size_t at = text.find('\\');
  while (at != std::string::npos) {
    // Every escape is stepped over whole, so that `\\u` is not taken for one.
    const std::string_view rest = std::string_view(text).substr(at);
    const std::optional<std::uint32_t> unit = unicode_escape(rest);
    std::size_t size = unit ? 6 : 2;
    if (unit && *unit >= 0xD800 && *unit <= 0xDFFF) {
      const std::optional<std::uint32_t> next = unicode_escape(rest.substr(6));
      if (*unit < 0xDC00 && next && *next >= 0xDC00 && *next <= 0xDFFF) {
        size = 12;
      } else {
        text.replace(at, 6, "\\ufffd");
      }
    }
    at = text.find('\\', at + size);
  }
}

bool has_surrogate_escape(std::string_view text) {
  return text.find("\\ud") != std::string_view::npos || text.find("\\uD") != std::string_view::npos;
}

}  // namespace

std::string_view name(JsonKind kind) {
  switch (kind) {
    case JsonKind::null:
      return "null";
    case JsonKind::boolean:
      return "a boolean";
    case JsonKind::number:
      return "a number";
    case JsonKind::string:
      return "a string";
    case JsonKind::array:
      return "an array";
    case JsonKind::object:
      return "an object";
  }
  return "nothing";
}

/// Receives the events of Boost's parser; its interface decides the names and signatures.
class JsonDocument::Builder {
 public:
  static constexpr std::size_t max_object_size = json_values_max;
  static constexpr std::size_t max_array_size = json_values_max;
  static constexpr std::size_t max_key_size = json_size_max;
  static constexpr std::size_t max_string_size = json_size_max;

  explicit Builder(JsonDocument& document) : document_(&document) {}

  static bool on_document_begin(error_code& /*ec*/) { return true; }
  static bool on_document_end(error_code& /*ec*/) { return true; }
  bool on_object_begin(error_code& ec) { return open(JsonKind::object, ec); }
  bool on_object_end(std::size_t /*size*/, error_code& /*ec*/) { return close(); }
  bool on_array_begin(error_code& ec) { return open(JsonKind::array, ec); }
  bool on_array_end(std::size_t /*size*/, error_code& /*ec*/) { return close(); }

  bool on_key_part(boost::json::string_view part, std::size_t /*size*/, error_code& /*ec*/) {
    return append(part);
  }
  bool on_key(boost::json::string_view part, std::size_t /*size*/, error_code& /*ec*/) {
    append(part);
    replace_invalid_utf8(document_->text_, token_begin_);
    name_ = take_token();
    return true;
  }
  bool on_string_part(boost::json::string_view part, std::size_t /*size*/, error_code& /*ec*/) {
    return append(part);
  }
  bool on_string(boost::json::string_view part, std::size_t /*size*/, error_code& ec) {
    append(part);
    replace_invalid_utf8(document_->text_, token_begin_);
    return add(JsonKind::string, ec);
  }
  bool on_number_part(boost::json::string_view part, error_code& /*ec*/) { return append(part); }
  bool on_int64(std::int64_t /*value*/, boost::json::string_view part, error_code& ec) {
    return append(part) && add(JsonKind::number, ec);
  }
  bool on_uint64(std::uint64_t /*value*/, boost::json::string_view part, error_code& ec) {
    return append(part) && add(JsonKind::number, ec);
  }
  bool on_double(double /*value*/, boost::json::string_view part, error_code& ec) {
    return append(part) && add(JsonKind::number, ec);
  }
  bool on_bool(bool value, error_code& ec) {
    return append(value ? "true" : "false") && add(JsonKind::boolean, ec);
  }
  bool on_null(error_code& ec) { return append("null") && add(JsonKind::null, ec); }
  static bool on_comment_part(boost::json::string_view /*part*/, error_code& /*ec*/) {
    return true;
  }
  static bool on_comment(boost::json::string_view /*part*/, error_code& /*ec*/) { return true; }

 private:
  bool append(boost::json::string_view part) {
    document_->text_.append(part.data(), part.size());
    return true;
  }

  Range take_token() {
    const auto end = static_cast<std::uint32_t>(document_->text_.size());
    const Range token{token_begin_, end - token_begin_};
    token_begin_ = end;
    return token;
  }

  bool add(JsonKind kind, error_code& ec) {
    if (document_->nodes_.size() == json_values_max) {
      ec = boost::json::make_error_code(boost::json::error::array_too_large);
      return false;
    }
    const Range token = take_token();
    document_->nodes_.push_back({.kind = kind, .name = name_, .text = token, .end = 0});
    document_->nodes_.back().end = static_cast<std::uint32_t>(document_->nodes_.size());
    name_ = {};
    return true;
  }

  bool open(JsonKind kind, error_code& ec) {
    open_.push_back(document_->nodes_.size());
    return add(kind, ec);
  }

  bool close() {
    document_->nodes_[open_.back()].end = static_cast<std::uint32_t>(document_->nodes_.size());
    open_.pop_back();
    return true;
  }

  JsonDocument* document_;
  std::uint32_t token_begin_ = 0;
  Range name_;
  std::vector<std::size_t> open_;
};

Result<JsonDocument> JsonDocument::parse(Bytes text) {
  if (text.size() > json_size_max) {
    return Error(Errc::malformed_json, json_size_max,
                 "expected at most " + std::to_string(json_size_max) + " bytes, seen " +
                     std::to_string(text.size()));
  }
  std::string_view input = as_text(text);
  std::string rewritten;
  if (has_surrogate_escape(input)) {
    rewritten = input;
    replace_unpaired_surrogates(rewritten);
    input = rewritten;
  }

  const boost::json::parse_options options{.max_depth = json_depth_max, .allow_invalid_utf8 = true};
  JsonDocument document;
  document.text_.reserve(input.size());
  boost::json::basic_parser<Builder> parser(options, document);
  error_code ec;
  const std::size_t used = parser.write_some(false, input.data(), input.size(), ec);
  if (!ec && used != input.size()) {
    ec = boost::json::make_error_code(boost::json::error::extra_data);
  }
  if (ec) {
    return Error(Errc::malformed_json, used, ec.message());
  }
  return document;
}

JsonValue JsonDocument::root() const {
  return {*this, 0, static_cast<std::uint32_t>(nodes_.size())};
}

JsonKind JsonValue::kind() const {
  return document_->nodes_[index_].kind;
}

std::string_view JsonValue::member_name() const {
  return document_->view(document_->nodes_[index_].name);
}

std::string_view JsonValue::text() const {
  return document_->view(document_->nodes_[index_].text);
}

std::optional<JsonValue> JsonValue::first_child() const {
  const std::uint32_t end = document_->nodes_[index_].end;
  if (index_ + 1 == end) {
    return std::nullopt;
  }
  return JsonValue(*document_, index_ + 1, end);
}

std::optional<JsonValue> JsonValue::next_sibling() const {
  const std::uint32_t next = document_->nodes_[index_].end;
  if (next == parent_end_) {
    return std::nullopt;
  }
  return JsonValue(*document_, next, parent_end_);
}

void JsonValue::append_to(std::string& out) const {
  const bool is_object = kind() == JsonKind::object;
  if (kind() == JsonKind::string) {
    append_json_string(out, text());
  } else if (!is_object && kind() != JsonKind::array) {
    out += text();
  } else {
    out += is_object ? '{' : '[';
    for (auto child = first_child(); child; child = child->next_sibling()) {
      if (is_object) {
        append_json_string(out, child->member_name());
        out += ':';
      }
      child->append_to(out);
      if (child->next_sibling()) {
        out += ',';
      }
    }
    out += is_object ? '}' : ']';
  }
}

std::string JsonValue::to_json() const {
  std::string out;
  append_to(out);
  return out;
}

}  // namespace ssm::protocol::detail
