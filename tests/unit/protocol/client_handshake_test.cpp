#include "ssm/protocol/client_handshake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "role_script.hpp"

namespace ssm::protocol {
namespace {

using testing::HasSubstr;

ClientHandshakeConfig config(ClientHandshakeRules rules = {}, bool encrypts = true) {
  return {.rules = rules,
          .client_version = "1.2.0.0",
          .session_id = "user-1",
          .encryption = encrypts ? std::optional(ClientEncryption{.secret = {}, .target_id = "i-1"})
                                 : std::nullopt,
          .why_no_encryption = "no KMS"};
}

RequestedAction session_type(std::string type) {
  return {.action_type = "SessionType",
          .parameters = SessionTypeParameters{.session_type = std::move(type)}};
}
RequestedAction kms(std::string challenge = {}) {
  return {.action_type = "KMSEncryption",
          .parameters =
              KmsEncryptionParameters{.kms_key_id = "key-1", .challenge = std::move(challenge)}};
}

std::string describe(const ClientHandshake::Step& step) {
  if (const auto* key = std::get_if<GenerateDataKey>(&step)) {
    return test::describe(*key);
  }
  return serialize(std::get<HandshakeResponse>(step));
}

std::string answer(ClientHandshake& handshake, std::vector<RequestedAction> actions) {
  return describe(
      handshake.answer({.agent_version = "3.3.0.0", .requested_actions = std::move(actions)}));
}

const std::vector<std::byte> data_key(64, std::byte{7});

//= HS-009
TEST(ClientHandshake, accepts_the_four_session_types) {
  for (const char* type :
       {"Standard_Stream", "InteractiveCommands", "NonInteractiveCommands", "Port"}) {
    ClientHandshake handshake(config());
    EXPECT_EQ(answer(handshake, {session_type(type)}),
              R"({"ClientVersion":"1.2.0.0","ProcessedClientActions":[{"ActionType":"SessionType",)"
              R"("ActionStatus":1,"ActionResult":null,"Error":""}],"Errors":null})");
    EXPECT_EQ(handshake.session_type(), type);
  }
}

//= HS-010
TEST(ClientHandshake, refuses_other_session_types_with_the_plugins_texts) {
  ClientHandshake handshake(config());
  EXPECT_EQ(
      answer(handshake, {session_type("Nope")}),
      R"({"ClientVersion":"1.2.0.0","ProcessedClientActions":[{"ActionType":"SessionType",)"
      R"("ActionStatus":2,"ActionResult":null,"Error":"Failed to process action SessionType: )"
      R"(Unknown session type Nope"}],"Errors":["Unknown session type Nope"]})");
  EXPECT_EQ(handshake.session_type(), "");
}

//= HS-011
TEST(ClientHandshake, answers_unknown_actions_with_status_3_where_the_plugin_puts_3_elsewhere) {
  const RequestedAction foo{.action_type = "Foo", .parameters = {}};
  ClientHandshake ours(config());
  EXPECT_THAT(answer(ours, {foo}), HasSubstr(R"("ActionStatus":3,"ActionResult":null)"));
  ClientHandshake plugin(config({.unknown_action_status_in_result = true}));
  EXPECT_EQ(answer(plugin, {foo}),
            R"({"ClientVersion":"1.2.0.0","ProcessedClientActions":[{"ActionType":"Foo",)"
            R"("ActionStatus":0,"ActionResult":3,"Error":"Unsupported action Foo"}],)"
            R"("Errors":["Unsupported action Foo"]})");
}

//= HS-008
//= ENC-001
TEST(ClientHandshake, asks_for_a_key_in_between_and_answers_all_actions_in_order) {
  ClientHandshake handshake(config({.binds_kms_challenge = false}));
  EXPECT_EQ(answer(handshake, {session_type("Standard_Stream"), kms("Y2hhbGxlbmdl"), kms()}),
            "call GenerateDataKey key-1 aws:ssm:SessionId=user-1 aws:ssm:TargetId=i-1");
  EXPECT_TRUE(handshake.busy());
  EXPECT_EQ(describe(handshake.data_key_generated(data_key, as_bytes("cipherTextKey"))),
            "call GenerateDataKey key-1 aws:ssm:SessionId=user-1 aws:ssm:TargetId=i-1");
  EXPECT_EQ(
      describe(handshake.data_key_failed("AccessDenied")),
      R"({"ClientVersion":"1.2.0.0","ProcessedClientActions":[{"ActionType":"SessionType",)"
      R"("ActionStatus":1,"ActionResult":null,"Error":""},{"ActionType":"KMSEncryption",)"
      R"("ActionStatus":1,"ActionResult":{"KMSCipherTextKey":"Y2lwaGVyVGV4dEtleQ==",)"
      R"("KMSCipherTextHash":null},"Error":""},{"ActionType":"KMSEncryption","ActionStatus":2,)"
      R"("ActionResult":null,"Error":"Failed to process action KMSEncryption: AccessDenied"}],)"
      R"("Errors":["AccessDenied"]})");
  EXPECT_FALSE(handshake.busy());
  EXPECT_NE(handshake.cipher(), nullptr) << "on although another action failed";
}

