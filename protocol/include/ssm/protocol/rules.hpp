#pragma once

#include <cstddef>
#include <cstdint>

#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

/// What a sender does when its outgoing buffer is full (data-channel.md 4.7).
enum class WhenFull : std::uint8_t {
  /// Forget the oldest unacknowledged message, keep the new one (session-manager-plugin).
  drop_oldest,
  /// Send the new message once but do not keep it (amazon-ssm-agent).
  drop_newest,
  /// Take no new message until there is room; the source must wait (ours).
  refuse,
};

/// Sending side of a stream: numbering, buffering, retransmission (data-channel.md 4.4 to 4.7).
struct SendRules {
  /// Messages kept for retransmission.
  std::size_t buffer_messages = 1024;
  WhenFull when_full = WhenFull::refuse;
  /// A message that could not be written (no connection, paused) still uses up its number and is
  /// kept for later (agent, ours); otherwise it is lost and the number is used again (plugin).
  bool keep_unwritten = true;

  Duration initial_rto = std::chrono::milliseconds(200);
  Duration initial_srtt = std::chrono::milliseconds(100);
  Duration clock_granularity = std::chrono::milliseconds(10);
  Duration max_rto = std::chrono::seconds(1);
  /// Retransmission is looked at only every tick; 0 means at the exact deadline (ours).
  Duration resend_tick{0};
  /// A retransmission restarts the message's timer (agent, ours). Without it the plugin resends
  /// on every tick after the first timeout (RTX-004) and takes its RTT samples from the first
  /// transmission (RTX-010).
  bool resend_restarts_timer = true;
  /// Take no RTT sample from a message that was retransmitted (Karn's rule; neither reference).
  bool karn = true;
  /// Resends of one message after which the session is given up; 0 means never.
  std::uint32_t resend_limit = 0;
  /// After a reconnection (own, or the peer's as told by start_publication) all unacknowledged
  /// messages are due at once, in order, rather than one per timeout (ours).
  bool resend_all_on_resume = true;
};

/// Receiving side of a stream: reordering and acknowledgement (data-channel.md 4.2).
struct ReceiveRules {
  /// Messages held ahead of a gap.
  std::size_t buffer_messages = 10000;
  /// Bytes held ahead of a gap; 0 means no limit (both references).
  std::size_t buffer_bytes = std::size_t{16} * 1024 * 1024;
  /// Acknowledge a duplicate again (agent since 3.2.1041.0, ours) or ignore it (plugin).
  bool ack_duplicates = true;
  /// Messages taken from the reorder buffer go to the session handler whatever their payload type,
  /// and its answer is ignored, so that handshake messages can be lost (plugin, SEQ-016).
  bool drain_ignores_payload_type = false;
};

/// When a lost connection is tried again (data-channel.md 7.2, 7.3).
struct ReconnectRules {
  /// First delay: `delay_min` + random below `delay_jitter`, chosen once per disconnection.
  Duration delay_min = std::chrono::milliseconds(100);
  Duration delay_jitter = std::chrono::milliseconds(100);
  /// Each further delay doubles, up to this.
  Duration delay_max = std::chrono::seconds(5);
  /// Tries after the first one before the session is given up.
  std::uint32_t retries = 5;
};

}  // namespace ssm::protocol
