#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

/// What a sender does when its outgoing buffer is full.
enum class WhenFull : std::uint8_t {
  /// Forget the oldest unacknowledged message, keep the new one
  /// (session-manager-plugin `src/datachannel/streaming.go`, AddDataToOutgoingMessageBuffer).
  drop_oldest,
  /// Send the new message once but do not keep it
  /// (amazon-ssm-agent `agent/session/datachannel/datachannel.go`, AddDataToOutgoingMessageBuffer).
  drop_newest,
  /// Take no new message until there is room; the source must wait (ours).
  refuse,
};

/// Sending side of a stream: numbering, buffering, retransmission. The defaults are ours.
///
/// The times are the same in both references: session-manager-plugin `src/config/config.go`,
/// amazon-ssm-agent `agent/session/config/config.go`.
struct SendRules {
  /// Messages are kept until acknowledged, and sent again. Otherwise each is numbered, sent once
  /// and forgotten (some third-party clients).
  bool retransmits = true;
  /// Messages kept for retransmission: the number that may be unacknowledged.
  std::size_t buffer_messages = 1024;
  WhenFull when_full = WhenFull::refuse;
  /// A message that could not be written (no connection, paused) still uses up its number and is
  /// kept for later (agent, ours; SEQ-021); otherwise it is lost and the number is used again
  /// (plugin, SEQ-020).
  bool keep_unwritten = true;

  Duration initial_rto = std::chrono::milliseconds(200);
  Duration initial_srtt = std::chrono::milliseconds(100);
  Duration clock_granularity = std::chrono::milliseconds(10);
  Duration max_rto = std::chrono::seconds(1);
  /// Retransmission is looked at only every tick, counted from the first message; 0 means at the
  /// exact deadline, and with backoff: each further timeout of a message waits twice as long as the
  /// one before, up to max_rto (ours, as RFC 6298 section 5.5).
  Duration resend_tick{0};
  /// A retransmission restarts the message's timer (agent, ours). Without it the plugin resends
  /// on every tick after the first timeout (RTX-004) and takes its RTT samples from the first
  /// transmission (RTX-010).
  bool resend_restarts_timer = true;
  /// Karn's rule (ours): a retransmitted message gives no RTT sample, because nothing tells which
  /// of its copies was acknowledged. That alone would resend every message for
  /// ever on a path slower than the initial RTO, so such an acknowledgement raises the RTO until
  /// the next sample; see RttEstimator::add_ambiguous.
  bool karn = true;
  /// The resend that finds this many resends of its message already made, and each one after it,
  /// reports Resend::limit_reached; 0 means never. Only connected, unpaused time makes resends.
  std::uint32_t resend_limit = 0;
  /// The third report of resend_limit blocks the scheduler for good: nothing is ever sent again
  /// (plugin: a queue of one entry that nobody reads any more; RTX-013).
  bool dies_after_limit = false;
  /// As resend_limit, but by time: a message that was first sent so long ago, with the connection
  /// up and nothing at all acknowledged since then; 0 means never. Ours, because resends follow the
  /// RTO and their count says nothing about time, and because a peer that acknowledges anything is
  /// not dead.
  Duration resend_time_limit{0};
  /// After a reconnection (own, or the peer's as told by start_publication) all unacknowledged
  /// messages are due at once, in order, rather than one per timeout; likewise a message that
  /// could not be written when it was added (ours).
  bool resend_all_on_resume = true;
};

/// How a client hands on stream data once a handshake is complete.
enum class Delivery : std::uint8_t {
  in_order,
  /// Everything at once and as it comes, copies too, and nothing is acknowledged
  /// (mmmorris1975/ssm-session-client `datachannel/data_channel.go`, HandleMsg without buffers).
  as_it_comes,
  /// Everything is acknowledged; what has a lower number than the highest seen is dropped
  /// (alexbacchin/ssm-session-client before 2026-06-26; BUG-011).
  only_newer,
};

