#pragma once

#include "ssm/protocol/receive_window.hpp"
#include "ssm/protocol/role.hpp"
#include "ssm/protocol/send_window.hpp"

namespace ssm::protocol::detail {

[[nodiscard]] inline ChannelStatus channel_status(ConnectionState connection,
                                                  const SendWindow& send,
                                                  const ReceiveWindow& receive) {
  return {.connection = connection,
          .next_sequence = send.next_sequence(),
          .oldest_unacknowledged = send.oldest(),
          .unacknowledged = send.in_flight(),
          .unwritten = send.unwritten_waiting(),
          .expected_sequence = receive.expected(),
          .stored_messages = receive.stored(),
          .stored_bytes = receive.stored_bytes()};
}

}  // namespace ssm::protocol::detail
