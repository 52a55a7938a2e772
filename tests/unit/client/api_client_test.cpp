#include "ssm/client/api_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/json.hpp>

#include <optional>

#include "fake_service.hpp"
#include "loop_until.hpp"

namespace ssm::client {
namespace {

using test::json_answer;
using ::testing::HasSubstr;

class ApiClientTest : public ::testing::Test {
 protected:
  ApiClientTest() { use(service.endpoint()); }

  void use(const std::string& endpoint) {
    api.emplace(loop,
                ApiClientOptions{.endpoint = *net::Url::parse(endpoint),
                                 .sign =
                                     [](net::HttpRequest& request, std::string_view name) {
                                       request.headers.push_back(
                                           {"Authorization", "signed for " + std::string(name)});
                                     },
                                 .user_agent = "test-agent"});
  }
  void answer(std::string body, unsigned status = 200) {
    service.answer = [body = std::move(body), status](const auto&) {
      return json_answer(body, status);
    };
  }
  ApiResult<SessionAccess> start(const StartSessionRequest& request = {.target = "i-1",
                                                                       .document_name = {},
                                                                       .reason = {},
                                                                       .parameters = {}}) {
    std::optional<ApiResult<SessionAccess>> result;
    const auto pending =
        api->start_session(request, [&](auto access) { result = std::move(access); });
    EXPECT_FALSE(result) << "called back from inside";
    EXPECT_TRUE(test::loop_until(loop, [&] { return result.has_value(); }));
    return *result;
  }
  ApiResult<SessionAccess> resume() {
    std::optional<ApiResult<SessionAccess>> result;
    const auto pending =
        api->resume_session("test-1", [&](auto access) { result = std::move(access); });
    EXPECT_TRUE(test::loop_until(loop, [&] { return result.has_value(); }));
    return *result;
  }

  net::EventLoop loop;
  test::FakeService service{loop};
  std::optional<ApiClient> api;
};

TEST_F(ApiClientTest, sends_aws_json_with_everything_that_was_asked_for) {
  answer(service.start_answer());
  const auto access = start({.target = "i-1",
                             .document_name = "D",
                             .reason = "a \"reason\"",
                             .parameters = {{"command", {"top", "ls"}}}});
  ASSERT_TRUE(access) << access.error().to_string();
  EXPECT_EQ(access->session_id, "test-1");
  EXPECT_EQ(access->token, "token-1");
  EXPECT_EQ(access->stream_url, service.stream_url());
  ASSERT_EQ(service.calls.size(), 1U);
  const net::HttpRequest& request = service.calls[0].request;
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/");
  EXPECT_EQ(request.header("X-Amz-Target"), "AmazonSSM.StartSession");
  EXPECT_EQ(request.header("Content-Type"), "application/x-amz-json-1.1");
  EXPECT_EQ(request.header("Authorization"), "signed for ssm");
  EXPECT_EQ(request.header("User-Agent"), "test-agent");
  EXPECT_EQ(boost::json::parse(request.body),
            boost::json::parse(R"({"Target":"i-1","DocumentName":"D","Reason":"a \"reason\"",)"
                               R"("Parameters":{"command":["top","ls"]}})"));
}

TEST_F(ApiClientTest, leaves_out_what_was_not_asked_for) {
  answer(service.start_answer());
  ASSERT_TRUE(start());
  EXPECT_EQ(service.calls[0].request.body, R"({"Target":"i-1"})");
}

TEST_F(ApiClientTest, reads_the_error_name_after_the_hash_and_either_spelling_of_message) {
  const char* bodies[] = {
      R"({"__type":"TargetNotConnected","message":"i-1 is not connected."})",
      R"({"__type":"com.amazonaws.ssm#TargetNotConnected","Message":"i-1 is not connected."})",
  };
  for (const char* body : bodies) {
    answer(body, 400);
    const auto access = start();
    ASSERT_FALSE(access);
    EXPECT_EQ(access.error().kind, ApiError::Kind::refused);
    EXPECT_EQ(access.error().code, "TargetNotConnected");
    EXPECT_EQ(access.error().to_string(), "TargetNotConnected: i-1 is not connected.");
    EXPECT_EQ(access.error().status, 400U);
  }
}

TEST_F(ApiClientTest, reads_the_error_name_from_the_header_when_the_body_has_none) {
  service.answer = [](const auto&) {
    auto answer = json_answer("{}", 400);
    answer.headers.push_back({"x-amzn-ErrorType", "InvalidDocument:http://internal/x"});
    return answer;
  };
  const auto access = start();
  ASSERT_FALSE(access);
  EXPECT_EQ(access.error().code, "InvalidDocument");
}

TEST_F(ApiClientTest, shows_the_start_of_an_answer_that_is_no_aws_error) {
  answer("<html>\x1b[2Jbad gateway</html>", 502);
  const auto access = start();
  ASSERT_FALSE(access);
  EXPECT_EQ(access.error().code, "");
  EXPECT_THAT(access.error().message, HasSubstr("HTTP status 502"));
  EXPECT_THAT(access.error().message, HasSubstr("<html> [2Jbad gateway"));
}

TEST_F(ApiClientTest, names_the_member_that_start_session_lacks) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"TokenValue":"t","StreamUrl":"u"})", "the answer to StartSession lacks SessionId"},
      {R"({"SessionId":"s","TokenValue":"t"})", "the answer to StartSession lacks StreamUrl"},
      {R"({"SessionId":"s","TokenValue":7,"StreamUrl":"u"})",
       "the answer to StartSession has a TokenValue that is no text"},
      {"[]", "the answer to StartSession is no JSON object"},
      {"", "the answer to StartSession is no JSON object"},
  };
  for (const auto& [body, expected] : cases) {
    answer(body);
    const auto access = start();
    ASSERT_FALSE(access) << body;
    EXPECT_EQ(access.error().kind, ApiError::Kind::malformed_answer);
    EXPECT_EQ(access.error().message, expected);
  }
}

