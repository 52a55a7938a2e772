#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/uuid.hpp"

namespace ssm::protocol {

/// Payload of `acknowledge`: one accepted stream message (ACK-001, ACK-002). A receiver goes by the
/// sequence number alone (ACK-003).
/// Source: session-manager-plugin src/message/clientmessage.go, amazon-ssm-agent
/// agent/session/contracts/model.go.
struct Acknowledge {
  std::string message_type;
  /// Lower-case hyphenated UUID from both references; not checked on reading.
  std::string message_id;
  std::int64_t sequence_number = 0;
  /// Always true from both references; false when a peer leaves it out.
  bool is_sequential = true;

  friend bool operator==(const Acknowledge&, const Acknowledge&) = default;
};

/// Errors: malformed_json, malformed_field.
[[nodiscard]] Result<Acknowledge> parse_acknowledge(Bytes payload);
[[nodiscard]] std::string serialize(const Acknowledge& acknowledge);

/// What `parse_acknowledge` gives as `sequence_number`, with the same errors; allocates nothing for
/// a payload in the references' own form.
[[nodiscard]] Result<std::int64_t> parse_acknowledged_sequence(Bytes payload);

/// Room that `write_acknowledge` may need.
inline constexpr std::size_t acknowledge_size_max =
    std::string_view(R"({"AcknowledgedMessageType":)").size() + 6 * message_type_size + 2 +
    std::string_view(R"(,"AcknowledgedMessageId":"01234567-89ab-cdef-0123-456789abcdef")").size() +
    std::string_view(R"(,"AcknowledgedMessageSequenceNumber":-9223372036854775808)").size() +
    std::string_view(R"(,"IsSequentialMessage":true})").size();

/// Writes the payload of an acknowledgement without allocating and returns its size: the bytes of
/// `serialize` with `is_sequential`. Asserted: `message_type` has at most 32 bytes, and `out` at
/// least `acknowledge_size_max`.
std::size_t write_acknowledge(std::string_view message_type, const Uuid& message_id,
                              std::int64_t sequence, MutableBytes out);

}  // namespace ssm::protocol
