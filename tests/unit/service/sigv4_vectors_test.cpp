// Requests signed by botocore (tools/make_sigv4_vectors.py) and by the official programs.

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "service_fixture.hpp"
#include "ssm/service/sigv4.hpp"

namespace ssm::service {
namespace {

using test::text;

[[nodiscard]] boost::json::object load(const std::string& name) {
  std::ifstream file(std::string(SSM_SOURCE_DIR) + "/tests/unit/service/" + name);
  const std::string content((std::istreambuf_iterator<char>(file)), {});
  EXPECT_FALSE(content.empty()) << name;
  return test::parse(content);
}

struct Vector {
  std::string name;
  std::string service;
  std::string region;
  std::int64_t time_ms = 0;
  bool presigned = false;
  CredentialStore credentials;
  net::HttpRequest request;
};

[[nodiscard]] std::vector<Vector> botocore_vectors() {
  const boost::json::object file = load("sigv4_vectors.json");
  std::vector<Vector> vectors;
  for (const auto& item : file.at("vectors").as_array()) {
    const auto& object = item.as_object();
    Vector& vector = vectors.emplace_back();
    vector.name = text(object, "name");
    vector.service = text(object, "service");
    vector.region = text(object, "region");
    vector.time_ms = file.at("unix_ms").as_int64();
    vector.presigned = object.at("presigned").as_bool();
    Credentials credentials =
        test::credentials(text(file, "access_key_id"), text(file, "secret_access_key"), "suite");
    if (object.at("session_token").is_string()) {
      credentials.session_token = Secret(text(object, "session_token"));
    }
    vector.credentials.add(std::move(credentials));
    vector.request.method = text(object, "method");
    vector.request.target = text(object, "target");
    vector.request.body = text(object, "body");
    for (const auto& header : object.at("headers").as_array()) {
      const auto& pair = header.as_array();
      vector.request.headers.push_back(
          {std::string(pair[0].as_string().c_str()), std::string(pair[1].as_string().c_str())});
    }
  }
  return vectors;
}

[[nodiscard]] net::HttpRequest parse_raw(const std::string& raw) {
  net::HttpRequest request;
  const std::size_t head_end = std::min(raw.find("\n\n"), raw.size());
  std::istringstream lines(raw.substr(0, head_end));
  std::string version;
  lines >> request.method >> request.target >> version;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const std::size_t colon = line.find(": ");
    request.headers.push_back({line.substr(0, colon), line.substr(colon + 2)});
  }
  if (head_end < raw.size()) {
    request.body = raw.substr(head_end + 2);
  }
  return request;
}

/// Milliseconds of X-Amz-Date in the captures: all of 2026-11-22.
[[nodiscard]] std::int64_t capture_time(const net::HttpRequest& request) {
  const std::string date(*request.header("x-amz-date"));
  EXPECT_EQ(date.substr(0, 9), "20261122T");
  const std::int64_t midnight = test::start_ms - std::int64_t{8} * 3600 * 1000;
  return midnight + (std::stoll(date.substr(9, 2)) * 3600 + std::stoll(date.substr(11, 2)) * 60 +
                     std::stoll(date.substr(13, 2))) *
                        1000;
}

//= AUTH-006
//= AUTH-007
TEST(SigV4Vectors, every_request_signed_by_botocore_verifies) {
  const auto vectors = botocore_vectors();
  ASSERT_GE(vectors.size(), 40U);
  for (const Vector& vector : vectors) {
    const auto identity = verify_request(
        vector.request, vector.credentials,
        {.now_ms = vector.time_ms, .region = vector.region, .service = vector.service});
    ASSERT_TRUE(identity) << vector.name << "\n" << identity.error().message;
    EXPECT_EQ(identity->principal.user_name, "suite");
    EXPECT_EQ(identity->service, vector.service);
  }
}

//= AUTH-002
TEST(SigV4Vectors, none_verifies_after_any_signed_part_changed) {
  for (const Vector& vector : botocore_vectors()) {
    const VerifyOptions options{
        .now_ms = vector.time_ms, .region = vector.region, .service = vector.service};
    const auto refused = [&](const net::HttpRequest& request) {
      const auto identity = verify_request(request, vector.credentials, options);
      return !identity && identity.error().errc == AuthErrc::invalid_signature;
    };
    net::HttpRequest method = vector.request;
    method.method = "DELETE";
    EXPECT_TRUE(refused(method)) << vector.name;

    net::HttpRequest path = vector.request;
    path.target.insert(1, "x/");
    EXPECT_TRUE(refused(path)) << vector.name;

    net::HttpRequest query = vector.request;
    query.target += query.query().empty() ? "?added=1" : "&added=1";
    EXPECT_TRUE(refused(query)) << vector.name;

    if (!vector.presigned || vector.service != "s3") {
      net::HttpRequest body = vector.request;
      body.body += " ";
      EXPECT_TRUE(refused(body)) << vector.name;
    }
    net::HttpRequest host = vector.request;
    for (auto& header : host.headers) {
      header.value += header.name == "Host" ? ".example" : "";
    }
    EXPECT_TRUE(refused(host)) << vector.name;
  }
}

//= AUTH-002
TEST(SigV4Vectors, none_verifies_with_another_secret) {
  for (const Vector& vector : botocore_vectors()) {
    CredentialStore other;
    Credentials credentials = *vector.credentials.find("AKIDEXAMPLE");
    credentials.secret_access_key = Secret("wrong");
    other.add(credentials);
    const auto identity = verify_request(
        vector.request, other, {.now_ms = vector.time_ms, .region = vector.region, .service = {}});
    ASSERT_FALSE(identity) << vector.name;
    EXPECT_EQ(identity.error().errc, AuthErrc::invalid_signature) << vector.name;
  }
}

TEST(SigV4Vectors, our_signer_agrees_with_botocore_where_both_sign_the_same_headers) {
  std::size_t compared = 0;
  for (const Vector& vector : botocore_vectors()) {
    // Ours does not sign other headers, as the service need not see them unchanged.
    bool comparable = !vector.presigned;
    for (const auto& header : vector.request.headers) {
      comparable = comparable && !header.name.starts_with("My-");
    }
    if (!comparable) {
      continue;
    }
    net::HttpRequest ours = vector.request;
    sign_request(ours, *vector.credentials.find("AKIDEXAMPLE"),
                 {vector.region, vector.service, vector.time_ms});
    EXPECT_EQ(ours.header("authorization"), vector.request.header("authorization")) << vector.name;
    ++compared;
  }
  EXPECT_GE(compared, 30U);
}

//= AUTH-001
//= AUTH-004
TEST(SigV4Vectors, requests_of_the_official_programs_verify) {
  const boost::json::object file = load("captured_requests.json");
  CredentialStore credentials;
  for (const auto& item : file.at("credentials").as_array()) {
    const auto& object = item.as_object();
    Credentials entry =
        test::credentials(text(object, "access_key_id"), text(object, "secret_access_key"), "lab");
    if (object.contains("session_token")) {
      entry.session_token = Secret(text(object, "session_token"));
    }
    credentials.add(std::move(entry));
  }
  ASSERT_EQ(file.at("requests").as_array().size(), 13U);
  for (const auto& item : file.at("requests").as_array()) {
    const net::HttpRequest request = parse_raw(text(item.as_object(), "text"));
    const auto identity =
        verify_request(request, credentials,
                       {.now_ms = capture_time(request), .region = "us-east-1", .service = {}});
    EXPECT_TRUE(identity) << text(item.as_object(), "name") << "\n" << identity.error().message;
  }
}

}  // namespace
}  // namespace ssm::service
