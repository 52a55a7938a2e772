#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/protocol/task.hpp"
#include "ssm/service/aws_error.hpp"
#include "ssm/service/session_store.hpp"

namespace ssm::service {

enum class ParameterType { string, string_list };

/// A parameter that a document declares.
struct DocumentParameter {
  std::string name;
  ParameterType type = ParameterType::string;
  /// If not, the caller must give a value. The agent fills the default in.
  bool has_default = false;
  /// Empty: any.
  std::vector<std::string> allowed_values;
  /// The document's `allowedPattern`, for messages, and whether a value contains a match of it, as
  /// amazon-ssm-agent looks at it (agent/parameterstore/parameterstore.go); an empty function
  /// matches everything.
  std::string pattern_text;
  std::function<bool(std::string_view)> matches_pattern;
};

struct SessionDocument {
  std::string name;
  /// `Session` or `Command`; only the first can start sessions.
  std::string document_type = "Session";
  /// `Standard_Stream`, `Port`, `InteractiveCommands`, `NonInteractiveCommands`.
  std::string session_type = "Standard_Stream";
  /// The document as the agent gets it: one JSON object, parameters not resolved.
  std::string content;
  std::vector<DocumentParameter> parameters;
  /// Minutes as text, "1" to "1440", as DescribeSessions shows it; empty: unlimited.
  std::string max_session_duration;
};

/// Name of the document of a StartSession that names none.
inline constexpr std::string_view default_document_name = "SSM-SessionManagerRunShell";

/// The documents of the service. Starts with aws_documents(). Not thread-safe.
class DocumentStore {
 public:
  DocumentStore();

  /// Replaces one of the same name.
  void add(SessionDocument document);
  /// By name or by ARN (`arn:aws:ssm:us-east-1::document/<name>`); nullptr if unknown.
  [[nodiscard]] const SessionDocument* find(std::string_view name_or_arn) const;

  /// The document for a session. Errors: InvalidDocument (unknown, or not a Session document).
  [[nodiscard]] AwsResult<const SessionDocument*> find_for_session(
      std::string_view name_or_arn) const;

 private:
  std::map<std::string, SessionDocument, std::less<>> by_name_;
};

/// Whether a session can be started with these values. Error: InvalidParameters, naming the
/// parameter that is not declared, missing without a default, or has a value that the document does
/// not allow.
[[nodiscard]] AwsResult<> check_parameters(const SessionDocument& document,
                                           const SessionParameters& given);

/// What the session's agent is told. `document` is the one that the session was started with; its
/// parameters stay unresolved, because agents substitute them (CTL-012).
[[nodiscard]] protocol::SessionTask make_session_task(const Session& session,
                                                      const SessionDocument& document);

}  // namespace ssm::service
