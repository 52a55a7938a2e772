#include "detail/signature_form.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "detail/text.hpp"

namespace ssm::service::detail {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t max_signed_headers = 100;
constexpr std::int64_t max_expires_s = 604800;

[[nodiscard]] AuthError incomplete(std::string message) {
  return {AuthErrc::incomplete_signature, std::move(message)};
}

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) {
      return parts;
    }
    begin = end + 1;
  }
}

/// The texts of both forms, before they are taken apart.
struct RawForm {
  std::optional<std::string> credential;
  std::optional<std::string> signed_headers;
  std::optional<std::string> signature;
  std::optional<std::string> amz_date;
};

[[nodiscard]] AuthResult<RawForm> read_header_form(const net::HttpRequest& request,
                                                   std::string_view authorization) {
  authorization = trim(authorization);
  if (!authorization.starts_with(algorithm) || authorization.size() <= algorithm.size() ||
      authorization[algorithm.size()] != ' ') {
    return incomplete("Authorization header must begin with 'AWS4-HMAC-SHA256 '.");
  }
  RawForm raw;
  for (const std::string_view part : split(authorization.substr(algorithm.size()), ',')) {
    const std::string_view item = trim(part);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) {
      return incomplete("Authorization header has an element that is not of the form key=value.");
    }
    const std::string_view key = item.substr(0, equals);
    auto* field = key == "Credential"      ? &raw.credential
                  : key == "SignedHeaders" ? &raw.signed_headers
                  : key == "Signature"     ? &raw.signature
                                           : nullptr;
    if (field == nullptr || field->has_value()) {
      return incomplete("'" + excerpt(key, 64) +
                        "' is not a key that the Authorization header may have here.");
    }
    *field = std::string(item.substr(equals + 1));
  }
  if (const auto date = request.header("x-amz-date")) {
    raw.amz_date = std::string(trim(*date));
  }
  std::string missing;
  const auto require = [&missing](bool present, std::string_view name) {
    if (!present) {
      missing.append(missing.empty() ? "" : " ")
          .append("Authorization header requires '")
          .append(name)
          .append("' parameter.");
    }
  };
  require(raw.credential.has_value(), "Credential");
  require(raw.signature.has_value(), "Signature");
  require(raw.signed_headers.has_value(), "SignedHeaders");
  if (!raw.amz_date) {
    missing.append(missing.empty() ? "" : " ")
        .append("Authorization header requires existence of an 'X-Amz-Date' header.");
  }
  if (!missing.empty()) {
    return incomplete(std::move(missing));
  }
  return raw;
}

[[nodiscard]] AuthResult<RawForm> read_query_form(std::string_view query, SignatureForm& form) {
  RawForm raw;
  std::optional<std::string> form_algorithm;
  std::optional<std::string> expires;
  for (const std::string_view pair : split(query, '&')) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string name = percent_decode(pair.substr(0, equals), true);
    auto* field = name == "X-Amz-Algorithm"        ? &form_algorithm
                  : name == "X-Amz-Credential"     ? &raw.credential
                  : name == "X-Amz-Date"           ? &raw.amz_date
                  : name == "X-Amz-Expires"        ? &expires
                  : name == "X-Amz-SignedHeaders"  ? &raw.signed_headers
                  : name == "X-Amz-Signature"      ? &raw.signature
                  : name == "X-Amz-Security-Token" ? &form.security_token
                                                   : nullptr;
    if (field == nullptr) {
      continue;
    }
    if (field->has_value()) {
      return incomplete("Query parameter '" + name + "' is given twice.");
    }
    *field = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
  }
  if (form_algorithm != algorithm || !raw.credential || !raw.amz_date || !expires ||
      !raw.signed_headers || !raw.signature) {
    return incomplete(
        "AWS query-string parameters must include X-Amz-Algorithm (AWS4-HMAC-SHA256), "
        "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-Expires and X-Amz-SignedHeaders.");
  }
  const auto [end, error] =
      std::from_chars(expires->data(), expires->data() + expires->size(), form.expires_s);
  if (error != std::errc{} || end != expires->data() + expires->size() || form.expires_s < 1 ||
      form.expires_s > max_expires_s) {
    return incomplete("X-Amz-Expires must be a number of seconds from 1 to 604800.");
  }
  return raw;
}

[[nodiscard]] AuthResult<SignatureForm> take_apart(RawForm raw, SignatureForm form) {
  const auto elements = split(*raw.credential, '/');
  if (elements.size() != 5) {
    return incomplete(
        "Credential must have exactly 5 slash-delimited elements, e.g. "
        "keyid/date/region/service/term, got '" +
        excerpt(*raw.credential, 256) + "'.");
  }
  form.access_key_id = elements[0];
  form.date = elements[1];
  form.region = elements[2];
  form.service = elements[3];
  form.terminator = elements[4];
  for (const std::string_view name : split(*raw.signed_headers, ';')) {
    form.signed_headers.emplace_back(name);
  }
  const auto not_lower = [](const std::string& name) {
    return name.empty() || to_lower(name) != name;
  };
  if (form.signed_headers.size() > max_signed_headers ||
      std::any_of(form.signed_headers.begin(), form.signed_headers.end(), not_lower)) {
    return incomplete("SignedHeaders must be a list of lower-case header names joined by ';'.");
  }
  const auto time = parse_basic_time(*raw.amz_date);
  if (!time) {
    return incomplete("Date must be in ISO-8601 'basic format'. Got '" +
                      excerpt(*raw.amz_date, 64) + "'. See http://en.wikipedia.org/wiki/ISO_8601");
  }
  form.time_ms = *time;
  form.amz_date = std::move(*raw.amz_date);
  form.signature = std::move(*raw.signature);
  return form;
}

}  // namespace

std::string SignatureForm::scope() const {
  return date + "/" + region + "/" + service + "/" + terminator;
}

AuthResult<SignatureForm> read_signature(const net::HttpRequest& request) {
  SignatureForm form;
  const auto authorization = request.header("authorization");
  if (!authorization) {
    if (!is_signed(request)) {
      return AuthError{AuthErrc::missing_authentication_token, "Missing Authentication Token"};
    }
    form.presigned = true;
    auto raw = read_query_form(request.query(), form);
    if (!raw) {
      return raw.error();
    }
    return take_apart(std::move(*raw), std::move(form));
  }
  const auto count = std::count_if(
      request.headers.begin(), request.headers.end(),
      [](const net::HttpHeader& h) { return equals_ignoring_case(h.name, "authorization"); });
  if (count > 1) {
    return incomplete("There must be exactly one Authorization header.");
  }
  if (const auto token = request.header("x-amz-security-token")) {
    form.security_token = std::string(trim(*token));
  }
  auto raw = read_header_form(request, *authorization);
  if (!raw) {
    return raw.error();
  }
  return take_apart(std::move(*raw), std::move(form));
}

}  // namespace ssm::service::detail
