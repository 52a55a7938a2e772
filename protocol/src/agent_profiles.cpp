#include <array>
#include <chrono>

#include "detail/strict_rules.hpp"
#include "ssm/protocol/profile.hpp"

namespace ssm::protocol {
namespace {

using namespace std::chrono_literals;
using detail::strict_reconnect_retries;
using detail::strict_window;

// `agent` is amazon-ssm-agent at its tag 3.3.1142.0, of which all values are observed in the
// source; those about timing, numbering and acknowledgement also by running it. What is said of its
// older releases comes from its release notes (RELEASENOTES.md); a value that is taken over
// from 3.3 without evidence of its own is inferred. docs/profiles.md lists all profiles.

// ---- ours ---------------------------------------------------------------------------------------

constexpr AgentProfile strict_agent{
    .name = "strict",
    // The release that was read. Above every gate in the plugin: mux (3.0.196.0), mux without
    // keep-alive (3.1.1511.0), TerminateSession flag (2.3.722.0). Four numbers, or the plugin takes
    // no feature for supported.
    .version = "3.3.1142.0",
    .channel = {.message = strict_message_rules,
                .send = {.buffer_messages = strict_window},
                // As many as the agent's (SEQ-005), and bounded in bytes.
                .receive = {.buffer_messages = 100'000},
                .reconnect = {.retries = strict_reconnect_retries}},
    // As long as the service keeps a session whose client is away. The agent waits for 2 s, so that
    // the last output is lost whenever the client's connection breaks at the wrong moment.
    .drain_limit = 20min,
    // Many resends of the oldest message to a client that acknowledges others.
    .straggler_limit = 5s,
    .reports_lost_output = true,
};

// ---- amazon-ssm-agent 3.3.1142 ------------------------------------------------------------------

constexpr AgentProfile agent_3_3{
    .name = "agent-3.3",
    // The released binary; one built from the source reports 3.3.0.0 (agent/version/version.go).
    .version = "3.3.1142.0",
    .channel =
        {.message = agent_message_rules,
         // agent/session/config/config.go for the numbers, agent/session/datachannel/datachannel.go
         // for the behaviour: SendStreamDataMessage, ResendStreamDataMessageScheduler,
         // ProcessAcknowledgedMessage.
         .send = {.buffer_messages = 100'000,          // OutgoingMessageBufferCapacity
                  .when_full = WhenFull::drop_newest,  // AddDataToOutgoingMessageBuffer
                  .keep_unwritten = true,
                  .initial_rto = 200ms,       // DefaultTransmissionTimeout
                  .initial_srtt = 100ms,      // DefaultRoundTripTime
                  .clock_granularity = 10ms,  // ClockGranularity
                  .max_rto = 1s,              // MaxTransmissionTimeout
                  .resend_tick = 100ms,       // ResendSleepInterval
                  .resend_restarts_timer = true,
                  .karn = false,
                  .resend_limit = 0,
                  .resend_all_on_resume = false},
         // processStreamDataMessage, processIncomingMessageBufferItems.
         .receive = {.buffer_messages = 100'000,  // IncomingMessageBufferCapacity
                     .buffer_bytes = 0,
                     .ack_duplicates = true,
                     .refuse_copies_when_full = true,
                     .drain_ignores_payload_type = false},
         // agent/session/config/config.go, agent/session/retry/retryer.go (stays at the maximum).
         .reconnect = {.delay_min = 100ms, .delay_jitter = 100ms, .delay_max = 5s, .retries = 5},
         // agent/session/communicator/websocketchannel.go: as in the plugin.
         .listener_can_die = true},
    // agent/session/datachannel/datachannel.go, agent/session/crypto/.
    .handshake = {.response_limit = 15s,  // handshakeTimeout
                  .challenge_limit = 15s,
                  .sends_kms_challenge = true,  // since 3.3.808.0
                  .requires_kms_challenge = false,
                  .counts_nonces = true,  // since 3.3.808.0
                  .wrong_challenge_ends_at_once = false},
    // agent/session/shell/shell.go: 1 ms after each message, 1 s before the first read.
    .chunk_bytes = 1024,  // StreamDataPayloadSize
    .send_pause = 1ms,
    .first_output_wait = 1s,
    .ping_interval = 54s,  // WebSocketPingInterval, since 3.3.987.0
    .pong_wait = 60s,      // agent/session/communicator/websocketchannel.go
    // websocketchannel.go: the handler of pongs runs in the loop that hands messages on.
    .misses_unread_pongs = true,
    .drain_limit = 2s,  // datachannel.go, PrepareToCloseChannel
    // datachannel.go, NewDataChannel: the error of Reconnect is only logged.
    .goes_on_without_channel = true,
    .damages_replacement_character = true,  // shell.go, processStdoutData
};

// ---- older releases of amazon-ssm-agent ---------------------------------------------------------

// The last release to which the plugin still sends keep-alive in the multiplexer. Observed in the
// release notes: duplicates are acknowledged again since 3.2.1041.0 only, the random challenge and
// counted nonces came with 3.3.808.0, the heartbeat with 3.3.987.0 (before: a ping every 5 minutes,
// and no deadline).
constexpr AgentProfile agent_3_1_1511 = [] {
  AgentProfile profile = agent_3_3;
  profile.name = "agent-3.1.1511";
  profile.version = "3.1.1511.0";
  profile.channel.receive.ack_duplicates = false;
  profile.handshake.sends_kms_challenge = false;
  profile.handshake.counts_nonces = false;
  profile.ping_interval = 5min;
  profile.pong_wait = 0s;
  return profile;
}();

// Port sessions without multiplexing: the plugin multiplexes with agents above 3.0.196.0 (src/
// config/config.go; amazon-ssm-agent issues 221, 259, 273; BUG-028).
constexpr AgentProfile agent_3_0 = [] {
  AgentProfile profile = agent_3_1_1511;
  profile.name = "agent-3.0";
  profile.version = "3.0.161.0";
  return profile;
}();

// Knows port sessions and the flag TerminateSession only above 2.3.722.0. Observed in
// amazon-ssm-agent issue 145 (of 2018; BUG-020): what came ahead of a gap was kept without a limit.
// Inferred: that this was still so in the release with port sessions, and everything else.
constexpr AgentProfile agent_2_3 = [] {
  AgentProfile profile = agent_3_0;
  profile.name = "agent-2.3";
  profile.version = "2.3.750.0";
  profile.channel.receive.buffer_messages = unlimited_messages;
  return profile;
}();

constexpr std::array list{strict_agent, agent_3_3, agent_3_1_1511, agent_3_0, agent_2_3};

}  // namespace

std::span<const AgentProfile> agent_profiles() {
  return list;
}

}  // namespace ssm::protocol
