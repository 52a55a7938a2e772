#include "ssm/service/mgs_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "service_fixture.hpp"

namespace ssm::service {
namespace {

using test::ServiceTest;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr std::string_view good_body =
    R"({"MessageSchemaVersion":"1.0","RequestId":"ce0c6d05-3db6-4397-b17e-2a27e5457793",)"
    R"("ClientId":""})";

class CreateDataChannel : public ServiceTest {
 protected:
  [[nodiscard]] net::HttpRequest agent_request(std::string_view path,
                                               std::string_view body = good_body,
                                               std::string_view method = "POST") const {
    net::HttpRequest request;
    request.method = method;
    request.target = path;
    request.headers = {{"Host", "127.0.0.1:4580"}, {"Content-Type", "application/json"}};
    request.body = body;
    sign_request(request, *state.credentials.find("test"), {"us-east-1", "ssmmessages", now_ms});
    return request;
  }
  net::HttpResponse post(std::string_view path, std::string_view body = good_body) {
    return router.handle(agent_request(path, body), now_ms);
  }
  /// 400 in the gateway's form; the number is part of the request id.
  static void expect_bad_request(const net::HttpResponse& response, const std::string& message) {
    EXPECT_EQ(response.status, 400U);
    EXPECT_EQ(response.header("content-type"), "text/xml");
    const std::string id(response.header("x-amzn-requestid").value_or("").substr(0, 8));
    EXPECT_EQ(response.body, R"(<BadRequest xmlns=""><message>)" + id + ": " + message +
                                 "</message></BadRequest>");
  }
  [[nodiscard]] static std::string token_of(const net::HttpResponse& response) {
    const std::size_t begin = response.body.find("<TokenValue>") + 12;
    return response.body.substr(begin, response.body.find("</TokenValue>") - begin);
  }
};

TEST_F(CreateDataChannel, answers_201_with_a_token_for_the_agent) {
  const std::string id = start();
  const auto response = post("/v1/data-channel/" + id);
  EXPECT_EQ(response.status, 201U);
  EXPECT_EQ(response.header("content-type"), "text/xml");
  const std::string token = token_of(response);
  EXPECT_EQ(token.size(), 43U);
  EXPECT_EQ(response.body, R"(<?xml version="1.0" encoding="UTF-8"?><CreateDataChannelOutput>)"
                           "<MessageSchemaVersion>1.0</MessageSchemaVersion><TokenValue>" +
                               token + "</TokenValue></CreateDataChannelOutput>");
  EXPECT_EQ(state.sessions.accept_agent_token(id, token, now_ms), TokenVerdict::ok);
}

TEST_F(CreateDataChannel, a_reconnecting_agent_gets_another_token) {
  const std::string id = start();
  const std::string first = token_of(post("/v1/data-channel/" + id));
  ASSERT_EQ(state.sessions.accept_agent_token(id, first, now_ms), TokenVerdict::ok);
  const std::string second = token_of(post("/v1/data-channel/" + id));
  EXPECT_NE(first, second);
  EXPECT_EQ(state.sessions.accept_agent_token(id, second, now_ms), TokenVerdict::ok);
}

TEST_F(CreateDataChannel, unknown_and_ended_sessions_make_the_agent_stop) {
  expect_bad_request(post("/v1/data-channel/nobody-0123"), "Session is already terminated");
  const std::string id = start();
  state.sessions.end(id, SessionStatus::terminated, "", now_ms);
  expect_bad_request(post("/v1/data-channel/" + id), "Session is already terminated");
}

TEST_F(CreateDataChannel, a_percent_encoded_id_is_the_same_session) {
  state.credentials.add(test::credentials("AKIAMAIL", "secret", "a@b.c"));
  const std::string id = start(R"({"Target":"i-123456789"})", "AKIAMAIL");
  EXPECT_EQ(post("/v1/data-channel/a%40b.c" + id.substr(5)).status, 201U);
}

TEST_F(CreateDataChannel, ids_that_are_no_ids_are_refused) {
  for (const std::string_view id :
       {"", ".", "..", "../x", "a/b", "a%2Fb", "%2e%2e", "a%00", "caf\xC3\xA9"}) {
    expect_bad_request(post("/v1/data-channel/" + std::string(id)),
                       "The path does not name a session.");
  }
  expect_bad_request(post("/v1/data-channel/" + std::string(97, 'a')),
                     "The path does not name a session.");
}

TEST_F(CreateDataChannel, an_unsigned_request_is_not_authenticated) {
  auto request = agent_request("/v1/data-channel/x");
  std::erase_if(request.headers, [](const auto& h) { return h.name == "Authorization"; });
  expect_bad_request(router.handle(request, now_ms), "Request is not authenticated.");
}

//= AUTH-002
//= AUTH-003
TEST_F(CreateDataChannel, a_bad_signature_is_refused_in_xml) {
  auto request = agent_request("/v1/data-channel/x");
  sign_request(request, *state.credentials.find("test"), {"us-east-1", "ssm", now_ms});
  const auto wrong_service = router.handle(request, now_ms);
  EXPECT_EQ(wrong_service.status, 403U);
  EXPECT_EQ(wrong_service.body,
            R"(<?xml version="1.0" encoding="UTF-8"?><InvalidSignatureException><Message>)"
            "Credential should be scoped to correct service: 'ssmmessages'."
            "</Message></InvalidSignatureException>");
  const auto late = router.handle(agent_request("/v1/data-channel/x"), now_ms + 16 * 60'000);
  EXPECT_EQ(late.status, 403U);
  EXPECT_THAT(late.body, HasSubstr("<Message>Signature expired: 20261122T080000Z is now earlier"));
}

TEST_F(CreateDataChannel, bodies_that_are_wrong_are_refused) {
  const std::string path = "/v1/data-channel/" + start();
  expect_bad_request(post(path, "<xml/>"), "The request body is not valid JSON: syntax error");
  expect_bad_request(post(path, "{}"),
                     "2 validation errors detected: Value null at 'messageSchemaVersion' failed to "
                     "satisfy constraint: Member must not be null; Value null at 'requestId' "
                     "failed to satisfy constraint: Member must not be null");
  expect_bad_request(
      post(path, R"({"MessageSchemaVersion":"2.0","RequestId":"0123456789abcdef"})"),
      "1 validation error detected: Value '2.0' at 'messageSchemaVersion' failed to satisfy "
      "constraint: Member must satisfy enum value set: [1.0]");
  const auto large = post(path, std::string(MgsApi::max_body_bytes + 1, ' '));
  EXPECT_EQ(large.status, 413U);
}

TEST_F(CreateDataChannel, other_methods_are_not_allowed) {
  const auto response = router.handle(agent_request("/v1/data-channel/x", "", "GET"), now_ms);
  EXPECT_EQ(response.status, 405U);
  EXPECT_EQ(response.header("allow"), "POST");
  EXPECT_EQ(response.body,
            R"(<?xml version="1.0" encoding="UTF-8"?><MethodNotAllowedException><Message>Use POST )"
            "to create a channel, or a WebSocket upgrade to open it.</Message>"
            "</MethodNotAllowedException>");
}

//= AUTH-027
TEST_F(CreateDataChannel, upgrades_may_be_unsigned_but_not_badly_signed) {
  auto upgrade = agent_request("/v1/data-channel/x?role=publish_subscribe", "", "GET");
  const auto caller = mgs.check_upgrade(upgrade, now_ms);
  ASSERT_TRUE(caller && caller->has_value());
  EXPECT_EQ((*caller)->principal.user_name, "test");

  const auto late = mgs.check_upgrade(upgrade, now_ms + 16 * 60'000);
  ASSERT_FALSE(late);
  EXPECT_EQ(mgs.refusal(late.error()).status, 403U);

  std::erase_if(upgrade.headers, [](const auto& h) { return h.name == "Authorization"; });
  const auto anonymous = mgs.check_upgrade(upgrade, now_ms);
  ASSERT_TRUE(anonymous);
  EXPECT_FALSE(anonymous->has_value());
}

TEST(DataChannelPath, takes_only_the_one_form) {
  EXPECT_EQ(data_channel_session("/v1/data-channel/alice-0141cdff02f3046b8"),
            "alice-0141cdff02f3046b8");
  EXPECT_EQ(data_channel_session("/v1/data-channel/a%40b"), "a@b");
  for (const std::string_view path :
       {"/", "", "/v1/data-channel", "/v1/data-channel/", "/v1/data-channel/a/",
        "/v2/data-channel/a", "/v1/data-channel/a b"}) {
    EXPECT_FALSE(data_channel_session(path)) << path;
  }
}

}  // namespace
}  // namespace ssm::service
