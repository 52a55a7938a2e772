#include "ssm/service/documents.hpp"

#include <algorithm>
#include <utility>

#include "detail/json_writer.hpp"
#include "detail/text.hpp"
#include "ssm/protocol/assert.hpp"
#include "ssm/service/document_parser.hpp"

namespace ssm::service {
namespace {

[[nodiscard]] AwsError invalid_parameter(std::string message) {
  return modelled_error("InvalidParameters", std::move(message));
}

[[nodiscard]] std::optional<AwsError> check_value(const DocumentParameter& parameter,
                                                  const std::string& value) {
  const auto& allowed = parameter.allowed_values;
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    std::string list;
    for (const std::string& item : allowed) {
      list.append(list.empty() ? "" : ", ").append(item);
    }
    return invalid_parameter("Parameter \"" + parameter.name + "\" value \"" +
                             detail::excerpt(value, 256) + "\" is not one of the allowed values [" +
                             list + "].");
  }
  if (parameter.matches_pattern && !parameter.matches_pattern(value)) {
    return invalid_parameter("Parameter \"" + parameter.name + "\" value \"" +
                             detail::excerpt(value, 256) +
                             "\" does not match the allowed pattern " + parameter.pattern_text);
  }
  return std::nullopt;
}

}  // namespace

DocumentStore::DocumentStore() {
  for (const DocumentText& text : aws_documents()) {
    AwsResult<SessionDocument> document = parse_session_document(text.name, text.json);
    SSM_ASSERT(document.has_value());  // our own text
    add(std::move(*document));
  }
}

void DocumentStore::add(SessionDocument document) {
  std::string name = document.name;
  by_name_.insert_or_assign(std::move(name), std::move(document));
}

const SessionDocument* DocumentStore::find(std::string_view name_or_arn) const {
  if (name_or_arn.starts_with("arn:")) {
    constexpr std::string_view resource = ":document/";
    const std::size_t at = name_or_arn.find(resource);
    if (at == std::string_view::npos) {
      return nullptr;
    }
    name_or_arn.remove_prefix(at + resource.size());
  }
  const auto found = by_name_.find(name_or_arn);
  return found == by_name_.end() ? nullptr : &found->second;
}

AwsResult<const SessionDocument*> DocumentStore::find_for_session(
    std::string_view name_or_arn) const {
  const SessionDocument* document = find(name_or_arn);
  //= SVC-012
  if (document == nullptr) {
    return modelled_error("InvalidDocument",
                          "Document with name " + std::string(name_or_arn) + " does not exist.");
  }
  //= SVC-013
  if (document->document_type != "Session") {
    return modelled_error("InvalidDocument",
                          "Document type: '" + document->document_type +
                              "' is not supported. Only type: 'Session' is supported for Session "
                              "Manager.");
  }
  return document;
}

//= SVC-014
AwsResult<> check_parameters(const SessionDocument& document, const SessionParameters& given) {
  for (const auto& entry : given) {
    const std::string& name = entry.first;
    const bool declared =
        std::any_of(document.parameters.begin(), document.parameters.end(),
                    [&name](const DocumentParameter& p) { return p.name == name; });
    if (!declared) {
      return invalid_parameter("Parameter \"" + detail::excerpt(name, 256) +
                               "\" is not defined in document " + document.name + ".");
    }
  }
  for (const DocumentParameter& parameter : document.parameters) {
    const auto values = given.find(parameter.name);
    if (values == given.end()) {
      if (!parameter.has_default) {
        return invalid_parameter("Parameter \"" + parameter.name + "\" is required by document " +
                                 document.name + ".");
      }
      continue;
    }
    // The agent would get a list where the document's author counted on text.
    if (parameter.type == ParameterType::string && values->second.size() != 1) {
      return invalid_parameter("Parameter \"" + parameter.name +
                               "\" is of type String and takes exactly one value, not " +
                               std::to_string(values->second.size()) + ".");
    }
    for (const std::string& value : values->second) {
      if (auto error = check_value(parameter, value)) {
        return std::move(*error);
      }
    }
  }
  return {};
}

//= CTL-011
//= CTL-012
protocol::SessionTask make_session_task(const Session& session, const SessionDocument& document) {
  detail::JsonWriter parameters;
  parameters.begin_object();
  for (const DocumentParameter& declared : document.parameters) {
    const auto given = session.parameters.find(declared.name);
    if (given == session.parameters.end()) {
      continue;
    }
    parameters.key(declared.name);
    if (declared.type == ParameterType::string) {
      parameters.string(given->second.front());
      continue;
    }
    parameters.begin_array();
    for (const std::string& value : given->second) {
      parameters.string(value);
    }
    parameters.end_array();
  }
  parameters.end_object();
  return {.document_name = document.name,
          .document_content = document.content,
          .session_id = session.id,
          .parameters = parameters.take(),
          .run_as_user = {},
          .session_owner = session.owner.arn};
}

}  // namespace ssm::service
