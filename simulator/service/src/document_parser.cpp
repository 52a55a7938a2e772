#include "ssm/service/document_parser.hpp"

#include <re2/re2.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "detail/text.hpp"

namespace ssm::service {
namespace {

namespace json = boost::json;

constexpr std::size_t max_depth = 32;
constexpr std::size_t max_parameters = 200;
constexpr std::size_t max_pattern_bytes = 1024;
constexpr std::int64_t max_pattern_memory = std::int64_t{256} << 10U;

constexpr std::array<std::string_view, 4> session_types = {"Standard_Stream", "InteractiveCommands",
                                                           "NonInteractiveCommands", "Port"};

enum class InputType { text, boolean, boolean_only, minutes };
struct Input {
  std::string_view name;
  InputType type;
  int max_minutes = 0;
};
/// Types as agents accept them (amazon-ssm-agent agent/contracts/model.go,
/// agent/framework/docparser/docparser.go); the two times are the service's own.
constexpr std::array inputs = {
    Input{"s3BucketName", InputType::text},
    Input{"s3KeyPrefix", InputType::text},
    Input{"s3EncryptionEnabled", InputType::boolean},
    Input{"cloudWatchLogGroupName", InputType::text},
    Input{"cloudWatchEncryptionEnabled", InputType::boolean},
    Input{"cloudWatchStreamingEnabled", InputType::boolean_only},
    Input{"kmsKeyId", InputType::text},
    Input{"runAsEnabled", InputType::boolean},
    Input{"runAsDefaultUser", InputType::text},
    Input{"idleSessionTimeout", InputType::minutes, 60},
    Input{"maxSessionDuration", InputType::minutes, 1440},
};

[[nodiscard]] AwsError invalid_content(std::string message) {
  return modelled_error("InvalidDocumentContent", std::move(message));
}

[[nodiscard]] std::string shown(const json::value& value) {
  return detail::excerpt(json::serialize(value), 64);
}

[[nodiscard]] std::string text_of(const json::value& value) {
  const json::string& text = value.get_string();
  return {text.data(), text.size()};
}

/// Reads a document; the first thing wrong is kept, and everything after it is skipped.
class DocumentReader {
 public:
  explicit DocumentReader(std::string_view name) { document_.name = name; }

  [[nodiscard]] AwsResult<SessionDocument> read(std::string_view text);

 private:
  void fail(const std::string& where, std::string_view expected, const json::value* seen);
  void read_header(const json::object& root);
  void read_inputs(json::object& root);
  void read_input(const Input& input, json::value& value);
  void read_minutes(const Input& input, const json::value& value);
  void read_shell_profile(const json::object& inputs);
  void read_parameters(const json::object& root);
  void read_parameter(const std::string& name, const json::value& value);
  void check_default(const std::string& where, const json::value& value, ParameterType type);
  void read_pattern(const std::string& where, const json::value& value,
                    DocumentParameter& parameter);
  [[nodiscard]] std::optional<std::vector<std::string>> strings(const std::string& where,
                                                                const json::value& value);

