#include "ssm/service/sigv4.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "detail/canonical_request.hpp"
#include "detail/crypto.hpp"
#include "detail/signature_form.hpp"
#include "detail/text.hpp"

namespace ssm::service {
namespace {

using detail::PathForm;
using detail::SignatureForm;

constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

[[nodiscard]] AuthError invalid(std::string message) {
  return {AuthErrc::invalid_signature, std::move(message)};
}

/// The session token must be exactly that of temporary credentials, and absent otherwise.
//= AUTH-005
[[nodiscard]] std::optional<AuthError> check_credentials(const SignatureForm& form,
                                                         const Credentials* credentials,
                                                         std::int64_t now_ms) {
  const bool token_fits =
      credentials != nullptr &&
      form.security_token.has_value() == credentials->session_token.has_value() &&
      (!form.security_token || credentials->session_token->equals(*form.security_token));
  if (!token_fits) {
    return AuthError{AuthErrc::unrecognized_client,
                     "The security token included in the request is invalid."};
  }
  if (credentials->expires_ms && now_ms >= *credentials->expires_ms) {
    return AuthError{AuthErrc::expired_token,
                     "The security token included in the request is expired"};
  }
  return std::nullopt;
}

//= AUTH-003
[[nodiscard]] std::optional<AuthError> check_scope(const SignatureForm& form,
                                                   const VerifyOptions& options) {
  if (form.terminator != "aws4_request") {
    return invalid("Credential should be scoped with a valid terminator: 'aws4_request', not '" +
                   detail::excerpt(form.terminator, 64) + "'.");
  }
  if (!options.region.empty() && form.region != options.region) {
    return invalid("Credential should be scoped to a valid region, not '" +
                   detail::excerpt(form.region, 64) + "'. This service is in '" +
                   std::string(options.region) + "'.");
  }
  if (!options.service.empty() && form.service != options.service) {
    return invalid("Credential should be scoped to correct service: '" +
                   std::string(options.service) + "'.");
  }
  if (form.date != std::string_view(form.amz_date).substr(0, 8)) {
    return invalid(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
        "HTTP: '" +
        detail::excerpt(form.date, 64) + "' != '" + form.amz_date.substr(0, 8) + "', from '" +
        form.amz_date + "'.");
  }
  return std::nullopt;
}

//= AUTH-003
[[nodiscard]] std::optional<AuthError> check_time(const SignatureForm& form,
                                                  const VerifyOptions& options) {
  const std::int64_t skew_ms = std::chrono::milliseconds(options.max_skew).count();
  const std::string now = detail::format_basic_time(options.now_ms);
  const std::string minutes = std::to_string(options.max_skew.count());
  // An X-Amz-Date has whole seconds, so a date of the same second may lie before now.
  if (form.time_ms > options.now_ms + skew_ms) {
    return invalid("Signature not yet current: " + form.amz_date + " is still later than " +
                   detail::format_basic_time(options.now_ms + skew_ms) + " (" + now + " + " +
                   minutes + " min.)");
  }
  if (form.presigned) {
    if (options.now_ms >= form.time_ms + form.expires_s * 1000) {
      return AuthError{AuthErrc::expired_token, "Request has expired: signed at " + form.amz_date +
                                                    " for " + std::to_string(form.expires_s) +
                                                    " seconds; now is " + now + "."};
    }
    return std::nullopt;
  }
  if (form.time_ms / 1000 < (options.now_ms - skew_ms) / 1000) {
    return invalid("Signature expired: " + form.amz_date + " is now earlier than " +
                   detail::format_basic_time(options.now_ms - skew_ms) + " (" + now + " - " +
                   minutes + " min.)");
  }
  return std::nullopt;
}

/// What the signer put in the last line of its canonical request.
[[nodiscard]] AuthResult<std::string> payload_hash(const net::HttpRequest& request,
                                                   const SignatureForm& form) {
  const bool s3 = form.service == "s3";
  const auto declared = request.header("x-amz-content-sha256");
  if (!declared) {
    return s3 && form.presigned ? std::string(unsigned_payload) : detail::sha256_hex(request.body);
  }
  const std::string_view value = detail::trim(*declared);
  if (s3 && (value == unsigned_payload || value.starts_with("STREAMING-"))) {
    return std::string(value);
  }
  std::string actual = detail::sha256_hex(request.body);
  if (value != actual) {
    return invalid("The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  return actual;
}

/// AWS shows the caller both texts, and nothing helps more to find a signer's mistake.
[[nodiscard]] AuthError mismatch(const SignatureForm& form, std::string canonical,
                                 std::string to_sign) {
  if (form.security_token && !form.security_token->empty()) {
    for (const std::string& token :
         {*form.security_token, detail::percent_encode(*form.security_token, false)}) {
      for (std::size_t at = 0; (at = canonical.find(token, at)) != std::string::npos;) {
        canonical.replace(at, token.size(), "***");
        at += 3;
      }
    }
  }
  return invalid(
      "The request signature we calculated does not match the signature you provided. Check your "
      "AWS Secret Access Key and signing method. Consult the service documentation for details."
      "\n\nThe Canonical String for this request should have been\n'" +
      std::move(canonical) + "'\n\nThe String-to-Sign should have been\n'" + std::move(to_sign) +
      "'\n");
}

[[nodiscard]] std::optional<AuthError> check_signature(const net::HttpRequest& request,
                                                       const SignatureForm& form,
                                                       const Credentials& credentials) {
  if (std::find(form.signed_headers.begin(), form.signed_headers.end(), "host") ==
      form.signed_headers.end()) {
    return invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.");
  }
  const auto hash = payload_hash(request, form);
  if (!hash) {
    return hash.error();
  }
  std::optional<AuthError> first_mismatch;
  const auto matches = [&](PathForm path_form) {
    std::string canonical =
        detail::canonical_request(request, {path_form, form.signed_headers, *hash});
    std::string to_sign = detail::string_to_sign(form.amz_date, form.scope(), canonical);
    const std::string expected = detail::signature(credentials.secret_access_key.reveal(),
                                                   {form.date, form.region, form.service}, to_sign);
    if (constant_time_equal(expected, form.signature)) {
      return true;
    }
    if (!first_mismatch) {
      first_mismatch = mismatch(form, std::move(canonical), std::move(to_sign));
    }
    return false;
  };
  if (form.service == "s3" ? matches(PathForm::raw)
                           : matches(PathForm::encoded) || matches(PathForm::normalised)) {
    return std::nullopt;
  }
  return first_mismatch;
}

void remove_header(net::HttpRequest& request, std::string_view name) {
  std::erase_if(request.headers, [name](const net::HttpHeader& header) {
    return detail::equals_ignoring_case(header.name, name);
  });
}

}  // namespace

std::string_view aws_code(AuthErrc errc) {
  switch (errc) {
    case AuthErrc::missing_authentication_token:
      return "MissingAuthenticationTokenException";
    case AuthErrc::incomplete_signature:
      return "IncompleteSignatureException";
    case AuthErrc::unrecognized_client:
      return "UnrecognizedClientException";
    case AuthErrc::invalid_signature:
      return "InvalidSignatureException";
    case AuthErrc::expired_token:
      return "ExpiredTokenException";
  }
  return {};
}

bool is_signed(const net::HttpRequest& request) {
  return request.header("authorization").has_value() ||
         request.query().find("X-Amz-Signature=") != std::string_view::npos;
}

//= AUTH-001
//= AUTH-002
AuthResult<Identity> verify_request(const net::HttpRequest& request,
                                    const CredentialStore& credentials,
                                    const VerifyOptions& options) {
  const auto form = detail::read_signature(request);
  if (!form) {
    return form.error();
  }
  const Credentials* known = credentials.find(form->access_key_id);
  if (auto error = check_credentials(*form, known, options.now_ms)) {
    return std::move(*error);
  }
  if (auto error = check_scope(*form, options)) {
    return std::move(*error);
  }
  if (auto error = check_time(*form, options)) {
    return std::move(*error);
  }
  if (auto error = check_signature(request, *form, *known)) {
    return std::move(*error);
  }
  return Identity{form->access_key_id, known->principal, form->region, form->service};
}

void sign_request(net::HttpRequest& request, const Credentials& credentials,
                  const SigningOptions& options) {
  for (const std::string_view name :
       {"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"}) {
    remove_header(request, name);
  }
  const std::string amz_date = detail::format_basic_time(options.now_ms);
  const std::string date = amz_date.substr(0, 8);
  const std::string hash = detail::sha256_hex(request.body);
  request.headers.push_back({"X-Amz-Date", amz_date});
  if (credentials.session_token) {
    request.headers.push_back({"X-Amz-Security-Token", credentials.session_token->reveal()});
  }
  const bool s3 = options.service == "s3";
  if (s3) {
    request.headers.push_back({"X-Amz-Content-Sha256", hash});
  }

  std::vector<std::string> names;
  for (const net::HttpHeader& header : request.headers) {
    const std::string name = detail::to_lower(header.name);
    if (name == "host" || name == "content-type" || name.starts_with("x-amz-")) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());

  const std::string scope = date + "/" + options.region + "/" + options.service + "/aws4_request";
  const std::string canonical =
      detail::canonical_request(request, {s3 ? PathForm::raw : PathForm::normalised, names, hash});
  const std::string signature = detail::signature(
      credentials.secret_access_key.reveal(), {date, options.region, options.service},
      detail::string_to_sign(amz_date, scope, canonical));
  std::string joined;
  for (const std::string& name : names) {
    joined.append(joined.empty() ? "" : ";").append(name);
  }
  request.headers.push_back(
      {"Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key_id + "/" + scope +
                            ", SignedHeaders=" + joined + ", Signature=" + signature});
}

}  // namespace ssm::service
