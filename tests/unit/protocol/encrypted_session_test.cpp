#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "role_script.hpp"

/// Handshake and encryption through whole roles: a client and an agent, joined without a service.

namespace ssm::protocol {
namespace {

using test::at_ms;
using test::Lines;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::vector<std::byte> data_key(64, std::byte{7});

SecretSeed seed(int value) {
  SecretSeed bytes{};
  bytes[0] = static_cast<std::byte>(value);
  return bytes;
}

/// Both roles at one time, messages delivered at once; the frames are kept.
struct Pair {
  explicit Pair(SessionDescription session, std::string_view client_profile = "strict",
                std::string_view agent_profile = "strict")
      : client({.profile = *find_client_profile(client_profile),
                .session_id = "user-1",
                .stream_url = "ws://service",
                .token = "T1",
                .epoch = {.start = {}, .unix_ms_at_start = 1'700'000'000'000},
                .seed = 1,
                .encryption = ClientEncryption{.secret = seed(1), .target_id = "i-1"}}),
        agent({.profile = *find_agent_profile(agent_profile),
               .session_id = "user-1",
               .instance_id = "i-1",
               .session = std::move(session),
               .epoch = {.start = {}, .unix_ms_at_start = 1'700'000'000'000},
               .seed = 2,
               .secret = seed(2)}) {
    client.start(at_ms(1));
    client.connection_opened(at_ms(1));
    agent.start(at_ms(1));
    agent.channel_created("T2", at_ms(1));
    agent.connection_opened(at_ms(1));
  }

  void run(Instant now = at_ms(1)) {
    for (bool progress = true; progress;) {
      progress = false;
      while (auto output = client.poll_output()) {
        progress = true;
        if (auto* binary = std::get_if<SendBinary>(&*output)) {
          from_client.push_back(binary->frame);
          agent.receive(binary->frame, now);
        } else if (std::holds_alternative<GenerateDataKey>(*output)) {
          client.data_key_generated(data_key, as_bytes("ciphertext"), now);
        }
      }
      while (auto output = agent.poll_output()) {
        progress = true;
        if (auto* binary = std::get_if<SendBinary>(&*output)) {
          from_agent.push_back(binary->frame);
          client.receive(binary->frame, now);
        } else if (std::holds_alternative<DecryptDataKey>(*output)) {
          agent.data_key_decrypted(data_key, now);
        }
      }
      while (auto event = client.poll_event()) {
        std::visit([this](const auto& e) { client_events.push_back(test::describe(e)); }, *event);
      }
      while (auto event = agent.poll_event()) {
        std::visit([this](const auto& e) { agent_events.push_back(test::describe(e)); }, *event);
        if (std::holds_alternative<AgentConnected>(*event)) {
          agent.set_input_ready(true, now);
        }
      }
    }
  }

