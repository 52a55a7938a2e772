#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::protocol {

/// Payload of PayloadTypes 8 (agent to client) and 9 (back). The JSON itself is not encrypted; the
/// bytes are the envelope of 64 random bytes.
/// Source: amazon-ssm-agent agent/session/contracts/model.go, session-manager-plugin
/// src/message/handshakemessage.go.
struct EncryptionChallenge {
  /// Padded standard base64.
  std::string challenge;

  [[nodiscard]] static EncryptionChallenge from_bytes(Bytes envelope);
  /// Error: malformed_field if `challenge` is no base64; never for a parsed payload.
  [[nodiscard]] Result<std::vector<std::byte>> bytes() const;

  friend bool operator==(const EncryptionChallenge&, const EncryptionChallenge&) = default;
};

/// A missing challenge is empty. Errors: malformed_json, malformed_field.
[[nodiscard]] Result<EncryptionChallenge> parse_encryption_challenge(Bytes payload);
[[nodiscard]] std::string serialize(const EncryptionChallenge& challenge);

}  // namespace ssm::protocol
