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
  /// Absent: the caller must give a value.
  std::optional<std::string> default_value;
  /// Empty: any.
  std::vector<std::string> allowed_values;
  /// The document's `allowedPattern`, for messages, and whether a value matches it; an empty
  /// function matches everything.
  std::string pattern_text;
  std::function<bool(std::string_view)> matches_pattern;
};

struct SessionDocument {
  std::string name;
  /// `Session` or `Command`; only the first can start sessions.
  std::string document_type = "Session";
  /// `Standard_Stream`, `Port`, `InteractiveCommands`, `NonInteractiveCommands`.
  std::string session_type = "Standard_Stream";
  /// The document as the agent gets it: one JSON object.
  std::string content;
  std::vector<DocumentParameter> parameters;
  /// Minutes as text, "1" to "1440", as DescribeSessions shows it; empty: unlimited.
  std::string max_session_duration;
};

/// Name of the document of a StartSession that names none.
inline constexpr std::string_view default_document_name = "SSM-SessionManagerRunShell";

/// The documents of the service. Starts with SSM-SessionManagerRunShell. Not thread-safe.
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

/// The caller's values with the document's defaults filled in. Error: InvalidParameters, naming the
/// parameter that is not declared, missing, or has a value the document does not allow.
[[nodiscard]] AwsResult<SessionParameters> resolve_parameters(const SessionDocument& document,
                                                              SessionParameters given);

/// What the session's agent is told. `document` is the one that the session was started with; its
/// parameters stay unresolved, because agents substitute them (CTL-012).
[[nodiscard]] protocol::SessionTask make_session_task(const Session& session,
                                                      const SessionDocument& document);

}  // namespace ssm::service
