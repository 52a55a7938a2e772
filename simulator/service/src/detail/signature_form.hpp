#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ssm/net/http.hpp"
#include "ssm/service/sigv4.hpp"

namespace ssm::service::detail {

/// What a signed request claims, read from its Authorization header or from its query.
struct SignatureForm {
  bool presigned = false;
  std::string access_key_id;
  std::string date;  ///< of the scope: yyyymmdd
  std::string region;
  std::string service;
  std::string terminator;
  std::vector<std::string> signed_headers;
  std::string signature;
  std::string amz_date;
  std::int64_t time_ms = 0;  ///< amz_date, milliseconds since the Unix epoch
  std::optional<std::string> security_token;
  std::int64_t expires_s = 0;  ///< presigned only

  [[nodiscard]] std::string scope() const;
};

/// Errors: missing_authentication_token, incomplete_signature.
[[nodiscard]] AuthResult<SignatureForm> read_signature(const net::HttpRequest& request);

}  // namespace ssm::service::detail
