// StartSession, ResumeSession, TerminateSession, GetConnectionStatus.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "service_fixture.hpp"

namespace ssm::service {
namespace {

using test::parse;
using test::ServiceTest;
using test::text;
using ::testing::HasSubstr;

class SessionsApi : public ServiceTest {};

//= SVC-002
//= SVC-015
TEST_F(SessionsApi, start_session_answers_id_token_and_url) {
  const auto response = call("StartSession", R"({"Target":"i-123456789"})");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.header("content-type"), "application/x-amz-json-1.1");
  EXPECT_EQ(response.header("x-amzn-requestid").value_or("").size(), 36U);
  const auto body = parse(response.body);
  EXPECT_EQ(body.size(), 3U);
  const std::string id = text(body, "SessionId");
  EXPECT_LE(id.size(), 96U);
  EXPECT_EQ(text(body, "TokenValue").size(), 43U);
  EXPECT_EQ(text(body, "StreamUrl"),
            "ws://127.0.0.1:4580/v1/data-channel/" + id + "?role=publish_subscribe");
}

//= SVC-001
TEST_F(SessionsApi, dispatches_on_the_target_header_whatever_the_host_and_path) {
  auto request = unsigned_request("StartSession", R"({"Target":"i-123456789"})");
  request.headers[0].value = "ecs.us-east-1.amazonaws.com";
  request.target = "/any/path?x=1";
  sign_request(request, *state.credentials.find("test"), {"us-east-1", "ssm", now_ms});
  EXPECT_EQ(router.handle(request, now_ms).status, 200U);
}

//= SVC-010
TEST_F(SessionsApi, start_session_without_document_uses_the_shell_document) {
  const std::string id = start();
  ASSERT_NE(state.sessions.find(id), nullptr);
  EXPECT_EQ(state.sessions.find(id)->document_name, "SSM-SessionManagerRunShell");
}

//= SVC-016
TEST_F(SessionsApi, session_ids_begin_with_the_callers_name) {
  EXPECT_EQ(start(R"({"Target":"i-123456789"})", "AKIAALICE").substr(0, 6), "alice-");
}

TEST_F(SessionsApi, start_session_keeps_owner_target_and_reason) {
  const std::string id =
      start(R"({"Target":"i-0123456789abcdef0","Reason":"gr\u00fcn"})", "AKIAALICE");
  const Session* session = state.sessions.find(id);
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(session->owner.arn, "arn:aws:iam::123456789012:user/alice");
  EXPECT_EQ(session->target, "i-0123456789abcdef0");
  EXPECT_EQ(session->reason, "gr\xC3\xBCn");
}

//= SVC-018
TEST_F(SessionsApi, start_session_is_announced_once_with_a_token_issued) {
  const std::string id = start();
  EXPECT_EQ(events.log, std::vector<std::string>{"started " + id + " Connecting"});
  EXPECT_EQ(state.sessions.accept_client_token(id, text(last_start, "TokenValue"), now_ms),
            TokenVerdict::ok);
}

//= SVC-019
TEST_F(SessionsApi, two_sessions_to_one_target_are_independent) {
  const std::string first = start();
  const std::string first_token = text(last_start, "TokenValue");
  const std::string second = start();
  EXPECT_NE(first, second);
  EXPECT_EQ(state.sessions.accept_client_token(second, first_token, now_ms), TokenVerdict::wrong);
  EXPECT_EQ(call("TerminateSession", R"({"SessionId":")" + first + "\"}").status, 200U);
  EXPECT_EQ(state.sessions.find(second)->status, SessionStatus::connecting);
}

//= SVC-011
TEST_F(SessionsApi, unknown_and_offline_targets_are_not_connected) {
  expect_error(call("StartSession", R"({"Target":"i-nowhere"})"), 400,
               R"({"__type":"TargetNotConnected","Message":"i-nowhere is not connected."})");
  state.instances.set_online("i-123456789", false, now_ms);
  expect_error(call("StartSession", R"({"Target":"i-123456789"})"), 400,
               R"({"__type":"TargetNotConnected","Message":"i-123456789 is not connected."})");
  EXPECT_TRUE(events.log.empty());
}

//= SVC-012
TEST_F(SessionsApi, an_unknown_document_is_invalid) {
  expect_error(
      call("StartSession", R"({"Target":"i-123456789","DocumentName":"No-Such"})"), 400,
      R"({"__type":"InvalidDocument","Message":"Document with name No-Such does not exist."})");
}