  ClientRole client;
  AgentRole agent;
  std::vector<Frame> from_client;
  std::vector<Frame> from_agent;
  Lines client_events;
  Lines agent_events;
};

const SessionDescription encrypted_shell{.kms_key_id = "key-1"};

/// The payload of the last stream message.
std::string last_payload(const std::vector<Frame>& frames) {
  for (auto it = frames.rbegin(); it != frames.rend(); ++it) {
    const MessageView message = parse(it->bytes(), pedantic_message_rules).value();
    if (message.type == MessageType::input_stream_data ||
        message.type == MessageType::output_stream_data) {
      return std::string(as_text(message.payload));
    }
  }
  return {};
}

//= HS-022
//= ENC-021
TEST(EncryptedSession, starts_after_handshake_and_challenge_and_carries_data_both_ways) {
  for (const char* agent : {"strict", "agent-3.3"}) {
    for (const char* client : {"strict", "plugin-1.2.677"}) {
      Pair pair(encrypted_shell, client, agent);
      EXPECT_FALSE(pair.client.can_send());
      pair.run();
      EXPECT_THAT(pair.client_events,
                  ElementsAre("* customer message This session is encrypted using AWS KMS.",
                              "* started Standard_Stream"));
      EXPECT_THAT(pair.agent_events, ElementsAre("* connected"));
      pair.client.send_input(as_bytes("secret input"), at_ms(1));
      pair.run();
      EXPECT_THAT(last_payload(pair.from_client), Not(HasSubstr("secret")));
      pair.agent.send_output(PayloadType::output, as_bytes("secret output"), at_ms(1));
      pair.agent.send_output(PayloadType::std_err, as_bytes("secret error"), at_ms(1));
      pair.agent.send_output(PayloadType::exit_code, as_bytes("EXIT_CODE: 0"), at_ms(1));
      pair.run();
      EXPECT_THAT(last_payload(pair.from_agent), Not(HasSubstr("EXIT")));
      EXPECT_THAT(pair.agent_events, Contains("* output 'secret input'"));
      EXPECT_THAT(pair.client_events, Contains("* output 'secret output'"));
      EXPECT_THAT(pair.client_events, Contains("* std_err 'secret error'"));
      EXPECT_THAT(pair.client_events, Contains("* exit_code 'EXIT_CODE: 0'"));
    }
  }
}

//= ENC-008
//= ENC-011
TEST(EncryptedSession, sizes_travel_in_the_clear) {
  Pair pair(encrypted_shell);
  pair.run();
  pair.client.send_size({.cols = 80, .rows = 24}, at_ms(1));
  pair.run();
  EXPECT_EQ(last_payload(pair.from_client), R"({"cols":80,"rows":24})");
  EXPECT_THAT(pair.agent_events, Contains("* size 80x24"));
}

//= ENC-024
//= RTX-006
//= RESUME-010
TEST(EncryptedSession, keeps_keys_and_envelopes_over_a_reconnect) {
  Pair pair(encrypted_shell);
  pair.run();
  pair.client.send_input(as_bytes("lost"), at_ms(2));
  const auto lost = std::get<SendBinary>(pair.client.poll_output().value()).frame;
  pair.client.connection_lost("reset", at_ms(3));
  pair.client.on_timer(at_ms(3));
  pair.client.resume_answered("T3", "", at_ms(4));
  pair.client.connection_opened(at_ms(5));
  pair.run(at_ms(5));
  EXPECT_EQ(last_payload(pair.from_client), as_text(lost.bytes().subspan(payload_offset)));
  EXPECT_THAT(pair.agent_events, Contains("* output 'lost'"));
  EXPECT_THAT(pair.client_events, Not(Contains("* started Standard_Stream").Times(2)));
}

//= SEQ-014
//= ENC-022
//= ENC-023
TEST(EncryptedSession, damaged_envelopes_are_left_unacknowledged_and_harm_nothing) {
  Pair pair(encrypted_shell);
  pair.run();
  const std::int64_t next = pair.client.status().expected_sequence;
  for (const std::size_t size : {0U, 1U, 5U, 11U, 12U, 27U, 28U, 40U}) {
    pair.client.receive(test::output_frame(next, std::string(size, 'x')), at_ms(2));
    pair.agent.receive(
        test::input_frame(pair.agent.status().expected_sequence, std::string(size, 'x')), at_ms(2));
  }
  EXPECT_THAT(test::drain(pair.client), IsEmpty());
  EXPECT_THAT(test::drain(pair.agent), IsEmpty());
  pair.agent.send_output(PayloadType::output, as_bytes("fine"), at_ms(2));
  pair.run();
  EXPECT_THAT(pair.client_events, Contains("* output 'fine'"));
}

//= ENC-023
//= RESUME-020
TEST(EncryptedSession, a_short_envelope_deafens_the_references_for_good) {
  Pair pair(encrypted_shell, "plugin-1.2.677", "agent-3.3");
  pair.run();
  pair.client.receive(test::output_frame(pair.client.status().expected_sequence, "short"),
                      at_ms(2));
  pair.agent.receive(test::input_frame(pair.agent.status().expected_sequence, "short"), at_ms(2));
  pair.client.receive(test::control_frame(MessageType::channel_closed, "{}"), at_ms(3));
  pair.agent.receive(test::control_frame(MessageType::channel_closed, "{}"), at_ms(3));
  pair.client.connection_lost("reset", at_ms(4));
  pair.agent.connection_lost("reset", at_ms(4));
  EXPECT_THAT(test::drain(pair.client), IsEmpty());
  EXPECT_THAT(test::drain(pair.agent), IsEmpty());
  EXPECT_EQ(pair.client.status().connection, ConnectionState::lost);
  EXPECT_EQ(pair.agent.status().connection, ConnectionState::lost);
}

//= WIRE-019
TEST(ListenerDeath, a_payload_beyond_the_message_deafens_only_the_references) {
  for (const bool reference : {false, true}) {
    Pair pair({}, reference ? "plugin-1.2.677" : "strict", reference ? "agent-3.3" : "strict");
    pair.run();
    Frame bad = Frame::copy_of(test::output_frame(0, "x").bytes());
    store_big_endian<std::uint32_t>(bad.writable(), 0, 5000);
    pair.client.receive(bad, at_ms(2));
    pair.agent.receive(bad, at_ms(2));
    pair.client.receive(test::output_frame(0, "still there?"), at_ms(3));
    pair.agent.receive(test::input_frame(0, "still there?"), at_ms(3));
    EXPECT_EQ(test::drain(pair.client).empty(), reference);
    EXPECT_EQ(test::drain(pair.agent).empty(), reference);
  }
}

//= HS-027
TEST(ListenerDeath, a_response_that_nobody_waits_for_is_dropped_or_deafens_the_reference) {
  const Frame response = test::frame_of({.type = MessageType::input_stream_data,
                                         .sequence = 0,
                                         .payload = R"({"ClientVersion":"1"})",
                                         .payload_type = PayloadType::handshake_response});
  Pair ours({});
  ours.run();
  ours.agent.receive(response, at_ms(2));
  EXPECT_THAT(test::drain(ours.agent), ElementsAre("ack 0"));
  Pair reference({}, "strict", "agent-3.3");
  reference.run();
  reference.agent.receive(response, at_ms(2));
  reference.agent.receive(test::input_frame(0, "x"), at_ms(3));
  EXPECT_THAT(test::drain(reference.agent), IsEmpty());
}

// --- the agent's handshake in its role ----------------------------------------------------------

const SessionDescription command{.session_type = "NonInteractiveCommands"};

AgentRole waiting(SessionDescription session, std::string_view profile = "strict") {
  AgentRole role({.profile = *find_agent_profile(profile),
                  .session_id = "user-1",
                  .instance_id = "i-1",
                  .session = std::move(session),
                  .epoch = {.start = {}, .unix_ms_at_start = 1'700'000'000'000},
                  .seed = 2,
                  .secret = seed(2)});
  role.start(at_ms(0));
  role.channel_created("T", at_ms(0));
  role.connection_opened(at_ms(0));
  const Lines said = test::drain(role);
  EXPECT_EQ(said.size(), 5U) << "not connected yet";
  EXPECT_EQ(said[3], "agent_session_state Connected");
  EXPECT_THAT(said[4], HasSubstr("output 0 handshake_request"));
  EXPECT_FALSE(role.can_send());
  return role;
}

Frame response_frame(std::int64_t sequence, std::string_view actions = "") {
  return test::frame_of({.type = MessageType::input_stream_data,
                         .sequence = sequence,
                         .payload = R"({"ClientVersion":"1.2.677.0","ProcessedClientActions":[)" +
                                    std::string(actions) + "]}",
                         .payload_type = PayloadType::handshake_response});
}

//= ACK-010
TEST(AgentRoleHandshake, acknowledges_and_discards_input_before_its_completion) {
  AgentRole role = waiting(command);
  role.set_input_ready(true, at_ms(0));
  role.receive(test::input_frame(0, "too early"), at_ms(1));
  EXPECT_THAT(test::drain(role), ElementsAre("ack 0"));
  role.receive(response_frame(1), at_ms(2));
  EXPECT_THAT(test::drain(role),
              ElementsAre("ack 1", HasSubstr("output 1 handshake_complete"), "* connected"));
  role.receive(test::input_frame(2, "now"), at_ms(3));
  EXPECT_THAT(test::drain(role), ElementsAre("ack 2", "* output 'now'"));
}

//= SEQ-017
TEST(AgentRoleHandshake, takes_a_response_that_arrives_out_of_order) {
  AgentRole role = waiting(command);
  role.receive(response_frame(1), at_ms(1));
  EXPECT_THAT(test::drain(role), ElementsAre("ack 1"));
  role.receive(test::input_frame(0, "early"), at_ms(2));
  EXPECT_THAT(test::drain(role),
              ElementsAre("ack 0", HasSubstr("output 1 handshake_complete"), "* connected"));
}

//= HS-018
TEST(AgentRoleHandshake, resends_its_request_until_acknowledged) {
  AgentRole role = waiting(command);
  const Lines said = test::run_until(role, at_ms(200));
  ASSERT_EQ(said.size(), 2U);
  EXPECT_THAT(said[1], HasSubstr("output 0 handshake_request"));
}

//= HS-017
//= HS-029
TEST(AgentRoleHandshake, fails_without_terminating_when_nobody_answers) {
  AgentRole role = waiting(command);
  role.receive(test::ack_frame(0), at_ms(1));
  EXPECT_THAT(test::run_until(role, at_ms(20'000)),
              ElementsAre("@15000", "drop",
                          "* ended failed: Encountered error while initiating handshake. Handshake "
                          "timed out. Please ensure that you have the latest version of the "
                          "session manager plugin."));
}

//= HS-029
TEST(AgentRoleHandshake, waits_two_seconds_for_acknowledgements_after_a_failure) {
  AgentRole role = waiting(command);
  role.receive(response_frame(0, R"({"ActionType":"SessionType","ActionStatus":2,"Error":"no"})"),
               at_ms(1000));
  EXPECT_THAT(test::drain(role), ElementsAre("ack 0"));
  const Lines said = test::run_until(role, at_ms(20'000));
  ASSERT_GE(said.size(), 3U);
  EXPECT_THAT(Lines(said.end() - 3, said.end()),
              ElementsAre("@3000", "drop",
                          "* ended failed: Encountered error while initiating handshake. "
                          "SessionType failed on client with status 2 error: no"));
}

//= ACK-008
TEST(AgentRoleHandshake, acknowledges_the_response_once_the_key_is_decrypted) {
  AgentRole role = waiting(encrypted_shell);
  const Frame response =
      response_frame(0, R"({"ActionType":"KMSEncryption","ActionStatus":1,"ActionResult":)"
                        R"({"KMSCipherTextKey":"a2V5"}})");
  role.receive(response, at_ms(1));
  role.receive(response, at_ms(2));
  EXPECT_THAT(
      test::drain(role),
      ElementsAre("call Decrypt key-1 'key' aws:ssm:SessionId=user-1 aws:ssm:TargetId=i-1"));
  role.receive(test::frame_of({.type = MessageType::input_stream_data,
                               .sequence = 1,
                               .payload = R"({"cols":1,"rows":1})",
                               .payload_type = PayloadType::size}),
               at_ms(3));
  EXPECT_THAT(test::drain(role), ElementsAre("ack 1"));
  role.data_key_decrypted(data_key, at_ms(4));
  EXPECT_THAT(test::drain(role),
              ElementsAre("ack 0", HasSubstr("output 1 encryption_challenge_request")));
}

TEST(AgentRoleHandshake,
     output_before_there_are_keys_is_dropped_by_ours_and_deafens_the_reference) {
  AgentRole ours = waiting(encrypted_shell);
  ours.receive(test::input_frame(0, "x"), at_ms(1));
  EXPECT_THAT(test::drain(ours), ElementsAre("ack 0"));
  AgentRole reference = waiting(encrypted_shell, "agent-3.3");
  reference.receive(test::input_frame(0, "x"), at_ms(1));
  reference.receive(response_frame(0), at_ms(2));
  EXPECT_THAT(test::drain(reference), IsEmpty());
}

// --- the client's side in its role --------------------------------------------------------------

constexpr std::string_view request_encryption =
    R"({"AgentVersion":"3.3.0.0","RequestedClientActions":[{"ActionType":"SessionType",)"
    R"("ActionParameters":{"SessionType":"Standard_Stream"}},{"ActionType":"KMSEncryption",)"
    R"("ActionParameters":{"KMSKeyId":"key-1"}}]})";

ClientRole opened(std::optional<ClientEncryption> encryption) {
  ClientRole role({.profile = *find_client_profile("strict"),
                   .session_id = "user-1",
                   .stream_url = "ws://service",
                   .token = "T1",
                   .epoch = {.start = {}, .unix_ms_at_start = 1'700'000'000'000},
                   .seed = 1,
                   .encryption = std::move(encryption),
                   .why_no_encryption = std::string(old_cli_no_encryption)});
  role.start(at_ms(0));
  role.connection_opened(at_ms(0));
  (void)test::drain(role);
  return role;
}

Frame request_frame(std::int64_t sequence) {
  return test::frame_of({.sequence = sequence,
                         .payload = std::string(request_encryption),
                         .payload_type = PayloadType::handshake_request});
}

//= ENC-016
TEST(ClientRoleHandshake, names_an_old_cli_as_the_reason) {
  ClientRole role = opened(std::nullopt);
  role.receive(request_frame(0), at_ms(1));
  EXPECT_THAT(test::drain(role),
              ElementsAre("ack 0", HasSubstr("Installed version of CLI does not support")));
}

TEST(ClientRoleHandshake, fails_the_action_before_the_agent_gives_up_when_kms_is_silent) {
  ClientRole role = opened(ClientEncryption{});
  role.receive(request_frame(0), at_ms(1000));
  (void)test::drain(role);
  const Lines said = test::run_until(role, at_ms(11'000));
  ASSERT_GE(said.size(), 2U);
  EXPECT_EQ(said[0], "@11000");
  EXPECT_THAT(said[1], HasSubstr("KMS did not answer in time"));
}

TEST(ClientRoleHandshake, waits_with_a_repeated_request_while_it_fetches_the_key) {
  ClientRole role = opened(ClientEncryption{});
  role.receive(request_frame(0), at_ms(1));
  role.receive(request_frame(1), at_ms(2));
  EXPECT_THAT(test::drain(role), ElementsAre("ack 0", HasSubstr("call GenerateDataKey")));
}

TEST(ClientRoleHandshake, survives_an_agent_that_asks_for_ever_and_acknowledges_nothing) {
  ClientRole role = opened(std::nullopt);
  for (int i = 0; i < 5000; ++i) {
    role.receive(request_frame(role.status().expected_sequence), at_ms(1));
  }
  EXPECT_LE(role.status().unacknowledged, 1024U);
}

TEST(ClientRoleHandshake, ignores_a_challenge_without_keys) {
  ClientRole role = opened(std::nullopt);
  role.receive(test::frame_of({.sequence = 0,
                               .payload = R"({"Challenge":"AAAA"})",
                               .payload_type = PayloadType::encryption_challenge_request}),
               at_ms(1));
  role.receive(test::output_frame(1, "$ "), at_ms(1));
  EXPECT_THAT(test::drain(role),
              ElementsAre("ack 0", "ack 1", "* started Standard_Stream", "* output '$ '"));
}

}  // namespace
}  // namespace ssm::protocol