  SessionDocument document_;
  std::optional<AwsError> error_;
};

void DocumentReader::fail(const std::string& where, std::string_view expected,
                          const json::value* seen) {
  if (!error_) {
    error_ = invalid_content(where + ": expected " + std::string(expected) + ", " +
                             (seen != nullptr ? "got " + shown(*seen) : "but it is missing") + ".");
  }
}

AwsResult<SessionDocument> DocumentReader::read(std::string_view text) {
  if (text.size() > max_document_bytes) {
    return modelled_error("MaxDocumentSizeExceeded",
                          "The document has " + std::to_string(text.size()) +
                              " bytes; the most is " + std::to_string(max_document_bytes) + ".");
  }
  json::parse_options options;
  options.max_depth = max_depth;
  json::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error) {
    return invalid_content("The content is not valid JSON: " + error.message() + ".");
  }
  if (!value.is_object()) {
    return invalid_content("The content must be a JSON object, got " + shown(value) + ".");
  }
  json::object& root = value.get_object();
  read_header(root);
  read_inputs(root);
  read_parameters(root);
  if (error_) {
    return std::move(*error_);
  }
  document_.content = json::serialize(value);
  return std::move(document_);
}

void DocumentReader::read_header(const json::object& root) {
  //= DOC-008
  const json::value* version = root.if_contains("schemaVersion");
  if (version == nullptr || !version->is_string() || version->get_string() != "1.0") {
    error_ = modelled_error(
        "InvalidDocumentSchemaVersion",
        "schemaVersion: session documents have the version \"1.0\", " +
            (version != nullptr ? "got " + shown(*version) : "but it is missing") + ".");
    return;
  }
  const json::value* description = root.if_contains("description");
  if (description != nullptr && !description->is_string()) {
    fail("description", "text", description);
  }
  const json::value* type = root.if_contains("sessionType");
  if (type == nullptr || !type->is_string() ||
      std::find(session_types.begin(), session_types.end(), std::string_view(type->get_string())) ==
          session_types.end()) {
    fail("sessionType", "Standard_Stream, InteractiveCommands, NonInteractiveCommands or Port",
         type);
    return;
  }
  document_.session_type = text_of(*type);
  const json::value* properties = root.if_contains("properties");
  if (document_.session_type != "Standard_Stream" &&
      (properties == nullptr || !properties->is_object())) {
    fail("properties", "an object, because the sessionType is " + document_.session_type,
         properties);
  }
}

// --- inputs --------------------------------------------------------------------------------------

void DocumentReader::read_inputs(json::object& root) {
  json::value* value = root.if_contains("inputs");
  if (value == nullptr || value->is_null()) {
    if (document_.session_type == "Standard_Stream") {
      fail("inputs", "an object, because the sessionType is Standard_Stream", value);
    }
    return;
  }
  if (!value->is_object()) {
    return fail("inputs", "an object", value);
  }
  for (const Input& input : inputs) {
    if (json::value* member = value->get_object().if_contains(input.name)) {
      read_input(input, *member);
    }
  }
  read_shell_profile(value->get_object());
}

void DocumentReader::read_input(const Input& input, json::value& value) {
  const std::string where = "inputs." + std::string(input.name);
  if (input.type == InputType::text) {
    if (!value.is_string()) {
      fail(where, "text", &value);
    }
    return;
  }
  if (input.type == InputType::minutes) {
    return read_minutes(input, value);
  }
  const bool is_text =
      value.is_string() && (value.get_string() == "true" || value.get_string() == "false");
  if (!value.is_bool() && !is_text) {
    fail(where, "true or false", &value);
  } else if (is_text && input.type == InputType::boolean_only) {
    //= CTL-013
    value = value.get_string() == "true";
  }
}

/// Minutes as text, or as a number, which one of AWS's own samples has.
void DocumentReader::read_minutes(const Input& input, const json::value& value) {
  int minutes = 0;
  std::string text;
  if (value.is_string()) {
    text = text_of(value);
  } else if (value.is_int64()) {
    text = std::to_string(value.get_int64());
  }
  if (value.is_string() && text.empty()) {
    return;
  }
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, minutes);
  if (error != std::errc() || stop != end || minutes < 1 || minutes > input.max_minutes) {
    return fail("inputs." + std::string(input.name),
                "minutes from 1 to " + std::to_string(input.max_minutes) + " as text", &value);
  }
  if (input.name == "maxSessionDuration") {
    document_.max_session_duration = std::to_string(minutes);
  }
}

void DocumentReader::read_shell_profile(const json::object& members) {
  const json::value* profile = members.if_contains("shellProfile");
  if (profile == nullptr) {
    return;
  }
  if (!profile->is_object()) {
    return fail("inputs.shellProfile", "an object", profile);
  }
  for (const char* platform : {"linux", "windows"}) {
    const json::value* text = profile->get_object().if_contains(platform);
    if (text != nullptr && !text->is_string()) {
      fail(std::string("inputs.shellProfile.") + platform, "text", text);
    }
  }
}

