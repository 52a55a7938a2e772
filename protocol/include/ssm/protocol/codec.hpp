#pragma once

#include "ssm/protocol/error.hpp"
#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/message.hpp"

namespace ssm::protocol {

/// How a receiver reads and judges a message: what the two references do, and what we do.
/// Each difference between the two is one field. tests/golden shows them case by case.
struct MessageRules {
  /// HeaderLength near 2^32 wraps, so that the payload starts at byte 0 to 3. Only the
  /// references do this; otherwise such a length is payload_out_of_bounds.
  bool wrap_header_length = false;
  /// The agent reads PayloadLength as 0 when nothing follows it, because its integer reader wants
  /// one byte more after each 4-byte field. So it also takes 116 bytes for a truncated header.
  bool length_field_needs_payload = false;
  /// Check PayloadDigest at all (the client does, the agent does not).
  bool check_digest = true;
  /// No digest check when PayloadLength says 0, even if bytes follow (client, WIRE-012).
  bool zero_length_skips_digest = false;
  /// Accept pause_publication and start_publication without any check (client, FLOW-005).
  bool publication_control_exempt = false;
  /// Refuse a PayloadLength that is not the payload's size. No reference does.
  bool check_payload_length = false;
  /// Refuse a SchemaVersion other than 1. No reference does (WIRE-005).
  bool check_schema_version = false;
  /// Refuse a HeaderLength other than 112 or 116. No reference does.
  bool check_header_length = false;

  friend bool operator==(const MessageRules&, const MessageRules&) = default;
};

/// Ours: what both references accept from each other, with every bound and the digest checked.
inline constexpr MessageRules strict_message_rules{};
/// The same for a client, which takes pause_publication and start_publication as they come: those
/// that the service makes do not pass its checks (FLOW-005).
inline constexpr MessageRules strict_client_message_rules{.publication_control_exempt = true};
/// session-manager-plugin 1.2.677 (`src/message/messageparser.go`).
inline constexpr MessageRules plugin_message_rules{.wrap_header_length = true,
                                                   .zero_length_skips_digest = true,
                                                   .publication_control_exempt = true};
/// amazon-ssm-agent 3.3.1142 (`agent/session/contracts/agentmessage.go`).
inline constexpr MessageRules agent_message_rules{
    .wrap_header_length = true, .length_field_needs_payload = true, .check_digest = false};
/// For a linter of what a peer sends: everything that can be checked is.
inline constexpr MessageRules pedantic_message_rules{
    .check_payload_length = true, .check_schema_version = true, .check_header_length = true};

/// Reads the structure without judging it: bounds only. The view points into `message`.
/// Errors: truncated_header, payload_out_of_bounds.
[[nodiscard]] Result<MessageView> decode(Bytes message,
                                         const MessageRules& rules = strict_message_rules);

/// Judges a decoded message. `type_text` decides which checks apply.
/// Errors: zero_header_length, unknown_header_length, blank_message_type, zero_created_date,
/// unknown_schema_version, payload_length_mismatch, digest_mismatch.
[[nodiscard]] Result<> validate(const MessageView& message, const MessageRules& rules);

/// decode, then validate.
[[nodiscard]] Result<MessageView> parse(Bytes message, const MessageRules& rules);

/// Bytes that `encode` needs for a payload of this size.
[[nodiscard]] constexpr std::size_t encoded_size(std::size_t payload_size) {
  return payload_offset + payload_size;
}

/// Writes one message into `out` and returns its size. `payload` may already stand at
/// `out[payload_offset]`; it is then not copied. Allocates nothing.
/// Errors: empty_payload, limit_reached (a payload that 32 bits cannot count),
/// message_type_too_long, nil_message_id, buffer_too_small.
[[nodiscard]] Result<std::size_t> encode(const MessageHeader& header, Bytes payload,
                                         MutableBytes out);

/// The same into a frame of its own.
[[nodiscard]] Result<Frame> encode(const MessageHeader& header, Bytes payload);

/// Receive-only forms that no reference sender produces but the service does or may
/// (WIRE-003, WIRE-015, WIRE-017): empty payload allowed, HeaderLength 112 or 116, NUL padding.
/// With HeaderLength 112 a payload under 4 bytes makes a message that receivers refuse as
/// truncated.
struct EncodeForm {
  bool without_payload_type = false;  ///< HeaderLength 112
  bool nul_padding = false;
  bool allow_empty_payload = false;
};
[[nodiscard]] Result<Frame> encode_form(const MessageHeader& header, Bytes payload,
                                        EncodeForm form);

}  // namespace ssm::protocol
