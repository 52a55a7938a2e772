#include "detail/canonical_request.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "detail/crypto.hpp"
#include "detail/text.hpp"
#include "ssm/protocol/bytes.hpp"

namespace ssm::service::detail {
namespace {

/// As botocore/auth.py and remove_dot_segments in botocore/utils.py do it.
[[nodiscard]] std::string normalise(std::string_view path) {
  std::vector<std::string_view> segments;
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment == "..") {
      if (!segments.empty()) {
        segments.pop_back();
      }
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    begin = end + 1;
  }
  std::string normal;
  for (const std::string_view segment : segments) {
    normal.append("/").append(segment);
  }
  if (normal.empty() || path.ends_with('/')) {
    normal += '/';
  }
  return normal;
}

}  // namespace

std::string canonical_path(std::string_view path, PathForm form) {
  if (path.empty()) {
    path = "/";
  }
  switch (form) {
    case PathForm::raw:
      return std::string(path);
    case PathForm::encoded:
      return percent_encode(path, true);
    case PathForm::normalised:
      return percent_encode(normalise(path), true);
  }
  return {};
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  std::size_t begin = 0;
  while (begin < query.size()) {
    const std::size_t end = std::min(query.find('&', begin), query.size());
    const std::string_view pair = query.substr(begin, end - begin);
    begin = end + 1;
    if (pair.empty()) {
      continue;
    }
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    std::string name = percent_encode(percent_decode(pair.substr(0, equals), true), false);
    if (name != "X-Amz-Signature") {
      parameters.emplace_back(std::move(name), percent_encode(percent_decode(value, true), false));
    }
  }
  std::sort(parameters.begin(), parameters.end());
  std::string canonical;
  for (const auto& [name, value] : parameters) {
    canonical.append(canonical.empty() ? "" : "&").append(name).append("=").append(value);
  }
  return canonical;
}

std::string canonical_header(const net::HttpRequest& request, std::string_view name) {
  std::string joined;
  bool first = true;
  for (const net::HttpHeader& header : request.headers) {
    if (!equals_ignoring_case(header.name, name)) {
      continue;
    }
    if (!std::exchange(first, false)) {
      joined += ',';
    }
    bool in_space = false;
    for (const char c : trim(header.value)) {
      const bool space = c == ' ';
      if (!space || !in_space) {
        joined += c;
      }
      in_space = space;
    }
  }
  return joined;
}

std::string canonical_request(const net::HttpRequest& request, const CanonicalParts& parts) {
  std::string text = request.method;
  text += '\n';
  text += canonical_path(request.path(), parts.path_form);
  text += '\n';
  text += canonical_query(request.query());
  text += '\n';
  std::string names;
  for (const std::string& name : parts.signed_headers) {
    text.append(name).append(":").append(canonical_header(request, name)).append("\n");
    names.append(names.empty() ? "" : ";").append(name);
  }
  text.append("\n").append(names).append("\n").append(parts.payload_hash);
  return text;
}

std::string string_to_sign(std::string_view amz_date, std::string_view scope,
                           std::string_view canonical) {
  std::string text = "AWS4-HMAC-SHA256\n";
  text.append(amz_date).append("\n").append(scope).append("\n").append(sha256_hex(canonical));
  return text;
}

std::string signature(std::string_view secret, const SigningKeyScope& scope,
                      std::string_view text) {
  std::string first_key = "AWS4";
  first_key += secret;
  const Mac date_key = hmac_sha256(protocol::as_bytes(first_key), scope.date);
  OPENSSL_cleanse(first_key.data(), first_key.size());
  const Mac region_key = hmac_sha256(date_key, scope.region);
  const Mac service_key = hmac_sha256(region_key, scope.service);
  const Mac signing_key = hmac_sha256(service_key, "aws4_request");
  return to_hex(hmac_sha256(signing_key, text));
}

}  // namespace ssm::service::detail
