#include "ssm/service/router.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service_fixture.hpp"

namespace ssm::service {
namespace {

using test::parse;
using test::ServiceTest;
using test::text;

class RouterTest : public ServiceTest {
 protected:
  net::HttpResponse get(std::string_view path, std::string_view host = "127.0.0.1:4580") {
    net::HttpRequest request;
    request.target = path;
    request.headers = {{"Host", std::string(host)}};
    return router.handle(request, now_ms);
  }
};

TEST_F(RouterTest, health_says_ok) {
  start();
  const auto response = get("/_ssmsim/health");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.header("content-type"), "application/json");
  EXPECT_EQ(response.body, R"({"status":"ok","active_sessions":1,"online_instances":3})");
}

TEST_F(RouterTest, lists_sessions_without_secrets) {
  const std::string ended = start();
  state.sessions.end(ended, SessionStatus::failed, "agent never joined", now_ms + 1);
  const std::string active = start(R"({"Target":"i-123456789","Reason":"why"})");
  const std::string owner = R"("owner":"arn:aws:iam::123456789012:user/test")";
  EXPECT_EQ(get("/_ssmsim/v1/sessions").body,
            R"({"sessions":[{"id":")" + active +
                R"(","target":"i-123456789","status":"Connecting",)"
                R"("document":"SSM-SessionManagerRunShell",)" +
                owner + R"(,"reason":"why","details":"","started_unix_ms":1795334400000},{"id":")" +
                ended +
                R"(","target":"i-123456789","status":"Failed",)"
                R"("document":"SSM-SessionManagerRunShell",)" +
                owner +
                R"(,"reason":"","details":"agent never joined","started_unix_ms":1795334400000,)"
                R"("ended_unix_ms":1795334400001}],"truncated":false})");
}

TEST_F(RouterTest, lists_at_most_a_thousand_sessions) {
  for (int i = 0; i < 1001; ++i) {
    start();
  }
  const auto body = parse(get("/_ssmsim/v1/sessions").body);
  EXPECT_EQ(body.at("sessions").as_array().size(), 1000U);
  EXPECT_TRUE(body.at("truncated").as_bool());
}

TEST_F(RouterTest, lists_instances) {
  const auto body = parse(get("/_ssmsim/v1/instances").body);
  const auto& instances = body.at("instances").as_array();
  ASSERT_EQ(instances.size(), 3U);
  EXPECT_EQ(text(instances[0].as_object(), "id"), "i-123456789");
  EXPECT_TRUE(instances[0].as_object().at("online").as_bool());
}

struct RecordingControl final : InstanceControl {
  std::string_view agent_state(std::string_view) const override { return "running"; }
  std::optional<std::string> command(std::string_view id, AgentAction action) override {
    log.push_back(std::string(id) + " " + std::string(name(action)));
    return refusal;
  }
  std::vector<std::string> log;
  std::optional<std::string> refusal;
};

class InstanceRoutes : public RouterTest {
 protected:
  InstanceRoutes() { router.set_instance_control(&control); }
  net::HttpResponse post(std::string_view path, std::string_view host = "localhost") {
    net::HttpRequest request;
    request.method = "POST";
    request.target = path;
    request.headers = {{"Host", std::string(host)}};
    return router.handle(request, now_ms);
  }
  RecordingControl control;
};

TEST_F(InstanceRoutes, one_instance_is_shown_with_its_agent) {
  start();
  EXPECT_EQ(get("/_ssmsim/v1/instances/i-123456789").body,
            R"({"id":"i-123456789","online":true,"agent":"none","state":"running",)"
            R"("agent_profile":"strict","agent_version":"3.3.0.0","platform_type":"Linux",)"
            R"("active_sessions":1,"last_ping_unix_ms":1795334400000})");
  EXPECT_EQ(get("/_ssmsim/v1/instances/i-0123456789abcdef0").status, 200U);
}

TEST_F(InstanceRoutes, each_action_is_handed_on_and_answers_the_instance) {
  for (const std::string_view action :
       {"stop", "start", "crash", "restart", "stall", "resume", "offline", "online"}) {
    control.log.clear();
    const auto response = post("/_ssmsim/v1/instances/i-123456789/" + std::string(action));
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(text(parse(response.body), "id"), "i-123456789");
    EXPECT_EQ(control.log, std::vector<std::string>{"i-123456789 " + std::string(action)});
  }
}

TEST_F(InstanceRoutes, refusals_say_why) {
  control.refusal = "Not now.";
  const auto refused = post("/_ssmsim/v1/instances/i-123456789/stop");
  EXPECT_EQ(refused.status, 409U);
  EXPECT_EQ(refused.body, R"({"error":"Not now."})");
  const auto unknown = post("/_ssmsim/v1/instances/i-123456789/explode");
  EXPECT_EQ(unknown.status, 404U);
  EXPECT_EQ(unknown.body,
            R"({"error":"'explode' is no action. Actions are stop, start, crash, restart, stall, )"
            R"(resume, offline and online."})");
  EXPECT_EQ(post("/_ssmsim/v1/instances/i-9/stop").status, 404U);
  EXPECT_EQ(get("/_ssmsim/v1/instances/i-123456789/stop").status, 405U);
  EXPECT_EQ(post("/_ssmsim/v1/instances/i-123456789").status, 405U);
}

