#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "ssm/net/http.hpp"
#include "ssm/service/credentials.hpp"

/// AWS Signature Version 4, both directions. Pure: the time is an argument. The method is the one
/// that verifies the requests of aws-cli, session-manager-plugin and amazon-ssm-agent
/// (amazon-ssm-agent extra/aws-sdk-go/aws/signer/v4/v4.go; botocore botocore/auth.py).
namespace ssm::service {

enum class AuthErrc {
  /// No Authorization header and no X-Amz-Signature parameter.
  missing_authentication_token,
  /// A part of the signature is absent or cannot be read.
  incomplete_signature,
  /// Unknown access key, or a session token that does not belong to it.
  unrecognized_client,
  /// Signature differs, clock skew, or scope of another date, region or service.
  invalid_signature,
  /// Temporary credentials or a presigned URL past their end.
  expired_token,
};

/// The `__type` of the AWS error: `InvalidSignatureException` and so on.
[[nodiscard]] std::string_view aws_code(AuthErrc errc);

struct AuthError {
  AuthErrc errc = AuthErrc::missing_authentication_token;
  /// AWS's text for people. Never contains a secret or a session token.
  std::string message;
};

template <class T>
using AuthResult = boost::system::result<T, AuthError>;

/// What a verified signature says.
struct Identity {
  std::string access_key_id;
  Principal principal;
  std::string region;
  std::string service;
};

struct VerifyOptions {
  std::int64_t now_ms = 0;  ///< milliseconds since the Unix epoch
  /// Scope that the credential must name; empty accepts any.
  std::string_view region;
  std::string_view service;
  std::chrono::minutes max_skew{15};
};

/// Verifies the Authorization header or, without one, the presigned query form. Never throws and
/// never changes state; every comparison with a secret takes constant time.
///
/// A path is accepted signed as received and, except for s3, signed in its normalised form
/// (dot segments and doubled slashes removed): botocore normalises, the Go SDK does not.
/// Of the headers only `host` must be signed.
[[nodiscard]] AuthResult<Identity> verify_request(const net::HttpRequest& request,
                                                  const CredentialStore& credentials,
                                                  const VerifyOptions& options);

/// True if the request carries a signature of either form, valid or not.
[[nodiscard]] bool is_signed(const net::HttpRequest& request);

struct SigningOptions {
  std::string region;
  std::string service;
  std::int64_t now_ms = 0;  ///< milliseconds since the Unix epoch
};

/// Adds X-Amz-Date, X-Amz-Security-Token for temporary credentials, and Authorization; earlier
/// ones are replaced. Signs host, content-type and every x-amz- header; `Host` must be present, as
/// it will be sent. For s3 also adds X-Amz-Content-Sha256.
void sign_request(net::HttpRequest& request, const Credentials& credentials,
                  const SigningOptions& options);

}  // namespace ssm::service