/// Receiving side of a stream: reordering and acknowledgement. The defaults are ours.
struct ReceiveRules {
  /// Messages held ahead of a gap.
  std::size_t buffer_messages = 10000;
  /// Bytes held ahead of a gap, whole messages counted; 0 means no limit (both references).
  std::size_t buffer_bytes = std::size_t{16} * 1024 * 1024;
  /// Acknowledge a duplicate again (agent since 3.2.1041.0, ours; SEQ-007) or ignore it (plugin,
  /// SEQ-008).
  bool ack_duplicates = true;
  /// While the buffer is full, a further copy of a message that is in it is refused like a new one
  /// (both references); otherwise it is acknowledged again.
  bool refuse_copies_when_full = false;
  /// Messages taken from the reorder buffer go to the session handler whatever their payload type,
  /// and its answer is ignored, so that handshake messages can be lost (plugin, SEQ-016).
  bool drain_ignores_payload_type = false;
  Delivery delivery = Delivery::in_order;
  /// Client: how long a message may be missing, while connected, after later ones arrived, before
  /// the session is given up; 0 means for ever (both references).
  Duration gap_limit{0};
  /// The same as long as nothing was received in order: a client that joined a running session
  /// waits for numbers that it will never see (session-manager-plugin issue 102; BUG-004).
  Duration first_gap_limit{0};
};

/// For `buffer_messages`.
inline constexpr std::size_t unlimited_messages = std::numeric_limits<std::size_t>::max();

/// How a client answers a handshake. The defaults are ours.
struct ClientHandshakeRules {
  /// An unknown action gets ActionStatus 0 and the number 3 as its result, by mistake (plugin)
  /// instead of ActionStatus 3 (HS-011).
  bool unknown_action_status_in_result = false;
  /// The agent's random challenge goes into the encryption context, and the agent is told so (ours,
  /// ENC-019; the plugin does not read it).
  bool binds_kms_challenge = true;
  /// How long KMS may take before the action is answered as failed; 0 means for ever. The agent
  /// gives up 15 s after its request, and blames the plugin's version then.
  Duration data_key_limit = std::chrono::seconds(10);
};

/// How an agent leads a handshake (amazon-ssm-agent `agent/session/datachannel/datachannel.go`).
/// The defaults are ours.
struct AgentHandshakeRules {
  /// From the request to the response, KMS included (HS-017).
  Duration response_limit = std::chrono::seconds(15);
  /// From the encryption challenge to its answer.
  Duration challenge_limit = std::chrono::seconds(15);
  /// The request carries a random challenge for the encryption context (agents since 3.3.808.0;
  /// ENC-018).
  bool sends_kms_challenge = true;
  /// Clients that do not bind it are refused (configuration RequireKMSChallengeResponse; ENC-020).
  bool requires_kms_challenge = false;
  /// Nonces are counted (agents since 3.3.808.0) instead of random (ENC-005).
  bool counts_nonces = true;
  /// A wrong answer to the encryption challenge ends the session at once (ours) instead of by the
  /// time limit (ENC-014).
  bool wrong_challenge_ends_at_once = true;
};

/// When a lost connection is tried again (RESUME-004, RESUME-012). See ReconnectSchedule.
struct ReconnectRules {
  /// First delay: `delay_min` + random below `delay_jitter`, in whole milliseconds.
  Duration delay_min = std::chrono::milliseconds(100);
  Duration delay_jitter = std::chrono::milliseconds(100);
  /// Each further delay doubles, up to this.
  Duration delay_max = std::chrono::seconds(5);
  /// Tries after the first one before the session is given up.
  std::uint32_t retries = 5;
  /// Tries after the first one to open the very first connection: an endpoint that is not there
  /// should be reported soon (RESUME-006, RESUME-014). At most `retries`.
  std::uint32_t first_open_retries = 5;
  /// A delay above delay_max starts the doubling anew from the first delay (plugin) instead of
  /// staying at delay_max (agent, ours).
  bool restart_above_max = false;
  /// The first delay is drawn once and kept for every later disconnection (plugin) instead of
  /// being drawn for each (agent, ours).
  bool keep_first_delay = false;
};

}  // namespace ssm::protocol