//= SVC-013
TEST_F(SessionsApi, a_command_document_is_invalid) {
  SessionDocument command;
  command.name = "AWS-RunShellScript";
  command.document_type = "Command";
  state.documents.add(command);
  expect_error(
      call("StartSession", R"({"Target":"i-123456789","DocumentName":"AWS-RunShellScript"})"), 400,
      R"({"__type":"InvalidDocument","Message":"Document type: 'Command' is not supported. Only )"
      R"(type: 'Session' is supported for Session Manager."})");
}

//= SVC-014
TEST_F(SessionsApi, parameters_that_the_document_does_not_declare_are_refused) {
  expect_error(
      call("StartSession", R"({"Target":"i-123456789","Parameters":{"portNumber":["22"]}})"), 400,
      R"({"__type":"InvalidParameters","Message":"Parameter \"portNumber\" is not defined in )"
      R"(document SSM-SessionManagerRunShell."})");
  EXPECT_TRUE(events.log.empty());
}

TEST_F(SessionsApi, a_document_is_found_by_its_arn) {
  start(R"({"Target":"i-123456789","DocumentName":)"
        R"("arn:aws:ssm:us-east-1::document/SSM-SessionManagerRunShell"})");
  EXPECT_EQ(events.log.size(), 1U);
}

TEST_F(SessionsApi, the_configured_stream_url_wins_over_the_host_header) {
  state.options.stream_url_base = "wss://simulator.example:8443";
  const std::string id = start();
  EXPECT_EQ(text(last_start, "StreamUrl"),
            "wss://simulator.example:8443/v1/data-channel/" + id + "?role=publish_subscribe");
}

TEST_F(SessionsApi, a_host_header_that_is_no_authority_does_not_reach_the_url) {
  auto request = unsigned_request("StartSession", R"({"Target":"i-123456789"})");
  request.headers[0].value = "evil/?a=\" b";
  sign_request(request, *state.credentials.find("test"), {"us-east-1", "ssm", now_ms});
  const auto body = parse(router.handle(request, now_ms).body);
  EXPECT_EQ(text(body, "StreamUrl").substr(0, 33), "ws://localhost/v1/data-channel/te");
}

TEST_F(SessionsApi, too_many_sessions_are_throttled) {
  ServiceState small({.session_limits = {.max_active = 1}}, test::counting_random());
  add_defaults(small, now_ms);
  SsmApi api(small, events);
  const auto request = signed_request("StartSession", R"({"Target":"i-123456789"})");
  EXPECT_EQ(api.handle(request, now_ms).status, 200U);
  expect_error(api.handle(request, now_ms), 400,
               R"({"__type":"ThrottlingException","message":"Rate exceeded: this service runs at )"
               R"(most 1 sessions at a time."})");
}

//= SVC-020
//= SVC-023
TEST_F(SessionsApi, resume_session_answers_a_new_token_and_the_same_url) {
  const std::string id = start();
  const std::string old_token = text(last_start, "TokenValue");
  ASSERT_EQ(state.sessions.accept_client_token(id, old_token, now_ms), TokenVerdict::ok);
  ASSERT_TRUE(state.sessions.set_status(id, SessionStatus::connected, now_ms));
  now_ms += 60 * 60 * 1000;
  const auto response = call("ResumeSession", R"({"SessionId":")" + id + "\"}");
  EXPECT_EQ(response.status, 200U);
  const auto body = parse(response.body);
  EXPECT_EQ(body.size(), 3U);
  EXPECT_EQ(text(body, "SessionId"), id);
  EXPECT_EQ(text(body, "StreamUrl"), text(last_start, "StreamUrl"));
  EXPECT_NE(text(body, "TokenValue"), old_token);
  EXPECT_EQ(state.sessions.accept_client_token(id, text(body, "TokenValue"), now_ms),
            TokenVerdict::ok);
  EXPECT_EQ(events.log.back(), "resumed " + id + " Connected");
}

//= SVC-021
TEST_F(SessionsApi, resume_of_an_ended_session_has_no_token) {
  const std::string id = start();
  ASSERT_TRUE(state.sessions.end(id, SessionStatus::terminated, "idle", now_ms));
  const auto response = call("ResumeSession", R"({"SessionId":")" + id + "\"}");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"SessionId":")" + id + R"(","StreamUrl":"ws://127.0.0.1:4580)" +
                               "/v1/data-channel/" + id + R"(?role=publish_subscribe"})");
  EXPECT_EQ(events.log.size(), 1U);
}

