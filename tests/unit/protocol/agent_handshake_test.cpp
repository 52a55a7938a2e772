#include "ssm/protocol/agent_handshake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "role_script.hpp"
#include "ssm/protocol/encryption_challenge.hpp"

namespace ssm::protocol {
namespace {

using test::at_ms;
using test::Lines;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Received = AgentHandshake::Received;
using State = AgentHandshake::State;

AgentHandshakeConfig config(SessionDescription session, AgentHandshakeRules rules = {}) {
  return {.rules = rules,
          .agent_version = "3.3.0.0",
          .session_id = "user-1",
          .instance_id = "i-1",
          .session = std::move(session),
          .secret = SecretSeed{}};
}

Lines steps(AgentHandshake& handshake) {
  Lines lines;
  while (auto step = handshake.poll_step()) {
    if (const auto* send = std::get_if<AgentHandshake::Send>(&*step)) {
      lines.push_back(std::string(name(send->type)) + " " + send->payload);
    } else if (const auto* key = std::get_if<DecryptDataKey>(&*step)) {
      lines.push_back(test::describe(*key));
    } else if (const auto* failed = std::get_if<AgentHandshake::Failed>(&*step)) {
      lines.push_back("failed: " + failed->text);
    } else {
      lines.emplace_back("done");
    }
  }
  return lines;
}

Received respond(AgentHandshake& handshake, std::string_view json, int ms = 1) {
  return handshake.receive(PayloadType::handshake_response, as_bytes(json), at_ms(ms));
}

constexpr std::string_view type_done =
    R"({"ActionType":"SessionType","ActionStatus":1,"ActionResult":null,"Error":""})";

std::string response(std::string_view actions, std::string_view version = "1.2.677.0") {
  return R"({"ClientVersion":")" + std::string(version) + R"(","ProcessedClientActions":[)" +
         std::string(actions) + R"(],"Errors":null})";
}

std::string kms_done(std::string_view more = "") {
  return R"({"ActionType":"KMSEncryption","ActionStatus":1,"ActionResult":{"KMSCipherTextKey":"a2V5",)"
         R"("KMSCipherTextHash":null)" +
         std::string(more) + R"(},"Error":""})";
}

AgentHandshake waiting(SessionDescription session, AgentHandshakeRules rules = {}) {
  AgentHandshake handshake(config(std::move(session), rules));
  handshake.start(at_ms(0));
  EXPECT_EQ(handshake.state(), State::awaiting_response);
  (void)steps(handshake);
  return handshake;
}

const SessionDescription command{.session_type = "NonInteractiveCommands"};
const SessionDescription encrypted_shell{.kms_key_id = "key-1"};
const std::vector<std::byte> data_key(64, std::byte{7});

// --- whether there is one -----------------------------------------------------------------------

//= HS-001
TEST(AgentHandshake, is_skipped_for_shells_without_a_key) {
  for (const char* type : {"Standard_Stream", "InteractiveCommands"}) {
    AgentHandshake handshake(config({.session_type = type}));
    handshake.start(at_ms(0));
    EXPECT_THAT(steps(handshake), ElementsAre("done"));
    EXPECT_EQ(handshake.state(), State::skipped);
    EXPECT_FALSE(handshake.next_timeout());
  }
}

//= HS-002
//= HS-006
//= HS-007
TEST(AgentHandshake, requests_the_session_type_first) {
  AgentHandshake handshake(
      config({.session_type = "Port", .properties = R"({"portNumber":"22"})"}));
  handshake.start(at_ms(0));
  EXPECT_THAT(
      steps(handshake),
      ElementsAre(
          R"(handshake_request {"AgentVersion":"3.3.0.0","RequestedClientActions":[{"ActionType":)"
          R"("SessionType","ActionParameters":{"SessionType":"Port","Properties":{"portNumber":)"
          R"("22"}}}]})"));
}

TEST(AgentHandshake, tells_no_properties_of_commands) {
  AgentHandshake handshake(
      config({.session_type = "NonInteractiveCommands", .properties = R"({"linux":{}})"}));
  handshake.start(at_ms(0));
  EXPECT_THAT(steps(handshake), ElementsAre(HasSubstr(R"("Properties":null)")));
}

//= ENC-018
TEST(AgentHandshake, requests_encryption_with_a_challenge_of_16_bytes_when_there_is_a_key) {
  AgentHandshake handshake(config(encrypted_shell));
  handshake.start(at_ms(0));
  const Lines said = steps(handshake);
  ASSERT_EQ(said.size(), 1U);
  const auto request =
      parse_handshake_request(as_bytes(std::string_view(said[0]).substr(18))).value();
  ASSERT_EQ(request.requested_actions.size(), 2U);
  EXPECT_EQ(request.requested_actions[0].action_type, "SessionType");
  const auto& kms = std::get<KmsEncryptionParameters>(request.requested_actions[1].parameters);
  EXPECT_EQ(kms.kms_key_id, "key-1");
  EXPECT_EQ(kms.challenge.size(), 24U) << "base64 of 16 bytes";
}

TEST(AgentHandshake, sends_no_kms_challenge_under_an_older_profile) {
  AgentHandshake handshake(config(encrypted_shell, {.sends_kms_challenge = false}));
  handshake.start(at_ms(0));
  EXPECT_THAT(steps(handshake), ElementsAre(testing::Not(HasSubstr("Challenge"))));
}

//= ENC-025
TEST(AgentHandshake, never_encrypts_a_port_session) {
  AgentHandshake handshake(config({.session_type = "Port", .kms_key_id = "key-1"}));
  handshake.start(at_ms(0));
  EXPECT_FALSE(handshake.encrypted());
  EXPECT_THAT(steps(handshake), ElementsAre(testing::Not(HasSubstr("KMSEncryption"))));
}

// --- the response -------------------------------------------------------------------------------

//= HS-020
TEST(AgentHandshake, completes_with_the_nanoseconds_it_took) {
  AgentHandshake handshake = waiting(command);
  EXPECT_EQ(respond(handshake, response(type_done), 5), Received::taken);
  EXPECT_THAT(steps(handshake),
              ElementsAre(R"(handshake_complete {"HandshakeTimeToComplete":5000000,)"
                          R"("CustomerMessage":""})",
                          "done"));
  EXPECT_EQ(handshake.client_version(), "1.2.677.0");
  EXPECT_FALSE(handshake.next_timeout());
}

//= HS-013
//= HS-014
//= HS-034
TEST(AgentHandshake, accepts_no_actions_unknown_successful_ones_and_any_version) {
  for (const std::string& json :
       {response("", ""),
        response(R"({"ActionType":"New","ActionStatus":1,"ActionResult":{"a":[1]},"Error":""})",
                 "\\u0000 not a version")}) {
    AgentHandshake handshake = waiting(command);
    EXPECT_EQ(respond(handshake, json), Received::taken) << json;
    EXPECT_TRUE(handshake.done()) << json;
  }
}

//= HS-012
TEST(AgentHandshake, fails_on_every_status_but_success) {
  for (const char* status : {"0", "2", "3", "-1", "99"}) {
    AgentHandshake handshake = waiting(command);
    const std::string action = R"({"ActionType":"Foo","ActionStatus":)" + std::string(status) +
                               R"(,"ActionResult":null,"Error":"no Foo here"})";
    EXPECT_EQ(respond(handshake, response(action)), Received::taken);
    EXPECT_THAT(steps(handshake), ElementsAre("failed: Foo failed on client with status " +
                                              std::string(status) + " error: no Foo here"));
    EXPECT_EQ(handshake.state(), State::failed);
  }
}

TEST(AgentHandshake, the_last_failure_is_the_one_that_is_told) {
  AgentHandshake handshake = waiting(command);
  (void)respond(handshake,
                response(R"({"ActionType":"A","ActionStatus":2,"ActionResult":null,"Error":"a"},)"
                         R"({"ActionType":"B","ActionStatus":2,"ActionResult":null,"Error":"b"})"));
  EXPECT_THAT(steps(handshake), ElementsAre("failed: B failed on client with status 2 error: b"));
}

//= HS-025
TEST(AgentHandshake, refuses_a_malformed_response_and_takes_a_good_one_afterwards) {
  AgentHandshake handshake = waiting(command);
  EXPECT_EQ(respond(handshake, "{"), Received::refused);
  EXPECT_EQ(respond(handshake, R"({"ProcessedClientActions":7})"), Received::refused);
  EXPECT_THAT(steps(handshake), IsEmpty());
  EXPECT_EQ(respond(handshake, response(type_done)), Received::taken);
}

//= HS-017
TEST(AgentHandshake, gives_up_15_seconds_after_its_request) {
  AgentHandshake handshake = waiting(command);
  EXPECT_EQ(handshake.next_timeout(), at_ms(15'000));
  handshake.on_timer(at_ms(14'999));
  EXPECT_THAT(steps(handshake), IsEmpty());
  handshake.on_timer(at_ms(15'000));
  EXPECT_THAT(steps(handshake),
              ElementsAre("failed: Handshake timed out. Please ensure that you have the latest "
                          "version of the session manager plugin."));
  EXPECT_EQ(respond(handshake, response(type_done), 16'000), Received::unexpected);
  EXPECT_THAT(steps(handshake), IsEmpty());
}

//= HS-027
TEST(AgentHandshake, does_not_expect_answers_without_questions) {
  AgentHandshake skipped(config({}));
  skipped.start(at_ms(0));
  (void)steps(skipped);
  EXPECT_EQ(respond(skipped, response(type_done)), Received::unexpected);
  EXPECT_EQ(skipped.receive(PayloadType::encryption_challenge_response,
                            as_bytes(R"({"Challenge":"AAAA"})"), at_ms(1)),
            Received::unexpected);
  AgentHandshake complete = waiting(command);
  (void)respond(complete, response(type_done));
  (void)steps(complete);
  EXPECT_EQ(respond(complete, response(type_done)), Received::unexpected);
  EXPECT_THAT(steps(complete), IsEmpty());
}

// --- customer message ---------------------------------------------------------------------------

//= HS-031
TEST(AgentHandshake, tells_users_of_old_clients_to_update_for_separate_output) {
  const SessionDescription separate{.session_type = "NonInteractiveCommands",
                                    .separate_output = true};
  AgentHandshake old_client = waiting(separate);
  (void)respond(old_client, response(type_done, "1.2.219"));
  EXPECT_THAT(
      steps(old_client)[0],
      HasSubstr(R"("Please update session manager plugin version (minimum required version )"
                R"(1.2.312.0) for fully support of separate StdOut/StdErr output.\r\n")"));
  AgentHandshake new_client = waiting(separate);
  (void)respond(new_client, response(type_done, "1.2.312.0"));
  EXPECT_THAT(steps(new_client)[0], HasSubstr(R"("CustomerMessage":"")"));
  AgentHandshake not_separate = waiting(command);
  (void)respond(not_separate, response(type_done, "1.2.219"));
  EXPECT_THAT(steps(not_separate)[0], HasSubstr(R"("CustomerMessage":"")"));
}

// --- encryption ---------------------------------------------------------------------------------

/// Brought to the encryption challenge; returns it as it was sent.
EncryptionChallenge challenged(AgentHandshake& handshake) {
  EXPECT_EQ(respond(handshake, response(std::string(type_done) + "," + kms_done())),
            Received::later);
  EXPECT_THAT(steps(handshake), ElementsAre("call Decrypt key-1 'key' aws:ssm:SessionId=user-1 "
                                            "aws:ssm:TargetId=i-1"));
  handshake.data_key_decrypted(data_key, at_ms(100));
  const Lines said = steps(handshake);
  EXPECT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], StartsWith("encryption_challenge_request "));
  return parse_encryption_challenge(as_bytes(std::string_view(said[0]).substr(29))).value();
}

std::string answer(const std::vector<std::byte>& plaintext) {
  SessionCipher client(CipherEnd::client, data_key, NonceSource::counter({}));
  std::vector<std::byte> envelope(plaintext.size() + envelope_overhead);
  client.encrypt(plaintext, envelope);
  return serialize(EncryptionChallenge::from_bytes(envelope));
}

std::vector<std::byte> opened(const EncryptionChallenge& challenge) {
  SessionCipher client(CipherEnd::client, data_key, NonceSource::counter({}));
  const Frame plaintext = client.decrypt(challenge.bytes().value()).value();
  return {plaintext.bytes().begin(), plaintext.bytes().end()};
}

//= ENC-013
//= ENC-015
//= HS-032
TEST(AgentHandshake, completes_an_encrypted_session_after_the_challenge) {
  AgentHandshake handshake = waiting(encrypted_shell);
  const EncryptionChallenge challenge = challenged(handshake);
  EXPECT_EQ(challenge.bytes().value().size(), 92U);
  EXPECT_EQ(handshake.state(), State::awaiting_challenge);
  EXPECT_EQ(handshake.receive(PayloadType::encryption_challenge_response,
                              as_bytes(answer(opened(challenge))), at_ms(200)),
            Received::taken);
  EXPECT_THAT(steps(handshake),
              ElementsAre(R"(handshake_complete {"HandshakeTimeToComplete":200000000,)"
                          R"("CustomerMessage":"This session is encrypted using AWS KMS."})",
                          "done"));
}

//= ENC-014
TEST(AgentHandshake, ends_at_once_on_a_wrong_answer_to_the_challenge) {
  AgentHandshake handshake = waiting(encrypted_shell);
  (void)challenged(handshake);
  EXPECT_EQ(handshake.receive(PayloadType::encryption_challenge_response,
                              as_bytes(answer(std::vector<std::byte>(64))), at_ms(200)),
            Received::taken);
  EXPECT_THAT(steps(handshake), ElementsAre("failed: Encryption challenge does not match!"));
}

TEST(AgentHandshake, waits_for_the_time_limit_after_a_wrong_answer_as_the_reference_does) {
  AgentHandshake handshake = waiting(encrypted_shell, {.wrong_challenge_ends_at_once = false});
  (void)challenged(handshake);
  EXPECT_EQ(handshake.receive(PayloadType::encryption_challenge_response,
                              as_bytes(answer(std::vector<std::byte>(64))), at_ms(200)),
            Received::refused);
  EXPECT_EQ(handshake.next_timeout(), at_ms(15'100)) << "a limit of its own";
  handshake.on_timer(at_ms(15'100));
  EXPECT_THAT(steps(handshake), ElementsAre("failed: Timed out waiting for encryption challenge."));
}

TEST(AgentHandshake, survives_every_kind_of_damaged_answer_to_the_challenge) {
  for (const char* json : {"", "{", "[]", R"({"Challenge":"?"})", R"({"Challenge":7})"}) {
    AgentHandshake handshake = waiting(encrypted_shell);
    (void)challenged(handshake);
    EXPECT_EQ(
        handshake.receive(PayloadType::encryption_challenge_response, as_bytes(json), at_ms(1)),
        Received::refused)
        << json;
  }
  for (const char* json : {"{}", R"({"Challenge":""})", R"({"Challenge":"AAAA"})"}) {
    AgentHandshake handshake = waiting(encrypted_shell);
    (void)challenged(handshake);
    EXPECT_EQ(
        handshake.receive(PayloadType::encryption_challenge_response, as_bytes(json), at_ms(1)),
        Received::taken)
        << json;
    EXPECT_EQ(handshake.state(), State::failed) << json;
  }
}

//= ENC-017
TEST(AgentHandshake, fails_when_the_data_key_cannot_be_decrypted) {
  AgentHandshake handshake = waiting(encrypted_shell);
  (void)respond(handshake, response(kms_done()));
  (void)steps(handshake);
  handshake.data_key_failed("InvalidCiphertextException", at_ms(2));
  EXPECT_THAT(steps(handshake),
              ElementsAre("failed: Fetching data key failed: InvalidCiphertextException"));
}

TEST(AgentHandshake, fails_when_the_data_key_has_another_size) {
  AgentHandshake handshake = waiting(encrypted_shell);
  (void)respond(handshake, response(kms_done()));
  (void)steps(handshake);
  handshake.data_key_decrypted(std::vector<std::byte>(32), at_ms(2));
  EXPECT_EQ(handshake.state(), State::failed);
}

TEST(AgentHandshake, lets_the_time_run_while_the_key_service_is_silent) {
  AgentHandshake handshake = waiting(encrypted_shell);
  (void)respond(handshake, response(kms_done()));
  (void)steps(handshake);
  EXPECT_EQ(respond(handshake, response(kms_done())), Received::later) << "a resend";
  EXPECT_THAT(steps(handshake), IsEmpty()) << "asked only once";
  handshake.on_timer(at_ms(15'000));
  EXPECT_EQ(handshake.state(), State::failed);
  (void)steps(handshake);
  handshake.data_key_decrypted(data_key, at_ms(16'000));
  EXPECT_THAT(steps(handshake), IsEmpty());
}

TEST(AgentHandshake, fails_when_the_requested_encryption_is_not_answered) {
  AgentHandshake handshake = waiting(encrypted_shell);
  EXPECT_EQ(respond(handshake, response(type_done)), Received::taken);
  EXPECT_THAT(steps(handshake),
              ElementsAre("failed: KMSEncryption was asked for, but not answered"));
}

TEST(AgentHandshake, fails_when_encryption_is_answered_without_being_requested) {
  AgentHandshake handshake = waiting(command);
  EXPECT_EQ(respond(handshake, response(kms_done())), Received::unexpected);
  EXPECT_THAT(steps(handshake),
              ElementsAre("failed: KMSEncryption was answered, but not asked for"));
}

TEST(AgentHandshake, fails_when_the_answer_holds_no_key_or_comes_twice) {
  for (const char* result :
       {"null", "{}", "7", R"({"KMSCipherTextKey":""})", R"({"KMSCipherTextKey":"?"})"}) {
    AgentHandshake handshake = waiting(encrypted_shell);
    EXPECT_EQ(respond(handshake,
                      response(R"({"ActionType":"KMSEncryption","ActionStatus":1,"ActionResult":)" +
                               std::string(result) + R"(,"Error":""})")),
              Received::taken)
        << result;
    EXPECT_EQ(handshake.state(), State::failed) << result;
  }
  AgentHandshake twice = waiting(encrypted_shell);
  EXPECT_EQ(respond(twice, response(kms_done() + "," + kms_done())), Received::later);
  twice.data_key_decrypted(data_key, at_ms(2));
  EXPECT_EQ(twice.state(), State::failed);
}

TEST(AgentHandshake, a_failure_after_the_key_ends_the_session_too) {
  AgentHandshake handshake = waiting(encrypted_shell);
  (void)respond(handshake, response(kms_done() + R"(,{"ActionType":"B","ActionStatus":2,)"
                                                 R"("ActionResult":null,"Error":"b"})"));
  (void)steps(handshake);
  handshake.data_key_decrypted(data_key, at_ms(2));
  EXPECT_THAT(steps(handshake), ElementsAre("failed: B failed on client with status 2 error: b"));
}

//= ENC-019
TEST(AgentHandshake, binds_its_challenge_into_the_context_when_the_client_did) {
  AgentHandshake handshake = waiting(encrypted_shell);
  (void)respond(handshake, response(kms_done(R"(,"ChallengeAcknowledgement":true)")));
  EXPECT_THAT(steps(handshake), ElementsAre(HasSubstr(" aws:ssm:RandomChallenge=")));
}

//= ENC-020
TEST(AgentHandshake, refuses_clients_that_do_not_bind_the_challenge_if_it_must) {
  AgentHandshake handshake = waiting(encrypted_shell, {.requires_kms_challenge = true});
  EXPECT_EQ(respond(handshake, response(kms_done())), Received::taken);
  EXPECT_THAT(
      steps(handshake),
      ElementsAre("failed: client does not support required encryption context random challenge"));
}

}  // namespace
}  // namespace ssm::protocol
