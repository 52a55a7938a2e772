#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ssm/net/http.hpp"

namespace ssm::service::detail {

/// How the path was encoded before signing.
enum class PathForm {
  raw,        ///< as received: s3
  encoded,    ///< received bytes percent-encoded once more
  normalised  ///< dot segments and empty segments removed, then encoded once more
};

struct CanonicalParts {
  PathForm path_form = PathForm::encoded;
  /// Lower-case names in the order of the signature.
  const std::vector<std::string>& signed_headers;
  std::string_view payload_hash;
};

/// METHOD, URI, query, headers, signed header names and payload hash, joined by line feeds.
[[nodiscard]] std::string canonical_request(const net::HttpRequest& request,
                                            const CanonicalParts& parts);

/// Values of every header of that name, each trimmed with runs of spaces collapsed, comma-joined.
[[nodiscard]] std::string canonical_header(const net::HttpRequest& request, std::string_view name);

[[nodiscard]] std::string canonical_query(std::string_view query);
[[nodiscard]] std::string canonical_path(std::string_view path, PathForm form);

/// AWS4-HMAC-SHA256, time, scope and the hash of the canonical request, joined by line feeds.
[[nodiscard]] std::string string_to_sign(std::string_view amz_date, std::string_view scope,
                                         std::string_view canonical);

struct SigningKeyScope {
  std::string_view date;
  std::string_view region;
  std::string_view service;
};

/// Lower-case hex.
[[nodiscard]] std::string signature(std::string_view secret, const SigningKeyScope& scope,
                                    std::string_view text);

}  // namespace ssm::service::detail
