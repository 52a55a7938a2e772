#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "ssm/config/problem.hpp"

namespace google::protobuf {
class Message;
}

namespace ssm::config {

/// What a document may cost. Anchors, aliases and tags are refused, so that a small file cannot
/// stand for a large one.
inline constexpr std::size_t max_document_bytes = std::size_t{1} << 20U;
inline constexpr std::size_t max_document_depth = 32;
inline constexpr std::size_t max_document_nodes = 100'000;

/// Where each field that was present stands, by path (`rules[2].match.nth`), for checks that the
/// schema cannot express.
using Positions = std::map<std::string, Position, std::less<>>;

/// Reads one YAML or JSON document into `into`, whose type is the schema: fields by name,
/// enumerators in lower case without their prefix, google.protobuf.Duration as `250ms` or `2s`
/// (units ns, us, ms, s, m, h), limits and required fields from ssm/schema/v1/limits.proto. An
/// unknown field, a wrong type, a missing field and a value out of range are each a problem.
/// `file` is for the problems only. On failure `into` is unspecified: use a fresh one.
[[nodiscard]] Loaded<Positions> load_document(std::string_view text, std::string_view file,
                                              google::protobuf::Message& into);

/// The text of a regular file of at most `max_document_bytes`.
[[nodiscard]] Loaded<std::string> read_file(const std::string& path);

}  // namespace ssm::config
