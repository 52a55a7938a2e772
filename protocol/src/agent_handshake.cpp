#include "ssm/protocol/agent_handshake.hpp"

#include <algorithm>
#include <utility>

#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/base64.hpp"
#include "ssm/protocol/encryption_challenge.hpp"
#include "ssm/protocol/version.hpp"

namespace ssm::protocol {
namespace {

constexpr std::string_view port = "Port";
constexpr std::string_view non_interactive = "NonInteractiveCommands";
constexpr std::size_t kms_challenge_size = 16;

constexpr std::string_view response_timeout_text =
    "Handshake timed out. Please ensure that you have the latest version of the session manager "
    "plugin.";
constexpr std::string_view challenge_timeout_text = "Timed out waiting for encryption challenge.";
constexpr std::string_view wrong_challenge_text = "Encryption challenge does not match!";
constexpr std::string_view no_kms_challenge_text =
    "client does not support required encryption context random challenge";
constexpr std::string_view separate_output_text =
    "Please update session manager plugin version (minimum required version 1.2.312.0) for fully "
    "support of separate StdOut/StdErr output.\r\n";
constexpr std::string_view encrypted_text = "This session is encrypted using AWS KMS.";

}  // namespace

AgentHandshake::AgentHandshake(AgentHandshakeConfig config)
    : config_(std::move(config)),
      //= ENC-025
      encrypted_(!config_.session.kms_key_id.empty() && config_.session.session_type != port) {}

void AgentHandshake::start(Instant now) {
  SSM_ASSERT(state_ == State::idle);
  //= HS-001
  //= HS-002
  if (!encrypted_ && config_.session.session_type != port &&
      config_.session.session_type != non_interactive) {
    state_ = State::skipped;
    steps_.push(Done{});
    return;
  }
  SSM_ASSERT(!encrypted_ || config_.secret);
  if (encrypted_) {
    secrets_.emplace(*config_.secret);
  }
  state_ = State::awaiting_response;
  started_at_ = now;
  //= HS-017
  deadline_ = now + config_.rules.response_limit;
  send_request();
}

void AgentHandshake::send_request() {
  //= HS-006
  //= HS-007
  HandshakeRequest request{
      .agent_version = config_.agent_version,
      .requested_actions = {
          {.action_type = std::string(action_session_type),
           .parameters = SessionTypeParameters{.session_type = config_.session.session_type,
                                               .properties = config_.session.session_type == port
                                                                 ? config_.session.properties
                                                                 : "null"}}}};
  if (encrypted_) {
    //= ENC-018
    if (config_.rules.sends_kms_challenge) {
      std::array<std::byte, kms_challenge_size> bytes{};
      secrets_->fill(bytes);
      kms_challenge_ = encode_base64(bytes);
    }
    request.requested_actions.push_back(
        {.action_type = std::string(action_kms_encryption),
         .parameters = KmsEncryptionParameters{.kms_key_id = config_.session.kms_key_id,
                                               .challenge = kms_challenge_}});
  }
  steps_.push(Send{PayloadType::handshake_request, serialize(request)});
}

AgentHandshake::Received AgentHandshake::receive(PayloadType type, Bytes payload, Instant now) {
  return type == PayloadType::handshake_response ? receive_response(payload, now)
                                                 : receive_challenge(payload, now);
}

// --- the response -------------------------------------------------------------------------------

AgentHandshake::Received AgentHandshake::receive_response(Bytes payload, Instant now) {
  if (state_ == State::awaiting_key) {
    return Received::later;
  }
  Result<HandshakeResponse> response = parse_handshake_response(payload);
  if (!response) {
    //= HS-025
    return Received::refused;
  }
  //= HS-027
  if (state_ != State::awaiting_response) {
    return Received::unexpected;
  }
  //= HS-034
  response_ = std::move(*response);
  if (process_actions(0)) {
    state_ = State::awaiting_key;
    return Received::later;
  }
  const bool unasked = key_unasked_;
  finish_response(now);
  return unasked ? Received::unexpected : Received::taken;
}

bool AgentHandshake::process_actions(std::size_t from) {
  for (std::size_t i = from; i < response_.processed_actions.size(); ++i) {
    const ProcessedAction& action = response_.processed_actions[i];
    //= HS-012
    if (action.status != action_success) {
      error_ = action.action_type + " failed on client with status " +
               std::to_string(action.status) + " error: " + action.error;
      continue;
    }
    //= HS-014
    if (action.action_type != action_kms_encryption) {
      continue;
    }
    const auto* const result = std::get_if<KmsEncryptionResult>(&action.result);
    const Result<std::vector<std::byte>> key =
        decode_base64(result == nullptr ? std::string_view() : result->cipher_text_key);
    if (!encrypted_) {
      key_unasked_ = true;
      error_ = "KMSEncryption was answered, but not asked for";
    } else if (std::exchange(key_answered_, true)) {
      error_ = "KMSEncryption was answered twice";
    } else if (!key || key->empty()) {
      error_ = "Fetching data key failed: KMSEncryption was answered without a data key";
    } else if (const bool bound =
                   !kms_challenge_.empty() && result->challenge_acknowledgement.value_or(false);
               config_.rules.requires_kms_challenge && !bound) {
      //= ENC-020
      error_ = no_kms_challenge_text;
    } else {
      //= ENC-002
      key_action_ = i;
      steps_.push(
          DecryptDataKey{.key_id = config_.session.kms_key_id,
                         .ciphertext = *key,
                         .context = {.session_id = config_.session_id,
                                     .target_id = config_.instance_id,
                                     .random_challenge = bound ? kms_challenge_ : std::string()}});
      return true;
    }
  }
  return false;
}

void AgentHandshake::data_key_decrypted(Bytes plaintext, Instant now) {
  if (state_ != State::awaiting_key) {
    return;
  }
  if (plaintext.size() != data_key_size) {
    data_key_failed(
        "the data key has " + std::to_string(plaintext.size()) + " bytes, expected are 64", now);
    return;
  }
  const auto nonces = [this] {
    if (config_.rules.counts_nonces) {
      Nonce first{};
      secrets_->fill(first);
      return NonceSource::counter(first);
    }
    SecretSeed seed{};
    secrets_->fill(seed);
    return NonceSource::random(SecretStream(seed));
  };
  cipher_.emplace(CipherEnd::agent, plaintext, nonces());
  if (!process_actions(key_action_ + 1)) {
    finish_response(now);
  }
}

void AgentHandshake::data_key_failed(std::string_view cause, Instant now) {
  if (state_ != State::awaiting_key) {
    return;
  }
  //= ENC-017
  error_ = "Fetching data key failed: " + std::string(cause);
  if (!process_actions(key_action_ + 1)) {
    finish_response(now);
  }
}

void AgentHandshake::finish_response(Instant now) {
  if (!error_.empty()) {
    fail(error_);
  } else if (!encrypted_) {
    //= HS-013
    complete(now);
  } else if (!cipher_) {
    fail("KMSEncryption was asked for, but not answered");
  } else {
    send_challenge(now);
  }
}

// --- the encryption challenge -------------------------------------------------------------------

void AgentHandshake::send_challenge(Instant now) {
  //= ENC-013
  //= ENC-015
  secrets_->fill(challenge_);
  std::array<std::byte, sizeof challenge_ + envelope_overhead> envelope{};
  cipher_->encrypt(challenge_, envelope);
  state_ = State::awaiting_challenge;
  deadline_ = now + config_.rules.challenge_limit;
  steps_.push(Send{PayloadType::encryption_challenge_request,
                   serialize(EncryptionChallenge::from_bytes(envelope))});
}

AgentHandshake::Received AgentHandshake::receive_challenge(Bytes payload, Instant now) {
  const Result<EncryptionChallenge> answer = parse_encryption_challenge(payload);
  const auto envelope = answer ? answer->bytes() : Result<std::vector<std::byte>>(answer.error());
  if (!envelope) {
    return Received::refused;
  }
  if (state_ != State::awaiting_challenge) {
    return Received::unexpected;
  }
  const Result<Frame> plaintext = cipher_->decrypt(*envelope);
  if (plaintext && std::ranges::equal(plaintext->bytes(), challenge_)) {
    // An earlier wrong answer is not forgotten.
    if (error_.empty()) {
      complete(now);
    } else {
      fail(error_);
    }
    return Received::taken;
  }
  //= ENC-014
  error_ = wrong_challenge_text;
  if (!config_.rules.wrong_challenge_ends_at_once) {
    return Received::refused;
  }
  fail(error_);
  return Received::taken;
}

// --- the end ------------------------------------------------------------------------------------

void AgentHandshake::complete(Instant now) {
  state_ = State::complete;
  deadline_.reset();
  //= HS-020
  steps_.push(Send{PayloadType::handshake_complete,
                   serialize(HandshakeComplete{.time_to_complete = (now - started_at_).count(),
                                               .customer_message = customer_message()})});
  steps_.push(Done{});
}

std::string AgentHandshake::customer_message() const {
  std::string message;
  //= HS-031
  if (config_.session.session_type == non_interactive && config_.session.separate_output &&
      agent_gate::client_mixes_output(response_.client_version)) {
    message += separate_output_text;
  }
  //= HS-032
  if (encrypted_) {
    message += encrypted_text;
  }
  return message;
}

void AgentHandshake::fail(std::string text) {
  state_ = State::failed;
  deadline_.reset();
  steps_.push(Failed{std::move(text)});
}

void AgentHandshake::on_timer(Instant now) {
  if (!deadline_ || now < *deadline_) {
    return;
  }
  fail(std::string(state_ == State::awaiting_challenge ? challenge_timeout_text
                                                       : response_timeout_text));
}

}  // namespace ssm::protocol
