#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "ssm/service/aws_error.hpp"
#include "ssm/service/documents.hpp"

namespace ssm::service {

/// Largest content of a document (quota of AWS Systems Manager).
inline constexpr std::size_t max_document_bytes = std::size_t{64} * 1024;

/// A session document, schema 1.0, from its JSON text. Besides the members that the service reads
/// itself it checks the types of those that an agent reads, because an agent drops a task with a
/// member of the wrong type without a word (amazon-ssm-agent
/// agent/messageservice/interactor/mgsinteractor/mgsinteractor.go). `content` of the result is the
/// text without spaces, with the one change of CTL-013.
///
/// Patterns are RE2's syntax, which takes time linear in the value whatever the pattern; look-ahead
/// and back references do not exist in it and are refused.
///
/// Errors: InvalidDocumentContent, which names the member, what was expected and what was seen;
/// InvalidDocumentSchemaVersion; MaxDocumentSizeExceeded.
[[nodiscard]] AwsResult<SessionDocument> parse_session_document(std::string_view name,
                                                                std::string_view json);

struct DocumentText {
  std::string_view name;
  std::string_view json;
};

/// The documents of every account, by name: the shell's preferences and the AWS-managed ones.
[[nodiscard]] std::span<const DocumentText> aws_documents();

}  // namespace ssm::service
