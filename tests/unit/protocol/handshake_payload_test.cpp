#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "ssm/protocol/encryption_challenge.hpp"
#include "ssm/protocol/handshake.hpp"

namespace ssm::protocol {
namespace {

HandshakeRequest request_from(std::string_view text) {
  Result<HandshakeRequest> request = parse_handshake_request(as_bytes(text));
  EXPECT_TRUE(request) << request.error().to_string();
  return request ? *request : HandshakeRequest{};
}

HandshakeResponse response_from(std::string_view text) {
  Result<HandshakeResponse> response = parse_handshake_response(as_bytes(text));
  EXPECT_TRUE(response) << response.error().to_string();
  return response ? *response : HandshakeResponse{};
}

std::string request_with_action(std::string_view action) {
  return R"({"AgentVersion":"3.3.0.0","RequestedClientActions":[)" + std::string(action) + "]}";
}

std::string response_with_action(std::string_view action) {
  return R"({"ClientVersion":"1.2.0.0","ProcessedClientActions":[)" + std::string(action) +
         R"(],"Errors":null})";
}

//= HS-006
TEST(HandshakeRequest, is_written_as_the_reference_agent_writes_it) {
  HandshakeRequest request;
  request.agent_version = "3.3.0.0";
  request.requested_actions.resize(2);
  request.requested_actions[0].action_type = action_session_type;
  request.requested_actions[0].parameters = SessionTypeParameters{"Standard_Stream", "null"};
  request.requested_actions[1].action_type = action_kms_encryption;
  request.requested_actions[1].parameters =
      KmsEncryptionParameters{"kmskey", "8dpJ5bAV9q1bSYQ+nHRTeQ=="};
  const std::string text =
      R"({"AgentVersion":"3.3.0.0","RequestedClientActions":[{"ActionType":"SessionType",)"
      R"("ActionParameters":{"SessionType":"Standard_Stream","Properties":null}},)"
      R"({"ActionType":"KMSEncryption","ActionParameters":{"KMSKeyId":"kmskey",)"
      R"("Challenge":"8dpJ5bAV9q1bSYQ+nHRTeQ=="}}]})";
  EXPECT_EQ(serialize(request), text);
  EXPECT_EQ(request_from(text), request);
}

TEST(HandshakeRequest, of_older_agents_has_no_challenge) {
  const std::string text = request_with_action(
      R"({"ActionType":"KMSEncryption","ActionParameters":{"KMSKeyId":"kmskey"}})");
  EXPECT_EQ(serialize(request_from(text)), text);
}

//= HS-007
TEST(HandshakeRequest, keeps_port_properties_as_compact_json) {
  const HandshakeRequest request = request_from(request_with_action(
      R"({"ActionType":"SessionType","ActionParameters":{"SessionType":"Port","Properties":)"
      "{ \"portNumber\" : \"80\",\n \"x\":[1.50, {}, []], \"<\":\"\\u0026\" }}}"));
  const auto& parameters =
      std::get<SessionTypeParameters>(request.requested_actions.at(0).parameters);
  EXPECT_EQ(parameters.session_type, "Port");
  EXPECT_EQ(parameters.properties, R"({"portNumber":"80","x":[1.50,{},[]],"\u003c":"\u0026"})");
}

TEST(HandshakeRequest, writes_given_properties_compact_and_escaped) {
  HandshakeRequest request;
  request.requested_actions.resize(1);
  request.requested_actions[0].action_type = action_session_type;
  request.requested_actions[0].parameters =
      SessionTypeParameters{"Port", "{ \"host\": \"a b<\\\"\u2028\",\t\"n\": [ 1, 2 ] }"};
  EXPECT_NE(serialize(request).find(R"("Properties":{"host":"a b\u003c\"\u2028","n":[1,2]}})"),
            std::string::npos)
      << serialize(request);
}

TEST(HandshakeRequest, writes_empty_json_text_as_null) {
  HandshakeRequest request;
  request.requested_actions.resize(1);
  request.requested_actions[0].action_type = "Foo";
  request.requested_actions[0].parameters = JsonText{""};
  EXPECT_EQ(serialize(request), R"({"AgentVersion":"","RequestedClientActions":)"
                                R"([{"ActionType":"Foo","ActionParameters":null}]})");
}

TEST(HandshakeRequest, keeps_parameters_of_unknown_actions) {
  const std::string text =
      request_with_action(R"({"ActionType":"Foo","ActionParameters":[1,{"a":null}]})");
  const HandshakeRequest request = request_from(text);
  EXPECT_EQ(std::get<JsonText>(request.requested_actions.at(0).parameters).text,
            R"([1,{"a":null}])");
  EXPECT_EQ(serialize(request), text);
}