//= ENC-019
TEST(ClientHandshake, binds_the_agents_challenge_and_says_so) {
  ClientHandshake handshake(config());
  EXPECT_EQ(answer(handshake, {kms("Y2hhbGxlbmdl")}),
            "call GenerateDataKey key-1 aws:ssm:SessionId=user-1 aws:ssm:TargetId=i-1 "
            "aws:ssm:RandomChallenge=Y2hhbGxlbmdl");
  EXPECT_THAT(describe(handshake.data_key_generated(data_key, as_bytes("k"))),
              HasSubstr(R"("ChallengeAcknowledgement":true)"));
}

TEST(ClientHandshake, does_not_acknowledge_a_challenge_that_was_not_sent) {
  ClientHandshake handshake(config());
  (void)answer(handshake, {kms()});
  EXPECT_THAT(describe(handshake.data_key_generated(data_key, as_bytes("k"))),
              testing::Not(HasSubstr("ChallengeAcknowledgement")));
}

//= ENC-016
TEST(ClientHandshake, answers_without_asking_when_it_cannot_encrypt) {
  ClientHandshake handshake(config({}, false));
  EXPECT_THAT(answer(handshake, {kms()}),
              HasSubstr(R"("ActionStatus":2,"ActionResult":null,"Error":"Failed to process action )"
                        R"(KMSEncryption: no KMS"}],"Errors":["no KMS"])"));
  EXPECT_EQ(handshake.cipher(), nullptr);
}

TEST(ClientHandshake, refuses_a_key_of_another_size) {
  ClientHandshake handshake(config());
  (void)answer(handshake, {kms()});
  EXPECT_THAT(describe(handshake.data_key_generated(std::vector<std::byte>(32), as_bytes("k"))),
              HasSubstr(R"("ActionStatus":2)"));
  EXPECT_EQ(handshake.cipher(), nullptr);
}

//= HS-028
TEST(ClientHandshake, answers_a_repeated_request_again) {
  ClientHandshake handshake(config());
  const std::string first = answer(handshake, {session_type("Port")});
  EXPECT_EQ(answer(handshake, {session_type("Port")}), first);
}

//= ENC-012
TEST(ClientHandshake, echoes_the_challenge_under_the_other_key) {
  ClientHandshake handshake(config());
  (void)answer(handshake, {kms()});
  (void)handshake.data_key_generated(data_key, as_bytes("k"));
  SessionCipher agent(CipherEnd::agent, data_key, NonceSource::counter({}));
  std::vector<std::byte> envelope(64 + envelope_overhead);
  agent.encrypt(std::vector<std::byte>(64, std::byte{'c'}), envelope);
  const auto echoed = handshake.answer_challenge(EncryptionChallenge::from_bytes(envelope));
  ASSERT_TRUE(echoed);
  const Frame plaintext = agent.decrypt(echoed->bytes().value()).value();
  EXPECT_EQ(as_text(plaintext.bytes()), std::string(64, 'c'));
}

TEST(ClientHandshake, answers_no_challenge_that_it_cannot_read) {
  ClientHandshake without_keys(config());
  EXPECT_FALSE(without_keys.answer_challenge(EncryptionChallenge::from_bytes({})));
  ClientHandshake handshake(config());
  (void)answer(handshake, {kms()});
  (void)handshake.data_key_generated(data_key, as_bytes("k"));
  EXPECT_FALSE(handshake.answer_challenge(EncryptionChallenge::from_bytes({})));
  EXPECT_FALSE(handshake.answer_challenge({.challenge = "?"}));
  EXPECT_FALSE(
      handshake.answer_challenge(EncryptionChallenge::from_bytes(std::vector<std::byte>(92))));
}

}  // namespace
}  // namespace ssm::protocol
