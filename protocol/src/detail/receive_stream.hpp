#pragma once

#include <cstdint>

#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/receive_window.hpp"
#include "ssm/protocol/rules.hpp"

/// What an end does with stream data at each place in the sequence: the part that client and agent
/// have in common. `handle(message, frame, stored)` gets each message once and in order, until it
/// takes it; `acknowledge(message)` sends an acknowledgement.

namespace ssm::protocol::detail {

enum class Taken : std::uint8_t {
  no,  ///< not ready, or wrong: it stays expected, unacknowledged if it just came
  yes,
  yes_acknowledged,  ///< and the handler has acknowledged it already
};

/// Hands on what waits behind a gap that was filled, or behind a handler that was not ready. Stored
/// messages were acknowledged when they arrived.
template <class Handle>
void drain_stored(ReceiveWindow& window, const MessageRules& rules, Handle handle) {
  while (const Frame* stored = window.next_stored()) {
    const Frame frame = *stored;
    const Result<MessageView> message = decode(frame.bytes(), rules);
    SSM_ASSERT(message.has_value());
    if (handle(*message, frame, true) == Taken::no) {
      return;
    }
    window.advance();
  }
}

template <class Handle, class Acknowledge>
void receive_stream(ReceiveWindow& window, const MessageRules& message_rules,
                    const ReceiveRules& rules, const MessageView& message, const Frame& frame,
                    Handle handle, Acknowledge acknowledge) {
  switch (window.offer(message.sequence_number, frame)) {
    case ReceiveWindow::Place::in_order: {
      const Taken taken = handle(message, frame, false);
      if (taken == Taken::no) {
        return;
      }
      if (taken == Taken::yes) {
        acknowledge(message);
      }
      window.advance();
      drain_stored(window, message_rules, handle);
      return;
    }
    case ReceiveWindow::Place::ahead:
      //= SEQ-003
      acknowledge(message);
      return;
    case ReceiveWindow::Place::refused:
      //= SEQ-004
      //= SEQ-005
      return;
    case ReceiveWindow::Place::duplicate:
      //= SEQ-007
      //= SEQ-008
      if (rules.ack_duplicates) {
        acknowledge(message);
      }
      return;
  }
}

}  // namespace ssm::protocol::detail
