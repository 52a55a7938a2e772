#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/random.hpp"
#include "ssm/protocol/rules.hpp"
#include "ssm/protocol/time.hpp"
#include "ssm/protocol/uuid.hpp"

/// What the exploration of the windows is about: bounds, events, violations, messages.

namespace ssm::test {

inline constexpr std::size_t max_messages = 6;

/// What the environment may do to the stream, how often. One network message at a time.
enum class Fault : std::uint8_t { loss, duplication, cut, pause, unready, timeout, wait };
inline constexpr std::size_t fault_kinds = 7;
/// How many of each are left.
using Budget = std::array<std::uint8_t, fault_kinds>;
[[nodiscard]] inline bool covers(const Budget& a, const Budget& b) {
  for (std::size_t i = 0; i < fault_kinds; ++i) {
    if (a[i] < b[i]) {
      return false;
    }
  }
  return true;
}

struct Bounds {
  std::uint8_t messages = 3;
  std::uint8_t losses = 0;
  std::uint8_t duplications = 0;
  std::uint8_t cuts = 0;      ///< reconnections: everything in flight is lost
  std::uint8_t pauses = 0;    ///< pause_publication, for agents
  std::uint8_t unready = 0;   ///< the receiver's handler is not ready for a while
  std::uint8_t timeouts = 0;  ///< resends while faults go on; without limit afterwards
  std::uint8_t waits = 0;     ///< steps of time in between, of `quantum`
  protocol::Duration quantum = std::chrono::milliseconds(50);

  [[nodiscard]] Budget budget() const {
    return {losses, duplications, cuts, pauses, unready, timeouts, waits};
  }
};

struct StreamSetup {
  std::string_view name;
  protocol::SendRules send;
  protocol::ReceiveRules receive;
  Bounds bounds;
};

/// What must never happen.
enum class Violation : std::uint8_t {
  wrong_delivery,      ///< not the next message, or not its bytes
  window_exceeded,     ///< more in flight than the send window may hold
  buffer_exceeded,     ///< more stored than the receive window may hold
  lost_for_good,       ///< neither delivered nor stored nor kept by the sender
  not_forgotten,       ///< acknowledged, but still in the send window
  overtaken,           ///< a message went out for the first time before an earlier one (SEQ-019)
  wrong_resend,        ///< a message that is not in flight, or other bytes than the first time
  early_resend,        ///< before the time that was announced
  broken_promise,      ///< a timeout was announced, and then nothing was due
  busy_timer,          ///< resends without end at one instant
  never_delivered,     ///< although nothing more is lost
  never_acknowledged,  ///< everything is delivered, but the sender resends for ever
};
inline constexpr std::size_t violation_kinds = 12;
[[nodiscard]] inline std::string_view name(Violation violation) {
  static constexpr std::array<std::string_view, violation_kinds> names{
      "wrong delivery", "window exceeded", "buffer exceeded", "lost for good",
      "not forgotten",  "overtaken",       "wrong resend",    "early resend",
      "broken promise", "busy timer",      "never delivered", "never acknowledged"};
  return names[static_cast<std::size_t>(violation)];
}

inline void PrintTo(Violation violation, std::ostream* out) {
  *out << name(violation);
}

enum class Act : std::uint8_t {
  add,
  deliver_data,
  deliver_ack,
  lose_data,
  lose_ack,
  duplicate_data,
  duplicate_ack,
  timeout,
  wait,
  cut,
  restore,
  pause,
  start,
  unready,
  ready
};
struct Event {
  Act act = Act::add;
  std::uint8_t sequence = 0;
};
[[nodiscard]] inline std::string describe(const Event& event) {
  static constexpr std::array<std::string_view, 15> names{"send the next message",
                                                          "deliver message",
                                                          "deliver the acknowledgement of",
                                                          "lose message",
                                                          "lose the acknowledgement of",
                                                          "duplicate message",
                                                          "duplicate the acknowledgement of",
                                                          "time passes to the next timeout",
                                                          "a moment passes",
                                                          "the connection is lost",
                                                          "the connection is back",
                                                          "pause_publication arrives",
                                                          "start_publication arrives",
                                                          "the handler is not ready any more",
                                                          "the handler is ready again"};
  std::string text(names[static_cast<std::size_t>(event.act)]);
  if (event.act >= Act::deliver_data && event.act <= Act::duplicate_ack) {
    text += " " + std::to_string(event.sequence);
  }
  return text;
}

/// The messages of the stream, encoded once.
[[nodiscard]] inline const protocol::Frame& message_frame(std::size_t sequence) {
  static const std::vector<protocol::Frame> frames = [] {
    std::vector<protocol::Frame> made;
    protocol::Random random(1);
    for (std::size_t i = 0; i < max_messages; ++i) {
      const std::string payload = "message " + std::to_string(i);
      made.push_back(
          protocol::encode({.type = protocol::wire_name(protocol::MessageType::output_stream_data),
                            .created_date_ms = 1,
                            .sequence_number = static_cast<std::int64_t>(i),
                            .flags = 0,
                            .message_id = protocol::Uuid::random_v4(random),
                            .payload_type = protocol::PayloadType::output},
                           protocol::as_bytes(payload))
              .value());
    }
    return made;
  }();
  return frames[sequence];
}
[[nodiscard]] inline bool is_message(const protocol::Frame& frame, std::int64_t sequence) {
  return sequence >= 0 && sequence < static_cast<std::int64_t>(max_messages) &&
         std::ranges::equal(frame.bytes(),
                            message_frame(static_cast<std::size_t>(sequence)).bytes());
}

}  // namespace ssm::test
