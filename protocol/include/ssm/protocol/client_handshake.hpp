#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ssm/protocol/data_key.hpp"
#include "ssm/protocol/encryption_challenge.hpp"
#include "ssm/protocol/handshake.hpp"
#include "ssm/protocol/rules.hpp"
#include "ssm/protocol/secret_stream.hpp"
#include "ssm/protocol/session_cipher.hpp"

namespace ssm::protocol {

/// What a client needs for an encrypted session, beside a key service.
struct ClientEncryption {
  SecretSeed secret{};
  /// The target as it was given to StartSession.
  std::string target_id;
};

struct ClientHandshakeConfig {
  ClientHandshakeRules rules;
  std::string client_version;
  std::string session_id;
  /// Not set: the action KMSEncryption is answered as failed, because of `why_no_encryption`.
  std::optional<ClientEncryption> encryption;
  std::string why_no_encryption;
};

/// The client's answers in a handshake, and the keys that come of it. Actions are processed one
/// after the other, and one of them can need a data key: each call returns what to do next.
class ClientHandshake {
 public:
  explicit ClientHandshake(ClientHandshakeConfig config);

  /// Either ask for a data key, or send this response.
  using Step = std::variant<GenerateDataKey, HandshakeResponse>;

  /// Answers each action in order (HS-008). May be called again once the response was given: a
  /// repeated request is answered again (HS-028). Asserts !busy().
  [[nodiscard]] Step answer(HandshakeRequest request);
  /// The answer to GenerateDataKey; asserts busy().
  [[nodiscard]] Step data_key_generated(Bytes plaintext, Bytes ciphertext);
  [[nodiscard]] Step data_key_failed(std::string_view cause);

  /// The challenge, decrypted and encrypted the other way. Errors: what is wrong with it;
  /// malformed_payload without keys.
  [[nodiscard]] Result<EncryptionChallenge> answer_challenge(const EncryptionChallenge& challenge);

  /// A data key is awaited.
  [[nodiscard]] bool busy() const { return next_action_.has_value(); }
  /// True once a request arrived: from then on data waits for HandshakeComplete.
  [[nodiscard]] bool begun() const { return begun_; }
  /// The accepted session type, or empty.
  [[nodiscard]] const std::string& session_type() const { return session_type_; }
  [[nodiscard]] const std::string& properties() const { return properties_; }
  [[nodiscard]] const std::string& agent_version() const { return request_.agent_version; }
  /// nullptr while the session is not encrypted.
  [[nodiscard]] SessionCipher* cipher() { return cipher_ ? &*cipher_ : nullptr; }

 private:
  [[nodiscard]] Step process_actions(std::size_t from);
  [[nodiscard]] ProcessedAction process(const RequestedAction& action);
  void add(ProcessedAction processed);
  [[nodiscard]] DataKeyContext key_context() const;

  ClientHandshakeConfig config_;
  std::optional<SecretStream> secrets_;
  bool begun_ = false;
  HandshakeRequest request_;
  HandshakeResponse response_;
  /// While a data key is awaited: the action that needs it.
  std::optional<std::size_t> next_action_;
  std::string session_type_;
  std::string properties_ = "null";
  std::optional<SessionCipher> cipher_;
};

}  // namespace ssm::protocol