//= SVC-022
TEST_F(SessionsApi, resume_of_an_unknown_session_does_not_exist) {
  expect_error(call("ResumeSession", R"({"SessionId":"test-../../x"})"), 400,
               R"({"__type":"DoesNotExistException","Message":"Session test-../../x does not )"
               R"(exist."})");
}

//= SVC-030
//= SVC-040
TEST_F(SessionsApi, terminate_session_ends_it_and_tells_the_gateway) {
  const std::string id = start();
  const auto response = call("TerminateSession", R"({"SessionId":")" + id + "\"}", "AKIAALICE");
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.body, R"({"SessionId":")" + id + "\"}");
  EXPECT_EQ(events.log.back(), "terminated " + id + " Terminated");
  EXPECT_EQ(state.sessions.find(id)->details,
            "Terminated by arn:aws:iam::123456789012:user/alice.");
}

//= SVC-032
TEST_F(SessionsApi, terminating_an_ended_session_answers_200_and_nothing_happens) {
  const std::string id = start();
  call("TerminateSession", R"({"SessionId":")" + id + "\"}");
  const auto again = call("TerminateSession", R"({"SessionId":")" + id + "\"}");
  EXPECT_EQ(again.status, 200U);
  EXPECT_EQ(again.body, R"({"SessionId":")" + id + "\"}");
  EXPECT_EQ(events.log.size(), 2U);
}

TEST_F(SessionsApi, terminating_an_unknown_session_does_not_exist) {
  expect_error(call("TerminateSession", R"({"SessionId":"nobody"})"), 400,
               R"({"__type":"DoesNotExistException","Message":"Session nobody does not exist."})");
}

//= SVC-042
TEST_F(SessionsApi, connection_status_is_known_for_any_target) {
  EXPECT_EQ(call("GetConnectionStatus", R"({"Target":"i-123456789"})").body,
            R"({"Target":"i-123456789","Status":"connected"})");
  state.instances.set_online("i-123456789", false, now_ms);
  EXPECT_EQ(call("GetConnectionStatus", R"({"Target":"i-123456789"})").body,
            R"({"Target":"i-123456789","Status":"notconnected"})");
  EXPECT_EQ(call("GetConnectionStatus", R"({"Target":"ecs:c_t_r"})").body,
            R"({"Target":"ecs:c_t_r","Status":"notconnected"})");
}

//= SVC-003
TEST_F(SessionsApi, an_unknown_operation_names_the_implemented_ones) {
  expect_error(
      call("ListInstanceAssociations", R"({"InstanceId":"i-1","MaxResults":20})"), 400,
      R"({"__type":"UnknownOperationException","message":"ssmsim does not implement )"
      R"('AmazonSSM.ListInstanceAssociations'. It implements, with the prefix AmazonSSM.: )"
      R"(StartSession ResumeSession TerminateSession DescribeSessions GetConnectionStatus )"
      R"(DescribeInstanceInformation."})");
}

//= AUTH-002
TEST_F(SessionsApi, unsigned_and_badly_signed_calls_are_refused) {
  expect_error(
      router.handle(unsigned_request("StartSession", R"({"Target":"i-123456789"})"), now_ms), 400,
      R"({"__type":"MissingAuthenticationTokenException","message":"Missing Authentication )"
      R"(Token"})");
  auto request = signed_request("StartSession", R"({"Target":"i-123456789"})");
  request.body = R"({"Target":"i-0123456789abcdef0"})";
  const auto refused = router.handle(request, now_ms);
  EXPECT_EQ(text(parse(refused.body), "__type"), "InvalidSignatureException");
  EXPECT_TRUE(events.log.empty());
}

//= AUTH-003
TEST_F(SessionsApi, a_signature_for_another_service_or_region_is_refused) {
  auto request = unsigned_request("StartSession", R"({"Target":"i-123456789"})");
  sign_request(request, *state.credentials.find("test"), {"us-east-1", "ssmmessages", now_ms});
  expect_error(router.handle(request, now_ms), 400,
               R"({"__type":"InvalidSignatureException","message":"Credential should be scoped )"
               R"(to correct service: 'ssm'."})");
  sign_request(request, *state.credentials.find("test"), {"eu-west-1", "ssm", now_ms});
  expect_error(router.handle(request, now_ms), 400,
               R"({"__type":"InvalidSignatureException","message":"Credential should be scoped )"
               R"(to a valid region, not 'eu-west-1'. This service is in 'us-east-1'."})");
  state.options.region.clear();
  EXPECT_EQ(router.handle(request, now_ms).status, 200U);
}

}  // namespace
}  // namespace ssm::service