// --- parameters ----------------------------------------------------------------------------------

void DocumentReader::read_parameters(const json::object& root) {
  const json::value* value = root.if_contains("parameters");
  if (value == nullptr || value->is_null()) {
    return;
  }
  if (!value->is_object()) {
    return fail("parameters", "an object", value);
  }
  if (value->get_object().size() > max_parameters) {
    error_ = invalid_content("parameters: at most " + std::to_string(max_parameters) + " fit.");
    return;
  }
  for (const json::key_value_pair& entry : value->get_object()) {
    read_parameter(std::string(entry.key()), entry.value());
  }
}

void DocumentReader::read_parameter(const std::string& name, const json::value& value) {
  const std::string where = "parameters." + detail::excerpt(name, 64);
  // The agent finds no other names (amazon-ssm-agent
  // agent/framework/docparser/parameters/parameters.go).
  if (name.empty() || !std::all_of(name.begin(), name.end(), detail::is_alnum)) {
    return fail(where, "a name of letters and digits", &value);
  }
  if (!value.is_object()) {
    return fail(where, "an object", &value);
  }
  const json::object& members = value.get_object();
  DocumentParameter parameter;
  parameter.name = name;
  const json::value* type = members.if_contains("type");
  if (type != nullptr && type->is_string() && type->get_string() == "StringList") {
    parameter.type = ParameterType::string_list;
  } else if (type == nullptr || !type->is_string() || type->get_string() != "String") {
    return fail(where + ".type", "String or StringList", type);
  }
  const json::value* description = members.if_contains("description");
  if (description != nullptr && !description->is_string()) {
    fail(where + ".description", "text", description);
  }
  if (const json::value* fallback = members.if_contains("default")) {
    check_default(where + ".default", *fallback, parameter.type);
    parameter.has_default = true;
  }
  if (const json::value* allowed = members.if_contains("allowedValues")) {
    parameter.allowed_values =
        strings(where + ".allowedValues", *allowed).value_or(std::vector<std::string>());
  }
  if (const json::value* pattern = members.if_contains("allowedPattern")) {
    read_pattern(where + ".allowedPattern", *pattern, parameter);
  }
  document_.parameters.push_back(std::move(parameter));
}

void DocumentReader::check_default(const std::string& where, const json::value& value,
                                   ParameterType type) {
  if (type == ParameterType::string_list) {
    static_cast<void>(strings(where, value));
  } else if (!value.is_string()) {
    fail(where, "text, because the type is String", &value);
  }
}

/// Patterns come from whoever writes documents, so a matcher that can recurse or backtrack without
/// bound must not see them.
void DocumentReader::read_pattern(const std::string& where, const json::value& value,
                                  DocumentParameter& parameter) {
  if (!value.is_string() || value.get_string().size() > max_pattern_bytes) {
    return fail(where, "text of at most " + std::to_string(max_pattern_bytes) + " bytes", &value);
  }
  parameter.pattern_text = text_of(value);
  if (parameter.pattern_text.empty()) {
    return;
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(max_pattern_memory);
  auto pattern = std::make_shared<const RE2>(parameter.pattern_text, options);
  if (!pattern->ok()) {
    return fail(where, "a regular expression of RE2's syntax (" + pattern->error() + ")", &value);
  }
  parameter.matches_pattern = [pattern = std::move(pattern)](std::string_view text) {
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern);
  };
}

std::optional<std::vector<std::string>> DocumentReader::strings(const std::string& where,
                                                                const json::value& value) {
  std::vector<std::string> list;
  if (!value.is_array()) {
    fail(where, "a list of texts", &value);
    return std::nullopt;
  }
  for (const json::value& item : value.get_array()) {
    if (!item.is_string()) {
      fail(where, "a list of texts", &value);
      return std::nullopt;
    }
    list.push_back(text_of(item));
  }
  return list;
}

}  // namespace

AwsResult<SessionDocument> parse_session_document(std::string_view name, std::string_view json) {
  return DocumentReader(name).read(json);
}

}  // namespace ssm::service