TEST(HandshakeRequest, takes_malformed_parameters_of_a_known_action_as_empty) {
  for (const char* const parameters :
       {"null", "7", "[]", R"({"SessionType":7})", R"({"SessionType":{}})"}) {
    const HandshakeRequest request = request_from(request_with_action(
        R"({"ActionType":"SessionType","ActionParameters":)" + std::string(parameters) + "}"));
    EXPECT_EQ(
        std::get<SessionTypeParameters>(request.requested_actions.at(0).parameters).session_type,
        "")
        << parameters;
  }
  const HandshakeRequest request = request_from(request_with_action(
      R"({"ActionType":"KMSEncryption","ActionParameters":{"KMSKeyId":1,"Challenge":"x"}})"));
  EXPECT_EQ(std::get<KmsEncryptionParameters>(request.requested_actions.at(0).parameters),
            (KmsEncryptionParameters{"", "x"}));
}

TEST(HandshakeRequest, takes_null_for_an_action_as_one_without_a_name) {
  const HandshakeRequest request = request_from(request_with_action("null"));
  ASSERT_EQ(request.requested_actions.size(), 1U);
  EXPECT_EQ(request.requested_actions[0].action_type, "");
}

TEST(HandshakeRequest, takes_null_or_nothing_for_the_list_as_empty) {
  EXPECT_TRUE(request_from(R"({"RequestedClientActions":null})").requested_actions.empty());
  EXPECT_TRUE(request_from("{}").requested_actions.empty());
}

TEST(HandshakeRequest, lets_the_last_of_several_lists_win) {
  const HandshakeRequest request =
      request_from(R"({"RequestedClientActions":[{"ActionType":"A"},{"ActionType":"B"}],)"
                   R"("requestedclientactions":[{"ActionType":"C"}]})");
  ASSERT_EQ(request.requested_actions.size(), 1U);
  EXPECT_EQ(request.requested_actions[0].action_type, "C");
}

TEST(HandshakeRequest, names_the_action_that_is_malformed) {
  const Result<HandshakeRequest> request = parse_handshake_request(
      as_bytes(request_with_action(R"({"ActionType":"Foo"},{"ActionType":1})")));
  ASSERT_TRUE(request.has_error());
  EXPECT_EQ(request.error().code, make_error_code(Errc::malformed_field));
  EXPECT_EQ(request.error().context,
            "RequestedClientActions[1].ActionType: expected a string, seen 1");
}

TEST(HandshakeRequest, refuses_a_list_or_an_element_of_another_type) {
  EXPECT_TRUE(parse_handshake_request(as_bytes(R"({"RequestedClientActions":{}})")).has_error());
  EXPECT_TRUE(parse_handshake_request(as_bytes(request_with_action("1"))).has_error());
}

//= HS-008
//= HS-015
TEST(HandshakeResponse, is_written_as_the_reference_client_writes_it) {
  HandshakeResponse response;
  response.client_version = "1.2.0.0";
  response.processed_actions.resize(2);
  response.processed_actions[0].action_type = action_session_type;
  response.processed_actions[0].status = action_success;
  response.processed_actions[1].action_type = action_kms_encryption;
  response.processed_actions[1].status = action_success;
  KmsEncryptionResult result;
  result.cipher_text_key = "Y2lwaGVyVGV4dEtleQ==";
  response.processed_actions[1].result = result;
  const std::string text =
      R"({"ClientVersion":"1.2.0.0","ProcessedClientActions":[{"ActionType":"SessionType",)"
      R"("ActionStatus":1,"ActionResult":null,"Error":""},{"ActionType":"KMSEncryption",)"
      R"("ActionStatus":1,"ActionResult":{"KMSCipherTextKey":"Y2lwaGVyVGV4dEtleQ==",)"
      R"("KMSCipherTextHash":null},"Error":""}],"Errors":null})";
  EXPECT_EQ(serialize(response), text);
  EXPECT_EQ(response_from(text), response);
}

//= HS-011
TEST(HandshakeResponse, to_an_unknown_action_is_written_as_the_reference_client_writes_it) {
  HandshakeResponse response;
  response.client_version = "1.2.0.0";
  response.processed_actions.resize(1);
  response.processed_actions[0].action_type = "Foo";
  response.processed_actions[0].result = JsonText{"3"};
  response.processed_actions[0].error = "Unsupported action Foo";
  response.errors = {"Unsupported action Foo"};
  const std::string text =
      R"({"ClientVersion":"1.2.0.0","ProcessedClientActions":[{"ActionType":"Foo",)"
      R"("ActionStatus":0,"ActionResult":3,"Error":"Unsupported action Foo"}],)"
      R"("Errors":["Unsupported action Foo"]})";
  EXPECT_EQ(serialize(response), text);
  EXPECT_EQ(response_from(text), response);
}