TEST_F(InstanceRoutes, other_hosts_and_web_pages_command_nothing) {
  EXPECT_EQ(post("/_ssmsim/v1/instances/i-123456789/crash", "rebind.example").status, 403U);
  net::HttpRequest page;
  page.method = "POST";
  page.target = "/_ssmsim/v1/instances/i-123456789/crash";
  page.headers = {{"Host", "localhost"}, {"Origin", "http://localhost"}};
  EXPECT_EQ(router.handle(page, now_ms).status, 403U);
  EXPECT_TRUE(control.log.empty());
}

TEST_F(RouterTest, our_own_paths_are_served_to_loopback_and_allowed_hosts_only) {
  for (const std::string_view host :
       {"127.0.0.1:4580", "127.0.0.1", "127.1.2.3:1", "[::1]:4580", "[::1]", "localhost",
        "LOCALHOST:4580", "simulator.test", "Simulator.Test:80"}) {
    EXPECT_EQ(get("/_ssmsim/health", host).status, 200U) << host;
  }
  for (const std::string_view host :
       {"rebind.example", "rebind.example:4580", "127.0.0.1.nip.io", "127.0.0.1.", "127.1",
        "0x7f.0.0.1", "128.0.0.1", "127.0.0.256", "127.0.0.0001", "127.0.0.1.5", "[::2]", "[::1",
        "", ":4580", "localhost.example", "a.simulator.test", "2130706433"}) {
    const auto response = get("/_ssmsim/health", host);
    EXPECT_EQ(response.status, 403U) << host;
    EXPECT_EQ(response.body,
              R"({"error":"The Host header must be a loopback address, localhost or an allowed )"
              R"(name."})");
  }
}

TEST_F(RouterTest, a_missing_or_repeated_host_header_is_refused) {
  net::HttpRequest request;
  request.target = "/_ssmsim/health";
  EXPECT_EQ(router.handle(request, now_ms).status, 403U);
  request.headers = {{"Host", "127.0.0.1"}, {"host", "rebind.example"}};
  EXPECT_EQ(router.handle(request, now_ms).status, 403U);
}

TEST_F(RouterTest, web_pages_are_refused_everywhere) {
  constexpr std::string_view body =
      R"({"__type":"AccessDeniedException","Message":"Requests with an Origin header are )"
      R"(refused: web pages must not reach this service."})";
  auto request = signed_request("StartSession", R"({"Target":"i-123456789"})");
  request.headers.push_back({"origin", "https://evil.example"});
  EXPECT_TRUE(is_cross_site(request));
  const auto api = router.handle(request, now_ms);
  EXPECT_EQ(api.status, 403U);
  EXPECT_EQ(api.body, body);
  EXPECT_TRUE(events.log.empty());
  for (const std::string_view target : {"/_ssmsim/health", "/v1/data-channel/x", "/other"}) {
    net::HttpRequest page;
    page.target = target;
    page.headers = {{"Host", "127.0.0.1"}, {"Origin", "null"}};
    EXPECT_EQ(router.handle(page, now_ms).status, 403U) << target;
  }
}

TEST_F(RouterTest, requests_without_origin_are_not_cross_site) {
  EXPECT_FALSE(is_cross_site(signed_request("StartSession", "{}")));
}

TEST_F(RouterTest, unknown_paths_get_the_aws_shape_and_a_hint) {
  const auto response = get("/bucket/key?x=1");
  expect_error(response, 404,
               R"({"__type":"UnknownOperationException","message":"No part of ssmsim implements )"
               R"(GET /bucket/key. ssmsim answers: POST / with X-Amz-Target AmazonSSM.*; POST and )"
               R"(WebSocket /v1/data-channel/<session id> and /v1/control-channel/<instance id>; )"
               R"(GET /_ssmsim/health, /_ssmsim/v1/sessions and /_ssmsim/v1/instances; POST )"
               R"(/_ssmsim/v1/instances/<instance id>/<action>."})");
  EXPECT_EQ(get("/v1/control-channel/i-123456789").status, 405U);
}

TEST_F(RouterTest, calls_of_other_services_get_the_aws_shape_and_a_hint) {
  auto request = unsigned_request("X", "{}");
  request.headers[1].value = "TrentService.GenerateDataKey";
  const auto response = router.handle(request, now_ms);
  EXPECT_EQ(response.status, 400U);
  EXPECT_EQ(text(parse(response.body), "__type"), "UnknownOperationException");
  EXPECT_EQ(text(parse(response.body), "message").substr(0, 66),
            "No part of ssmsim implements 'TrentService.GenerateDataKey'. ssmsi");
}

TEST_F(RouterTest, our_own_paths_know_404_and_405) {
  EXPECT_EQ(get("/_ssmsim/nothing").status, 404U);
  EXPECT_EQ(get("/_ssmsim/v1/sessions/../health").status, 404U);
  net::HttpRequest post;
  post.method = "POST";
  post.target = "/_ssmsim/health";
  post.headers = {{"Host", "127.0.0.1"}};
  const auto response = router.handle(post, now_ms);
  EXPECT_EQ(response.status, 405U);
  EXPECT_EQ(response.header("allow"), "GET");
  EXPECT_EQ(response.body, R"({"error":"Use GET."})");
}

TEST_F(RouterTest, strange_targets_are_answered) {
  for (const std::string_view target : {"", "*", "?", "/?", "//", "/\xFF\xFE", "http://x/y"}) {
    const auto response = get(target);
    EXPECT_EQ(response.status, 404U) << target;
    EXPECT_EQ(text(parse(response.body), "__type"), "UnknownOperationException");
  }
}

}  // namespace
}  // namespace ssm::service
