/// Payloads that open, describe and end a session.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "ssm/protocol/agent_session_state.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/open_control_channel.hpp"
#include "ssm/protocol/open_data_channel.hpp"
#include "ssm/protocol/task.hpp"

namespace ssm::protocol {
namespace {

TEST(OpenControlChannel, is_written_as_the_agent_writes_it) {
  const OpenControlChannel open{.request_id = "11111111-2222-4333-8444-555555555555",
                                .token_value = "token",
                                .agent_version = "3.3.0.0",
                                .platform_type = "linux"};
  const std::string text =
      R"({"Cookie":null,"MessageSchemaVersion":"1.0",)"
      R"("RequestId":"11111111-2222-4333-8444-555555555555","TokenValue":"token",)"
      R"("AgentVersion":"3.3.0.0","PlatformType":"linux"})";
  EXPECT_EQ(serialize(open), text);
  EXPECT_EQ(parse_open_control_channel(as_bytes(text)).value(), open);
}

TEST(OpenDataChannel, of_a_client_has_its_id_and_version) {
  OpenDataChannel open;
  open.request_id = "2baf0c87-392b-4f17-8228-e7d5d80919ca";
  open.token_value = "TOKEN1";
  open.client_id = "26bade48-ae67-44f6-9fca-f01eac2d0d81";
  open.client_version = "1.2.0.0";
  const std::string text =
      R"({"MessageSchemaVersion":"1.0","RequestId":"2baf0c87-392b-4f17-8228-e7d5d80919ca",)"
      R"("TokenValue":"TOKEN1","ClientId":"26bade48-ae67-44f6-9fca-f01eac2d0d81",)"
      R"("ClientVersion":"1.2.0.0"})";
  EXPECT_EQ(serialize(open), text);
  EXPECT_EQ(parse_open_data_channel(as_bytes(text)).value(), open);
}

TEST(OpenDataChannel, of_an_agent_has_its_instance_id_and_an_empty_client_id) {
  OpenDataChannel open;
  open.request_id = "476bd4bb-98b1-44a9-a5b1-2f05c2303607";
  open.token_value = "TOKENX";
  open.client_instance_id = "i-1234";
  open.client_id = "";
  const std::string text =
      R"({"MessageSchemaVersion":"1.0","RequestId":"476bd4bb-98b1-44a9-a5b1-2f05c2303607",)"
      R"("TokenValue":"TOKENX","ClientInstanceId":"i-1234","ClientId":""})";
  EXPECT_EQ(serialize(open), text);
  EXPECT_EQ(parse_open_data_channel(as_bytes(text)).value(), open);
}

TEST(OpenDataChannel, tells_missing_from_empty) {
  const OpenDataChannel open =
      parse_open_data_channel(as_bytes(R"({"ClientId":"","ClientVersion":null})")).value();
  EXPECT_EQ(open.client_id, "");
  EXPECT_EQ(open.client_version, std::nullopt);
  EXPECT_EQ(open.client_instance_id, std::nullopt);
  EXPECT_EQ(open.message_schema_version, "");
}

TEST(OpenDataChannel, of_agents_that_wait_for_an_answer_is_accepted) {
  EXPECT_TRUE(parse_open_data_channel(
      as_bytes(R"({"ClientInstanceId":"i-1","RequireAcknowledgement":true})")));
}

TEST(OpenDataChannel, does_not_show_a_token_in_an_error) {
  const auto open = parse_open_data_channel(as_bytes(R"({"TokenValue":"SECRET","RequestId":[]})"));
  ASSERT_TRUE(open.has_error());
  EXPECT_EQ(open.error().to_string().find("SECRET"), std::string::npos);
}

TEST(ChannelClosed, is_written_in_the_order_of_the_client_model) {
  ChannelClosed closed;
  closed.message_id = "m";
  closed.destination_id = "d";
  closed.session_id = "s";
  closed.created_date = "2026-11-22T07:59:42.000Z";
  closed.output = "ended\n";
  const std::string text =
      R"({"MessageType":"channel_closed","MessageId":"m","DestinationId":"d","SessionId":"s",)"
      R"("SchemaVersion":1,"CreatedDate":"2026-11-22T07:59:42.000Z","Output":"ended\n"})";
  EXPECT_EQ(serialize(closed), text);
  EXPECT_EQ(parse_channel_closed(as_bytes(text)).value(), closed);
}

TEST(ChannelClosed, without_output_is_a_normal_end) {
  const ChannelClosed closed = parse_channel_closed(as_bytes(R"({"SessionId":"s"})")).value();
  EXPECT_EQ(closed.session_id, "s");
  EXPECT_EQ(closed.output, "");
  EXPECT_EQ(closed.message_type, "");
  EXPECT_EQ(closed.schema_version, 0);
}

TEST(AgentSessionState, is_written_as_the_reference_agent_writes_it) {
  AgentSessionState state;
  state.session_state = session_state_connected;
  state.session_id = "2b196342-d7d4-436e-8f09-3883a1116ac3";
  const std::string text = R"({"SchemaVersion":1,"SessionState":"Connected",)"
                           R"("SessionId":"2b196342-d7d4-436e-8f09-3883a1116ac3"})";
  EXPECT_EQ(serialize(state), text);
  EXPECT_EQ(parse_agent_session_state(as_bytes(text)).value(), state);
}

TEST(InteractiveShell, carries_the_task_as_text_inside_a_string) {
  InteractiveShell shell;
  shell.task_id = "alice-1";
  shell.content.document_name = "AWS-StartSSHSession";
  shell.content.document_content = R"({"sessionType": "Port", "properties": {"a": "{{ b }}"}})";
  shell.content.session_id = "alice-1";
  shell.content.parameters = R"({"b":"<22>"})";
  shell.content.session_owner = "arn:aws:iam::123456789012:user/alice";
  EXPECT_EQ(serialize(shell),
            R"({"Content":"{\"DocumentName\":\"AWS-StartSSHSession\",)"
            R"(\"DocumentContent\":{\"sessionType\":\"Port\",\"properties\":{\"a\":\"{{ b }}\"}},)"
            R"(\"SessionId\":\"alice-1\",\"Parameters\":{\"b\":\"\\u003c22\\u003e\"},)"
            R"(\"RunAsUser\":\"\",\"SessionOwner\":\"arn:aws:iam::123456789012:user/alice\"}",)"
            R"("TaskId":"alice-1","Topic":"interactive_shell","SchemaVersion":1})");
}

TEST(InteractiveShell, is_read_with_the_form_that_the_agent_was_seen_to_accept) {
  const auto shell = parse_interactive_shell(as_bytes(
      R"({"Content": "{\"DocumentName\": \"SSM-SessionManagerRunShell\", \"DocumentContent\": )"
      R"({\"schemaVersion\": \"1.0\", \"sessionType\": \"Standard_Stream\", \"inputs\": )"
      R"({\"s3EncryptionEnabled\": false}}, \"SessionId\": \"admin-1\", \"Parameters\": {}, )"
      R"(\"RunAsUser\": \"bob\", \"SessionOwner\": \"arn\"}", "TaskId": "admin-1", )"
      R"("Topic": "interactive_shell", "SchemaVersion": 1})"));
  ASSERT_TRUE(shell) << shell.error().to_string();
  EXPECT_EQ(shell->content.document_content,
            R"({"schemaVersion":"1.0","sessionType":"Standard_Stream",)"
            R"("inputs":{"s3EncryptionEnabled":false}})");
  EXPECT_EQ(shell->content.parameters, "{}");
  EXPECT_EQ(shell->content.run_as_user, "bob");
  EXPECT_EQ(parse_interactive_shell(as_bytes(serialize(*shell))).value(), *shell);
}

TEST(InteractiveShell, ignores_the_channel_members_of_older_services) {
  const auto shell = parse_interactive_shell(as_bytes(
      R"({"Content":"{\"DataChannelId\":\"c\",\"DataChannelToken\":\"t\",\"Parameters\":null}"})"));
  ASSERT_TRUE(shell) << shell.error().to_string();
  EXPECT_EQ(shell->content.parameters, "null");
  EXPECT_EQ(shell->content.document_content, "null");
}

TEST(InteractiveShell, says_that_the_fault_is_inside_the_content) {
  const auto missing = parse_interactive_shell(as_bytes("{}"));
  ASSERT_TRUE(missing.has_error());
  EXPECT_EQ(missing.error().code, make_error_code(Errc::malformed_json));
  const auto wrong = parse_interactive_shell(as_bytes(R"({"Content":"{\"Parameters\":[]}"})"));
  ASSERT_TRUE(wrong.has_error());
  EXPECT_EQ(wrong.error().code, make_error_code(Errc::malformed_field));
  EXPECT_EQ(wrong.error().context, "Content: Parameters: expected an object, seen an array");
}

TEST(AgentTaskAcknowledge, names_the_message_it_acknowledges) {
  AgentTaskAcknowledge acknowledge;
  acknowledge.message_id = "9d8a4b70-503d-470c-8bfc-7da99c455ae7";
  acknowledge.task_id = "admin-1";
  const std::string text =
      R"({"SchemaVersion":1,"MessageId":"9d8a4b70-503d-470c-8bfc-7da99c455ae7",)"
      R"("TaskId":"admin-1","Topic":"agent_task_complete"})";
  EXPECT_EQ(serialize(acknowledge), text);
  EXPECT_EQ(parse_agent_task_acknowledge(as_bytes(text)).value(), acknowledge);
}

TEST(AgentTaskComplete, with_a_wrong_type_is_malformed) {
  const auto complete = parse_agent_task_complete(as_bytes(R"({"IsRoutingFailure":"false"})"));
  ASSERT_TRUE(complete.has_error());
  EXPECT_EQ(complete.error().context, "IsRoutingFailure: expected a boolean, seen a string");
}

}  // namespace
}  // namespace ssm::protocol