TEST(HandshakeResponse, can_acknowledge_the_challenge) {
  const std::string text = response_with_action(
      R"({"ActionType":"KMSEncryption","ActionStatus":1,"ActionResult":{"KMSCipherTextKey":"QQ==",)"
      R"("KMSCipherTextHash":"Qg==","ChallengeAcknowledgement":true},"Error":""})");
  const HandshakeResponse response = response_from(text);
  const auto& result = std::get<KmsEncryptionResult>(response.processed_actions.at(0).result);
  EXPECT_EQ(result.challenge_acknowledgement, true);
  EXPECT_EQ(result.cipher_text_hash, "Qg==");
  EXPECT_EQ(serialize(response), text);
}

//= HS-013
TEST(HandshakeResponse, may_list_no_actions) {
  const std::string text = response_with_action("");
  EXPECT_TRUE(response_from(text).processed_actions.empty());
  EXPECT_EQ(serialize(response_from(text)), text);
}

//= HS-016
TEST(HandshakeResponse, takes_errors_as_null_array_or_nothing) {
  EXPECT_EQ(response_from(R"({"Errors":null})").errors, std::nullopt);
  EXPECT_EQ(response_from("{}").errors, std::nullopt);
  EXPECT_EQ(response_from(R"({"Errors":[]})").errors, std::vector<std::string>{});
  EXPECT_EQ(response_from(R"({"Errors":["a",null]})").errors, (std::vector<std::string>{"a", ""}));
  EXPECT_TRUE(parse_handshake_response(as_bytes(R"({"Errors":["a",1]})")).has_error());
}

TEST(HandshakeResponse, keeps_a_result_that_is_no_kms_result_as_json) {
  for (const char* const result :
       {"null", "3", R"({"KMSCipherTextKey":"not base64"})", R"({"KMSCipherTextKey":7})"}) {
    const HandshakeResponse response = response_from(
        response_with_action(R"({"ActionType":"KMSEncryption","ActionStatus":1,"ActionResult":)" +
                             std::string(result) + R"(,"Error":""})"));
    ASSERT_TRUE(std::holds_alternative<JsonText>(response.processed_actions.at(0).result));
    EXPECT_EQ(std::get<JsonText>(response.processed_actions[0].result).text, result);
  }
}

TEST(HandshakeResponse, with_status_out_of_range_is_malformed) {
  const Result<HandshakeResponse> response = parse_handshake_response(
      as_bytes(response_with_action(R"({"ActionStatus":9223372036854775808})")));
  ASSERT_TRUE(response.has_error());
  EXPECT_EQ(response.error().context.substr(0, 39), "ProcessedClientActions[0].ActionStatus:");
}

//= HS-020
TEST(HandshakeComplete, refuses_a_fractional_duration) {
  const Result<HandshakeComplete> complete =
      parse_handshake_complete(as_bytes(R"({"HandshakeTimeToComplete":1.5})"));
  ASSERT_TRUE(complete.has_error());
  EXPECT_EQ(complete.error().code, make_error_code(Errc::malformed_field));
}

TEST(EncryptionChallenge, carries_bytes_as_base64) {
  const std::string_view envelope = "\xfb\xff\xfe!";
  const EncryptionChallenge challenge = EncryptionChallenge::from_bytes(as_bytes(envelope));
  EXPECT_EQ(serialize(challenge), R"({"Challenge":"+//+IQ=="})");
  const Result<EncryptionChallenge> read =
      parse_encryption_challenge(as_bytes(serialize(challenge)));
  ASSERT_TRUE(read);
  EXPECT_EQ(as_text(read->bytes().value()), envelope);
}

TEST(EncryptionChallenge, that_is_no_base64_is_malformed) {
  for (const char* const text : {"QQ", "QQ=", "Q===", "Q Q=", "QQ==QQ==", "-_8=", "QQ\\u0000="}) {
    const Result<EncryptionChallenge> challenge =
        parse_encryption_challenge(as_bytes(R"({"Challenge":")" + std::string(text) + R"("})"));
    ASSERT_TRUE(challenge.has_error()) << text;
    EXPECT_EQ(challenge.error().context,
              "Challenge: expected padded standard base64, seen a string");
  }
}

TEST(EncryptionChallenge, of_null_is_empty) {
  const Result<EncryptionChallenge> challenge =
      parse_encryption_challenge(as_bytes(R"({"Challenge":null})"));
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->challenge, "");
}

}  // namespace
}  // namespace ssm::protocol
