#pragma once

#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ssm/net/http.hpp"
#include "ssm/service/mgs_api.hpp"
#include "ssm/service/router.hpp"
#include "ssm/service/service_state.hpp"
#include "ssm/service/session_events.hpp"
#include "ssm/service/sigv4.hpp"
#include "ssm/service/ssm_api.hpp"

namespace ssm::service::test {

/// 2026-11-22T08:00:00Z.
inline constexpr std::int64_t start_ms = 1795334400000;

/// Different, repeatable bytes on every call. Not random at all.
[[nodiscard]] inline SecureRandom counting_random() {
  return [state = std::make_shared<std::uint32_t>(1)](std::span<std::byte> out) {
    for (std::byte& byte : out) {
      *state = *state * 1664525U + 1013904223U;
      byte = static_cast<std::byte>(*state >> 24U);
    }
  };
}

struct RecordingEvents : SessionEvents {
  void session_started(const Session& session, std::int64_t) override { add("started", session); }
  void session_resumed(const Session& session, std::int64_t) override { add("resumed", session); }
  void session_terminated(const Session& session, std::int64_t) override {
    add("terminated", session);
  }
  void add(std::string_view what, const Session& session) {
    log.push_back(std::string(what) + " " + session.id + " " +
                  std::string(to_text(session.status)));
  }
  std::vector<std::string> log;
};

[[nodiscard]] inline Credentials credentials(std::string_view key, std::string_view secret,
                                             std::string_view user) {
  Credentials result;
  result.access_key_id = key;
  result.secret_access_key = Secret(std::string(secret));
  result.principal = iam_user(user);
  return result;
}

[[nodiscard]] inline boost::json::object parse(const std::string& body) {
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(body, error);
  EXPECT_FALSE(error) << body;
  return value.is_object() ? value.get_object() : boost::json::object();
}

[[nodiscard]] inline std::string text(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string()
             ? std::string(value->get_string().data(), value->get_string().size())
             : "(no " + std::string(key) + ")";
}

/// A service with the default instances and users `test` and `alice`, driven through its router.
class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest() : ServiceTest(ServiceOptions{}) {}
  explicit ServiceTest(ServiceOptions options) : state(std::move(options), counting_random()) {
    add_defaults(state, start_ms);
    state.credentials.add(credentials("AKIAALICE", "alice-secret", "alice"));
  }

  [[nodiscard]] net::HttpRequest unsigned_request(std::string_view operation,
                                                  std::string_view body) const {
    net::HttpRequest request;
    request.method = "POST";
    request.headers = {{"Host", "127.0.0.1:4580"},
                       {"X-Amz-Target", "AmazonSSM." + std::string(operation)},
                       {"Content-Type", "application/x-amz-json-1.1"}};
    request.body = body;
    return request;
  }

  [[nodiscard]] net::HttpRequest signed_request(std::string_view operation, std::string_view body,
                                                std::string_view access_key = "test") const {
    net::HttpRequest request = unsigned_request(operation, body);
    sign_request(request, *state.credentials.find(access_key), {"us-east-1", "ssm", now_ms});
    return request;
  }

  net::HttpResponse call(std::string_view operation, std::string_view body,
                         std::string_view access_key = "test") {
    return router.handle(signed_request(operation, body, access_key), now_ms);
  }

  /// The exact body and status of an error.
  void expect_error(const net::HttpResponse& response, unsigned status, std::string_view body) {
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body, body);
    EXPECT_EQ(response.header("content-type"), "application/x-amz-json-1.1");
    EXPECT_EQ(response.header("x-amzn-requestid").value_or("").size(), 36U);
  }

  /// Id of a session that StartSession returned.
  std::string start(std::string_view body = R"({"Target":"i-123456789"})",
                    std::string_view access_key = "test") {
    const net::HttpResponse response = call("StartSession", body, access_key);
    EXPECT_EQ(response.status, 200U) << response.body;
    last_start = parse(response.body);
    return text(last_start, "SessionId");
  }

  std::int64_t now_ms = start_ms;
  ServiceState state;
  RecordingEvents events;
  SsmApi ssm{state, events};
  MgsApi mgs{state};
  Router router{state, ssm, mgs, {.allowed_hosts = {"simulator.test"}}};
  boost::json::object last_start;
};

}  // namespace ssm::service::test
