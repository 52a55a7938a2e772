#include "ssm/protocol/client_handshake.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/base64.hpp"

namespace ssm::protocol {
namespace {

constexpr std::array<std::string_view, 4> session_types = {"Standard_Stream", "InteractiveCommands",
                                                           "NonInteractiveCommands", "Port"};

ProcessedAction successful(std::string_view type) {
  return {.action_type = std::string(type),
          .status = action_success,
          .result = JsonText{},
          .error = {}};
}

ProcessedAction failed(std::string_view type, std::string cause) {
  return {.action_type = std::string(type),
          .status = action_failed,
          .result = JsonText{},
          .error = std::move(cause)};
}

}  // namespace

ClientHandshake::ClientHandshake(ClientHandshakeConfig config) : config_(std::move(config)) {
  if (config_.encryption) {
    secrets_.emplace(config_.encryption->secret);
  }
}

ClientHandshake::Step ClientHandshake::answer(HandshakeRequest request) {
  SSM_ASSERT(!busy());
  begun_ = true;
  request_ = std::move(request);
  response_ = {
      .client_version = config_.client_version, .processed_actions = {}, .errors = std::nullopt};
  return process_actions(0);
}

ClientHandshake::Step ClientHandshake::process_actions(std::size_t from) {
  //= HS-008
  for (std::size_t i = from; i < request_.requested_actions.size(); ++i) {
    const RequestedAction& action = request_.requested_actions[i];
    const auto* const kms = std::get_if<KmsEncryptionParameters>(&action.parameters);
    if (kms != nullptr && config_.encryption) {
      next_action_ = i;
      //= ENC-001
      return GenerateDataKey{kms->kms_key_id, key_context()};
    }
    add(process(action));
  }
  return response_;
}

ProcessedAction ClientHandshake::process(const RequestedAction& action) {
  if (const auto* type = std::get_if<SessionTypeParameters>(&action.parameters)) {
    if (std::find(session_types.begin(), session_types.end(), type->session_type) ==
        session_types.end()) {
      //= HS-010
      return failed(action.action_type, "Unknown session type " + type->session_type);
    }
    //= HS-009
    session_type_ = type->session_type;
    properties_ = type->properties;
    return successful(action.action_type);
  }
  if (std::holds_alternative<KmsEncryptionParameters>(action.parameters)) {
    //= ENC-016
    return failed(action.action_type, config_.why_no_encryption);
  }
  //= HS-011
  ProcessedAction unknown = failed(action.action_type, "Unsupported action " + action.action_type);
  if (config_.rules.unknown_action_status_in_result) {
    unknown.status = 0;
    unknown.result = JsonText{std::to_string(action_unsupported)};
  } else {
    unknown.status = action_unsupported;
  }
  return unknown;
}

void ClientHandshake::add(ProcessedAction processed) {
  //= HS-015
  if (!processed.error.empty()) {
    if (!response_.errors) {
      response_.errors.emplace();
    }
    response_.errors->push_back(processed.error);
  }
  if (processed.status == action_failed) {
    processed.error = "Failed to process action " + processed.action_type + ": " + processed.error;
  }
  response_.processed_actions.push_back(std::move(processed));
}

DataKeyContext ClientHandshake::key_context() const {
  const auto& kms =
      std::get<KmsEncryptionParameters>(request_.requested_actions[*next_action_].parameters);
  return {.session_id = config_.session_id,
          .target_id = config_.encryption->target_id,
          .random_challenge = config_.rules.binds_kms_challenge ? kms.challenge : std::string()};
}

ClientHandshake::Step ClientHandshake::data_key_generated(Bytes plaintext, Bytes ciphertext) {
  SSM_ASSERT(busy());
  if (plaintext.size() != data_key_size) {
    return data_key_failed("the data key from KMS has " + std::to_string(plaintext.size()) +
                           " bytes, 64 were asked for");
  }
  // From here on, even if another action fails: as the reference does.
  cipher_.emplace(CipherEnd::client, plaintext, NonceSource::random(*secrets_));
  // The nonces of a later key come from elsewhere in the stream.
  SecretSeed next{};
  secrets_->fill(next);
  secrets_.emplace(next);
  const bool bound = !key_context().random_challenge.empty();
  const std::size_t action = *std::exchange(next_action_, std::nullopt);
  ProcessedAction processed = successful(action_kms_encryption);
  processed.result = KmsEncryptionResult{
      .cipher_text_key = encode_base64(ciphertext),
      .cipher_text_hash = std::nullopt,
      //= ENC-019
      .challenge_acknowledgement = bound ? std::optional(true) : std::nullopt,
  };
  add(std::move(processed));
  return process_actions(action + 1);
}

ClientHandshake::Step ClientHandshake::data_key_failed(std::string_view cause) {
  SSM_ASSERT(busy());
  const std::size_t action = *std::exchange(next_action_, std::nullopt);
  //= ENC-016
  add(failed(action_kms_encryption, std::string(cause)));
  return process_actions(action + 1);
}

Result<EncryptionChallenge> ClientHandshake::answer_challenge(
    const EncryptionChallenge& challenge) {
  if (!cipher_) {
    return Error(Errc::malformed_payload, 0, "an encryption challenge without keys");
  }
  const Result<std::vector<std::byte>> envelope = challenge.bytes();
  if (!envelope) {
    return envelope.error();
  }
  //= ENC-012
  const Result<Frame> plaintext = cipher_->decrypt(*envelope);
  if (!plaintext) {
    return plaintext.error();
  }
  std::vector<std::byte> answer(plaintext->size() + envelope_overhead);
  cipher_->encrypt(plaintext->bytes(), answer);
  return EncryptionChallenge::from_bytes(answer);
}

}  // namespace ssm::protocol
