#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "ssm/protocol/base64.hpp"
#include "ssm/protocol/client_role.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/encryption_challenge.hpp"
#include "ssm/protocol/session_cipher.hpp"
#include "vector_file.hpp"

/// A session that the official programs encrypted, read and answered by ours.

namespace ssm::golden {
namespace {

using namespace protocol;

std::vector<Vector> recording() {
  return load_vectors(SSM_SOURCE_DIR "/tests/golden/recorded_encrypted_session.vec");
}

SessionCipher cipher(CipherEnd end) {
  return {end, decode_base64(recording().front().at("plaintext_base64")).value(),
          NonceSource::counter({})};
}

std::string decrypted(SessionCipher& by, const MessageView& message) {
  const Result<Frame> plaintext = by.decrypt(message.payload);
  EXPECT_TRUE(plaintext);
  return plaintext ? std::string(as_text(plaintext->bytes())) : "";
}

//= ENC-003
//= ENC-004
//= ENC-009
TEST(EncryptedSession, each_end_reads_what_the_official_other_end_wrote) {
  SessionCipher agent = cipher(CipherEnd::agent);
  SessionCipher client = cipher(CipherEnd::client);
  std::string input;
  std::string output;
  for (const Vector& vector : recording()) {
    if (!vector.has("message")) {
      continue;
    }
    const std::vector<std::byte> bytes = from_hex(vector.at("message"));
    const MessageView message = parse(bytes, pedantic_message_rules).value();
    if (message.payload_type() == PayloadType::output) {
      if (vector.at("from") == "agent") {
        output += decrypted(client, message);
      } else {
        input += decrypted(agent, message);
      }
    }
  }
  EXPECT_EQ(input, "echo secret\nexit\n");
  EXPECT_EQ(output, "$ echo secret\r\nsecret\r\n$ exit\r\n");
}

//= ENC-012
TEST(EncryptedSession, the_official_answer_to_the_challenge_holds_the_same_bytes) {
  SessionCipher agent = cipher(CipherEnd::agent);
  SessionCipher client = cipher(CipherEnd::client);
  std::vector<Frame> challenges;
  for (const Vector& vector : recording()) {
    if (!vector.has("message")) {
      continue;
    }
    const std::vector<std::byte> bytes = from_hex(vector.at("message"));
    const MessageView message = parse(bytes, pedantic_message_rules).value();
    if (message.payload_type() == PayloadType::encryption_challenge_request ||
        message.payload_type() == PayloadType::encryption_challenge_response) {
      const auto envelope = parse_encryption_challenge(message.payload).value().bytes().value();
      EXPECT_EQ(envelope.size(), 92U);
      challenges.push_back(
          (vector.at("from") == "agent" ? client : agent).decrypt(envelope).value());
    }
  }
  ASSERT_EQ(challenges.size(), 2U);
  EXPECT_EQ(as_text(challenges[0].bytes()), as_text(challenges[1].bytes()));
}

/// Payloads of one type that the client sent.
std::vector<std::string> sent_payloads(ClientRole& role, PayloadType type) {
  std::vector<std::string> payloads;
  while (auto output = role.poll_output()) {
    if (const auto* binary = std::get_if<SendBinary>(&*output)) {
      const MessageView message = parse(binary->frame.bytes(), pedantic_message_rules).value();
      if (message.type == MessageType::input_stream_data && message.payload_type() == type) {
        payloads.emplace_back(as_text(message.payload));
      }
    }
  }
  return payloads;
}

TEST(EncryptedSession, the_client_answers_the_official_agent_as_the_plugin_did) {
  const std::vector<Vector> all = recording();
  ClientProfile profile = *find_client_profile("plugin-1.2.677");
  profile.version = "1.2.0.0";
  ClientRole role(
      {.profile = profile,
       .session_id = all.front().at("session_id"),
       .stream_url = "ws://service",
       .token = "T",
       .epoch = {.start = {}, .unix_ms_at_start = 1'700'000'000'000},
       .seed = 1,
       .encryption = ClientEncryption{.secret = {}, .target_id = all.front().at("target_id")}});
  role.start({});
  role.connection_opened({});
  std::string output;
  std::string expected_response;
  std::vector<std::string> responses;
  for (const Vector& vector : all) {
    if (!vector.has("message")) {
      continue;
    }
    const std::vector<std::byte> bytes = from_hex(vector.at("message"));
    const MessageView message = parse(bytes, pedantic_message_rules).value();
    if (vector.at("from") == "client") {
      if (message.payload_type() == PayloadType::handshake_response) {
        expected_response = as_text(message.payload);
      }
      continue;
    }
    role.receive(Frame::copy_of(bytes), {});
    if (message.payload_type() == PayloadType::handshake_request) {
      role.data_key_generated(decode_base64(all.front().at("plaintext_base64")).value(),
                              decode_base64(all.front().at("ciphertext_base64")).value(), {});
      responses = sent_payloads(role, PayloadType::handshake_response);
    }
  }
  ASSERT_EQ(responses.size(), 1U);
  EXPECT_EQ(responses[0], expected_response);
  EXPECT_EQ(sent_payloads(role, PayloadType::encryption_challenge_response).size(), 1U);
  std::vector<std::string> told;
  while (auto event = role.poll_event()) {
    if (const auto* received = std::get_if<OutputReceived>(&*event)) {
      output += as_text(received->data.bytes());
    } else if (const auto* customer = std::get_if<CustomerMessage>(&*event)) {
      told.push_back(customer->text);
    }
  }
  EXPECT_EQ(output, "$ echo secret\r\nsecret\r\n$ exit\r\n");
  EXPECT_EQ(told, std::vector<std::string>{"This session is encrypted using AWS KMS."});
}

}  // namespace
}  // namespace ssm::golden