TEST_F(ApiClientTest, takes_a_resume_answer_without_a_token_as_it_is) {
  answer(R"({"SessionId":"test-1"})");
  const auto access = resume();
  ASSERT_TRUE(access);
  EXPECT_EQ(access->token, "");
  EXPECT_EQ(access->stream_url, "");
  EXPECT_EQ(service.calls[0].operation, "ResumeSession");
  EXPECT_EQ(service.calls[0].request.body, R"({"SessionId":"test-1"})");
}

TEST_F(ApiClientTest, terminates_by_id) {
  answer(R"({"SessionId":"test-1"})");
  std::optional<ApiResult<std::string>> result;
  const auto pending = api->terminate_session("test-1", [&](auto id) { result = std::move(id); });
  ASSERT_TRUE(test::loop_until(loop, [&] { return result.has_value(); }));
  EXPECT_EQ(**result, "test-1");
  EXPECT_EQ(service.operations(), std::vector<std::string>{"TerminateSession"});
}

TEST_F(ApiClientTest, says_that_nothing_answers) {
  std::string gone;
  {
    net::EventLoop other;
    gone = test::FakeService(other).endpoint();
  }
  use(gone);
  const auto access = start();
  ASSERT_FALSE(access);
  EXPECT_EQ(access.error().kind, ApiError::Kind::unreachable);
  EXPECT_EQ(access.error().status, 0U);
  EXPECT_THAT(access.error().message, HasSubstr("refused"));
}

TEST_F(ApiClientTest, does_not_call_back_when_the_call_was_dropped) {
  answer(service.start_answer());
  {
    const auto pending =
        api->start_session({.target = "i-1", .document_name = {}, .reason = {}, .parameters = {}},
                           [](const auto&) { FAIL(); });
  }
  ASSERT_TRUE(resume());
}

TEST_F(ApiClientTest, gives_up_waiting_for_a_termination_that_is_not_answered) {
  // The answer is kept back for ever by holding on to the responder.
  std::vector<std::function<void(net::HttpResponse)>> held;
  auto server = *net::HttpServer::listen(
      loop, {},
      {.on_request = [&](const net::HttpRequest&, auto respond) { held.push_back(respond); },
       .on_upgrade = nullptr,
       .on_warning = nullptr});
  use("http://127.0.0.1:" + std::to_string(server.port()));
  terminate_and_wait(loop, *api, "test-1", std::chrono::milliseconds(50));
  EXPECT_EQ(held.size(), 1U);
}

}  // namespace
}  // namespace ssm::client
