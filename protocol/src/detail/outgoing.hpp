#pragma once

#include <cstdint>

#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/random.hpp"
#include "ssm/protocol/session_cipher.hpp"

/// Building the messages that roles send. The payload is never empty (asserted), so encoding
/// cannot fail.

namespace ssm::protocol::detail {

/// The acknowledgement of one received stream message: sequence 0, flags SYN and FIN.
[[nodiscard]] Frame make_acknowledge(const MessageView& message, std::uint64_t created_date_ms,
                                     Random& random);

/// A message outside the sequence space (agent_session_state, channel_closed, ...).
[[nodiscard]] Frame make_control(MessageType type, Bytes payload, std::uint64_t flags,
                                 std::uint64_t created_date_ms, Random& random);

struct StreamMessage {
  MessageType type = MessageType::input_stream_data;
  PayloadType payload_type = PayloadType::output;
  std::int64_t sequence_number = 0;
  std::uint64_t flags = 0;
};
/// `cipher`: the payload is encrypted with it, unless it is nullptr.
[[nodiscard]] Frame make_stream(const StreamMessage& message, Bytes payload, SessionCipher* cipher,
                                std::uint64_t created_date_ms, Random& random);

}  // namespace ssm::protocol::detail
