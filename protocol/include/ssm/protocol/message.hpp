#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/sha256.hpp"
#include "ssm/protocol/uuid.hpp"

namespace ssm::protocol {

/// The message types we know, data and control channel (session-manager-plugin
/// `src/message/clientmessage.go`, amazon-ssm-agent `agent/session/contracts/model.go`).
enum class MessageType : std::uint8_t {
  unknown,  ///< any other text; see MessageView::type_text
  input_stream_data,
  output_stream_data,
  acknowledge,
  channel_closed,
  pause_publication,
  start_publication,
  agent_session_state,
  interactive_shell,
  agent_task_complete,
  agent_task_acknowledge,
  data_channel_ready,
};

/// The text on the wire; empty for `unknown`.
[[nodiscard]] std::string_view wire_name(MessageType type);
/// `unknown` for a text that is none of ours. Exact match, as in the references.
[[nodiscard]] MessageType message_type_from(std::string_view text);

/// PayloadType of stream messages (same files). Other values occur and are kept.
enum class PayloadType : std::uint32_t {
  none = 0,
  output = 1,
  error = 2,
  size = 3,
  parameter = 4,
  handshake_request = 5,
  handshake_response = 6,
  handshake_complete = 7,
  encryption_challenge_request = 8,
  encryption_challenge_response = 9,
  flag = 10,
  std_err = 11,
  exit_code = 12,
};
/// A short name for people: "output", "handshake_request"; "unknown" for other values.
[[nodiscard]] std::string_view name(PayloadType type);

/// Flags: bit 0 SYN, bit 1 FIN. No reference receiver reads them (WIRE-022).
inline constexpr std::uint64_t flag_syn = 1;
inline constexpr std::uint64_t flag_fin = 2;

/// Layout of an AgentMessage, all integers big-endian (WIRE-001 to WIRE-014):
///
///     0    4  HeaderLength   116, or 112 without PayloadType; bytes before PayloadLength
///     4   32  MessageType    text, padded with spaces (sent) or NULs (also read)
///    36    4  SchemaVersion  1
///    40    8  CreatedDate    ms since the Unix epoch, not 0
///    48    8  SequenceNumber signed
///    56    8  Flags
///    64   16  MessageId      UUID bytes 8..15, then bytes 0..7
///    80   32  PayloadDigest  SHA-256 of the payload as sent
///   112    4  PayloadType
///   116    4  PayloadLength
///   120    n  Payload        from HeaderLength + 4 to the end of the message
inline constexpr std::uint32_t header_length = 116;
inline constexpr std::uint32_t header_length_without_payload_type = 112;
inline constexpr std::size_t payload_offset = 120;
inline constexpr std::size_t message_type_size = 32;
inline constexpr std::uint32_t schema_version = 1;

/// A decoded message: values of the header, and views into the bytes it was decoded from, which
/// must outlive it.
struct MessageView {
  std::uint32_t header_length = 0;
  MessageType type = MessageType::unknown;
  /// MessageType without its padding.
  std::string_view type_text;
  std::uint32_t schema_version = 0;
  std::uint64_t created_date_ms = 0;
  std::int64_t sequence_number = 0;
  std::uint64_t flags = 0;
  Uuid message_id;
  Bytes digest;  ///< 32 bytes
  /// As read at offset 112 whatever HeaderLength says, as the references do; use payload_type()
  /// unless you need exactly that.
  std::uint32_t payload_type_field = 0;
  /// As written by the sender at offset 116; never used to cut the payload.
  std::uint32_t payload_length_field = 0;
  Bytes payload;

  /// PayloadType, or `none` where the header has no such field (HeaderLength 112).
  [[nodiscard]] PayloadType payload_type() const {
    return header_length == header_length_without_payload_type
               ? PayloadType::none
               : static_cast<PayloadType>(payload_type_field);
  }
};

/// What a sender chooses; the rest of the header follows from the payload.
struct MessageHeader {
  std::string_view type;
  std::uint64_t created_date_ms = 0;
  std::int64_t sequence_number = 0;
  std::uint64_t flags = 0;
  Uuid message_id;
  PayloadType payload_type = PayloadType::none;
};

}  // namespace ssm::protocol
