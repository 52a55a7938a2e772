#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

/// The three JSON payloads of the handshake.
/// Source: session-manager-plugin src/message/handshakemessage.go, amazon-ssm-agent
/// agent/session/contracts/model.go.
namespace ssm::protocol {

inline constexpr std::string_view action_session_type = "SessionType";
inline constexpr std::string_view action_kms_encryption = "KMSEncryption";

/// ActionStatus. Anything but success ends the session (HS-012).
inline constexpr std::int64_t action_success = 1;
inline constexpr std::int64_t action_failed = 2;
inline constexpr std::int64_t action_unsupported = 3;

/// A JSON value as text, without white space and with Go's escapes where we parsed it. Text set by
/// the caller must be valid JSON; empty text is written as `null`.
struct JsonText {
  std::string text = "null";

  friend bool operator==(const JsonText&, const JsonText&) = default;
};

/// Parameters of the action SessionType. Members of the wrong type are empty, so that a malformed
/// request counts as one for a session type without a name, as in the reference client.
struct SessionTypeParameters {
  /// Standard_Stream, InteractiveCommands, NonInteractiveCommands, Port, or anything else.
  std::string session_type;
  /// JSON text as in `JsonText`: null for the three shell types, the properties of the session
  /// document for Port (HS-007).
  std::string properties = "null";

  friend bool operator==(const SessionTypeParameters&, const SessionTypeParameters&) = default;
};

/// Parameters of the action KMSEncryption. Members of the wrong type are empty.
struct KmsEncryptionParameters {
  std::string kms_key_id;
  /// Base64 of 16 random bytes, bound into the encryption context as this text; not sent if empty
  /// (agents before 3.3.808.0).
  std::string challenge;

  friend bool operator==(const KmsEncryptionParameters&, const KmsEncryptionParameters&) = default;
};

struct RequestedAction {
  std::string action_type;
  /// Typed for the two known actions, JSON for all others.
  std::variant<JsonText, SessionTypeParameters, KmsEncryptionParameters> parameters;

  friend bool operator==(const RequestedAction&, const RequestedAction&) = default;
};

/// PayloadType 5, agent to client (HS-006).
struct HandshakeRequest {
  std::string agent_version;
  std::vector<RequestedAction> requested_actions;

  friend bool operator==(const HandshakeRequest&, const HandshakeRequest&) = default;
};

/// Result of the action KMSEncryption: the data key, encrypted by KMS.
struct KmsEncryptionResult {
  /// Padded standard base64.
  std::string cipher_text_key;
  /// Padded standard base64; the reference client always sends null.
  std::optional<std::string> cipher_text_hash;
  /// Whether the random challenge went into the encryption context; not sent if not set, which
  /// means false (plugin 1.2.677).
  std::optional<bool> challenge_acknowledgement;

  friend bool operator==(const KmsEncryptionResult&, const KmsEncryptionResult&) = default;
};

struct ProcessedAction {
  std::string action_type;
  /// Any number occurs: the reference client answers an unknown action with status 0 (HS-011).
  std::int64_t status = 0;
  /// Typed if the action is KMSEncryption and the result can be read as one; null or other JSON
  /// otherwise.
  std::variant<JsonText, KmsEncryptionResult> result;
  /// Empty on success.
  std::string error;

  friend bool operator==(const ProcessedAction&, const ProcessedAction&) = default;
};

/// PayloadType 6, client to agent (HS-008).
struct HandshakeResponse {
  std::string client_version;
  std::vector<ProcessedAction> processed_actions;
  /// null if not set, which is how the reference client says that there are none (HS-015).
  std::optional<std::vector<std::string>> errors;

  friend bool operator==(const HandshakeResponse&, const HandshakeResponse&) = default;
};

/// PayloadType 7, agent to client (HS-020).
struct HandshakeComplete {
  /// Nanoseconds.
  std::int64_t time_to_complete = 0;
  /// May be empty.
  std::string customer_message;

  friend bool operator==(const HandshakeComplete&, const HandshakeComplete&) = default;
};

/// Missing members are empty or 0. Errors: malformed_json, malformed_field.
[[nodiscard]] Result<HandshakeRequest> parse_handshake_request(Bytes payload);
[[nodiscard]] Result<HandshakeResponse> parse_handshake_response(Bytes payload);
[[nodiscard]] Result<HandshakeComplete> parse_handshake_complete(Bytes payload);

[[nodiscard]] std::string serialize(const HandshakeRequest& request);
[[nodiscard]] std::string serialize(const HandshakeResponse& response);
[[nodiscard]] std::string serialize(const HandshakeComplete& complete);

}  // namespace ssm::protocol
