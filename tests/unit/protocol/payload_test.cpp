/// Payloads as the official programs wrote them (session-manager-plugin 1.2.677,
/// amazon-ssm-agent 3.3.1142), recorded on loopback: reading and writing gives the same bytes.

#include <gtest/gtest.h>

#include <string_view>

#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/agent_session_state.hpp"
#include "ssm/protocol/encryption_challenge.hpp"
#include "ssm/protocol/handshake.hpp"
#include "ssm/protocol/open_data_channel.hpp"
#include "ssm/protocol/task.hpp"
#include "ssm/protocol/terminal_size.hpp"

namespace ssm::protocol {
namespace {

template <class T>
void expect_same_bytes(Result<T> (*parse)(Bytes), std::string_view payload) {
  const Result<T> value = parse(as_bytes(payload));
  ASSERT_TRUE(value) << value.error().to_string();
  EXPECT_EQ(serialize(*value), payload);
}

TEST(RecordedPayload, client_open_data_channel_is_reproduced) {
  expect_same_bytes(
      parse_open_data_channel,
      R"({"MessageSchemaVersion":"1.0","RequestId":"5c2f4a7d-999d-4cbf-bc5a-db3b38d8d123",)"
      R"("TokenValue":"AAEAtokadmin-922681deeb874bda9",)"
      R"("ClientId":"57790530-ef5d-4f0c-802a-bae3bee825c6","ClientVersion":"1.2.0.0"})");
}

TEST(RecordedPayload, agent_open_data_channel_is_reproduced) {
  expect_same_bytes(
      parse_open_data_channel,
      R"({"MessageSchemaVersion":"1.0","RequestId":"a92de29f-2a9b-49f5-94f6-389e6854b40f",)"
      R"("TokenValue":"AGENTTOKadmin-922681deeb874bda9",)"
      R"("ClientInstanceId":"mi-0123456789abcdef0","ClientId":""})");
}

TEST(RecordedPayload, acknowledgements_are_reproduced) {
  expect_same_bytes(parse_acknowledge,
                    R"({"AcknowledgedMessageType":"output_stream_data",)"
                    R"("AcknowledgedMessageId":"2fe2c51c-4464-4318-9d56-3b7f4e0b33b2",)"
                    R"("AcknowledgedMessageSequenceNumber":0,"IsSequentialMessage":true})");
  expect_same_bytes(parse_acknowledge,
                    R"({"AcknowledgedMessageType":"input_stream_data",)"
                    R"("AcknowledgedMessageId":"f0e726ff-6282-44a5-8f30-5d87a432b881",)"
                    R"("AcknowledgedMessageSequenceNumber":0,"IsSequentialMessage":true})");
}

TEST(RecordedPayload, terminal_sizes_are_reproduced) {
  expect_same_bytes(parse_terminal_size, R"({"cols":80,"rows":24})");
  expect_same_bytes(parse_terminal_size, R"({"cols":132,"rows":40})");
}

TEST(RecordedPayload, session_states_are_reproduced) {
  expect_same_bytes(
      parse_agent_session_state,
      R"({"SchemaVersion":1,"SessionState":"Connected","SessionId":"admin-922681deeb874bda9"})");
  expect_same_bytes(
      parse_agent_session_state,
      R"({"SchemaVersion":1,"SessionState":"Terminating","SessionId":"admin-f1927d2f483f4eb98"})");
}

TEST(RecordedPayload, encrypted_handshake_request_is_reproduced) {
  expect_same_bytes(
      parse_handshake_request,
      R"({"AgentVersion":"3.3.0.0","RequestedClientActions":[{"ActionType":"SessionType",)"
      R"("ActionParameters":{"SessionType":"Standard_Stream","Properties":null}},)"
      R"({"ActionType":"KMSEncryption","ActionParameters":{"KMSKeyId":)"
      R"("arn:aws:kms:us-east-1:123456789012:key/11112222-3333-4444-5555-666677778888",)"
      R"("Challenge":"O7OeZF4MVNUBsxBBfFvyUw=="}}]})");
}

TEST(RecordedPayload, port_handshake_request_is_reproduced) {
  expect_same_bytes(
      parse_handshake_request,
      R"({"AgentVersion":"3.3.0.0","RequestedClientActions":[{"ActionType":"SessionType",)"
      R"("ActionParameters":{"SessionType":"Port","Properties":{"localPortNumber":"19011",)"
      R"("portNumber":"9001","type":"LocalPortForwarding"}}}]})");
}

TEST(RecordedPayload, encrypted_handshake_response_is_reproduced) {
  expect_same_bytes(
      parse_handshake_response,
      R"({"ClientVersion":"1.2.0.0","ProcessedClientActions":[{"ActionType":"SessionType",)"
      R"("ActionStatus":1,"ActionResult":null,"Error":""},{"ActionType":"KMSEncryption",)"
      R"("ActionStatus":1,"ActionResult":{"KMSCipherTextKey":"TEFCQkxPQgaPISPJ8GxAKnBDNlVSCiU=",)"
      R"("KMSCipherTextHash":null},"Error":""}],"Errors":null})");
}

TEST(RecordedPayload, encryption_challenges_are_reproduced) {
  expect_same_bytes(parse_encryption_challenge,
                    R"({"Challenge":"ah0YMNdoz9tzACWqF4HEP3A0aLda7fA439I80X6BJmVE90uruH6sYEWeYjW/)"
                    R"(FBvof73WQwBon+KqZHW3Q9arpEnW6gAKh2PUTw3OkMFgC+MjEU6Ao7V3CGgDcWs="})");
  expect_same_bytes(parse_encryption_challenge,
                    R"({"Challenge":"vRpfu21KMWxgcgd4iMi+j+gcj55Ak1gL6TFTmssT5p62c8mB/3ZWnB883cw0)"
                    R"(J6lfzbmjysR5A06MLJ2j/+Gp7DEWFZeFPqb6aVHLUNk+5LPOerM3IH1K7PXIoqU="})");
}

TEST(RecordedPayload, handshake_completes_are_reproduced) {
  expect_same_bytes(parse_handshake_complete,
                    R"({"HandshakeTimeToComplete":11901357,)"
                    R"("CustomerMessage":"This session is encrypted using AWS KMS."})");
  expect_same_bytes(parse_handshake_complete,
                    R"({"HandshakeTimeToComplete":3056738,"CustomerMessage":""})");
}

TEST(RecordedPayload, task_results_are_reproduced) {
  expect_same_bytes(
      parse_agent_task_complete,
      R"({"SchemaVersion":1,"TaskId":"admin-922681deeb874bda9","Topic":"agent_task_complete",)"
      R"("FinalTaskStatus":"Success","IsRoutingFailure":false,"AwsAccountId":"",)"
      R"("InstanceId":"mi-0123456789abcdef0","Output":"","S3Bucket":"","S3UrlSuffix":"",)"
      R"("CwlGroup":"","CwlStream":"","RetryNumber":1})");
  expect_same_bytes(
      parse_agent_task_complete,
      R"({"SchemaVersion":1,"TaskId":"alice-0f05d46e69a854701","Topic":"agent_task_complete",)"
      R"("FinalTaskStatus":"Success","IsRoutingFailure":false,"AwsAccountId":"",)"
      R"("InstanceId":"i-0123456789abcdef0","Output":"","S3Bucket":"b.kt",)"
      R"("S3UrlSuffix":"pre/alice-0f05d46e69a854701.log","CwlGroup":"/g",)"
      R"("CwlStream":"alice-0f05d46e69a854701","RetryNumber":1})");
}

}  // namespace
}  // namespace ssm::protocol
