#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What a role asks of the key service. The driver calls KMS and answers.

namespace ssm::protocol {

/// The encryption context, which has to be the same for both calls (ENC-001, ENC-002).
struct DataKeyContext {
  std::string session_id;
  /// The agent's instance id; the client takes the target it was started with.
  std::string target_id;
  /// The agent's challenge as it was sent, where the client binds it; empty otherwise.
  std::string random_challenge = {};

  /// Names and values for EncryptionContext: `aws:ssm:SessionId`, `aws:ssm:TargetId`, and
  /// `aws:ssm:RandomChallenge` unless it is empty.
  [[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> entries() const;

  friend bool operator==(const DataKeyContext&, const DataKeyContext&) = default;
};

/// Client: call GenerateDataKey for 64 bytes; answer with data_key_generated or data_key_failed.
struct GenerateDataKey {
  std::string key_id;
  DataKeyContext context;
};

/// Agent: call Decrypt; answer with data_key_decrypted or data_key_failed.
struct DecryptDataKey {
  std::string key_id;
  std::vector<std::byte> ciphertext;
  DataKeyContext context;
};

}  // namespace ssm::protocol
