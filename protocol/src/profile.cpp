#include "ssm/protocol/profile.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace ssm::protocol {
namespace {

using namespace std::chrono_literals;

// Sources named below: `plugin` is session-manager-plugin at its tag 1.2.677.0, `agent` is
// amazon-ssm-agent at its tag 3.3.1142.0. All values are observed in their source; those about
// timing, numbering and acknowledgement also by running it.

// ---- ours ---------------------------------------------------------------------------------------

// The number of messages in flight, acknowledged ones behind an unacknowledged one not counted.
// 1024 messages of 1 KiB: enough for 50 MB/s at a round trip of 20 ms, a tenth of what the smallest
// reference receiver holds ahead of a gap (10,000; plugin src/config/config.go), so that nothing we
// send is ever refused, and little enough that a keystroke's echo does not wait behind a long
// queue.
constexpr std::size_t strict_window = 1024;

// Kept up for as long as the session can still exist: the service ends one that was idle for 60
// minutes at most (idleSessionTimeout of the session preferences; 20 by default), and says so when
// asked to resume it. Six tries double the delay to 5 s, then one every 5 s. The references stop
// after 6 tries, about 5 s, which loses sessions to every longer outage (session-manager-plugin
// issue 135).
constexpr std::uint32_t strict_reconnect_retries = 6 + 60 * 60 / 5;

// An unacknowledged message ends the plugin's session after 3000 resends, one every 100 ms
// (RTX-012). Ours are spaced by the RTO, so the limit is that time.
constexpr Duration strict_resend_time_limit = 5min;

constexpr ClientProfile strict_client{
    .name = "strict",
    // The newest release whose visible behaviour we have: it takes the StreamUrl of ResumeSession,
    // and unlike 1.2.889 connects to any host. Above every gate: output warning (1.2.295), mux
    // (1.1.70) and mux without keep-alive (1.2.331.0) in the agent, the environment-variable form
    // (1.2.497.0) in the AWS CLI. Four numbers, because the agent compares other forms as SemVer.
    .version = "1.2.835.0",
    .channel = {.message = strict_message_rules,
                .send = {.buffer_messages = strict_window,
                         .resend_time_limit = strict_resend_time_limit},
                .receive = {},
                .reconnect = {.retries = strict_reconnect_retries}},
    // Both references read any size and send at most this; what the service allows is not known.
    .chunk_bytes = 1024,
    // The agent's interval: some paths drop a connection that was idle for a minute
    // (session-manager-plugin issue 109), which the plugin's 5 minutes do not prevent.
    .ping_interval = 54s,
};

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
    .reports_lost_output = true,
};

// ---- session-manager-plugin 1.2.677 -------------------------------------------------------------

constexpr ClientProfile plugin_1_2_677{
    .name = "plugin-1.2.677",
    // The released binary; one built from the source reports 1.2.0.0 (src/version/version.go).
    .version = "1.2.677.0",
    .channel =
        {.message = plugin_message_rules,
         // src/config/config.go for the numbers, src/datachannel/streaming.go for the behaviour:
         // SendInputDataMessage, ResendStreamDataMessageScheduler, ProcessAcknowledgedMessage.
         .send = {.buffer_messages = 10'000,           // OutgoingMessageBufferCapacity
                  .when_full = WhenFull::drop_oldest,  // AddDataToOutgoingMessageBuffer
                  .keep_unwritten = false,
                  .initial_rto = 200ms,            // DefaultTransmissionTimeout
                  .initial_srtt = 100ms,           // DefaultRoundTripTime
                  .clock_granularity = 10ms,       // ClockGranularity
                  .max_rto = 1s,                   // MaxTransmissionTimeout
                  .resend_tick = 100ms,            // ResendSleepInterval
                  .resend_restarts_timer = false,  // sets LastSentTime of a copy
                  .karn = false,
                  .resend_limit = 3000,  // ResendMaxAttempt
                  .dies_after_limit = true,
                  .resend_all_on_resume = false},
         // HandleOutputMessage, ProcessIncomingMessageBufferItems.
         .receive = {.buffer_messages = 10'000,  // IncomingMessageBufferCapacity
                     .buffer_bytes = 0,
                     .ack_duplicates = false,
                     .refuse_copies_when_full = true,
                     .drain_ignores_payload_type = true},
         // src/sessionmanagerplugin/session/sessionhandler.go (the delay is drawn once a process),
         // src/retry/retryer.go (starts anew above the maximum), src/config/config.go.
         .reconnect = {.delay_min = 100ms,
                       .delay_jitter = 100ms,
                       .delay_max = 5s,
                       .retries = 5,
                       .restart_above_max = true,
                       .keep_first_delay = true},
         // src/communicator/websocketchannel.go: the reading goroutine recovers from a panic, and
         // ends.
         .listener_can_die = true},
    // src/datachannel/streaming.go, src/message/handshakemessage.go: the challenge is not read.
    .handshake = {.unknown_action_status_in_result = true,
                  .binds_kms_challenge = false,
                  .data_key_limit = 0s},
    // src/sessionmanagerplugin/session/shellsession/shellsession.go and shellsession_unix.go.
    .chunk_bytes = 1024,
    .send_pause = 1ms,
    .ping_interval = 5min,  // PingTimeInterval in src/config/config.go
    // SendInputDataMessage, for every payload type.
    .single_newline_becomes_return = true,
    .newline_rewrite_spares_nothing = true,
    // src/communicator/websocketchannel.go: sending while closed is an error, which
    // shellsession_unix.go ends on.
    .input_while_disconnected_is_fatal = true,
    // sessionhandler.go: the failure is only logged.
    .hangs_after_last_try = true,
    // shellsession_unix.go: the error EOF ends the process (session-manager-plugin issue 60).
    .abandons_input_at_its_end = true,
    // sessionhandler.go, TerminateSession: errors are logged; the process waits for channel_closed.
    .terminate_wait = 0s,
    // sessionhandler.go: ResumeSessionHandler uses TokenValue alone.
    .adopts_resumed_url = false,
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
    .ping_interval = 54s,                   // WebSocketPingInterval, since 3.3.987.0
    .pong_wait = 60s,                       // agent/session/communicator/websocketchannel.go
    .drain_limit = 2s,                      // datachannel.go, PrepareToCloseChannel
    .damages_replacement_character = true,  // shell.go, processStdoutData
};

constexpr std::array client_profile_list{strict_client, plugin_1_2_677};
constexpr std::array agent_profile_list{strict_agent, agent_3_3};

template <class Profile>
const Profile* find_by_name(std::span<const Profile> profiles, std::string_view name) {
  const auto found = std::ranges::find(profiles, name, &Profile::name);
  return found == profiles.end() ? nullptr : &*found;
}

}  // namespace

std::span<const ClientProfile> client_profiles() {
  return client_profile_list;
}

std::span<const AgentProfile> agent_profiles() {
  return agent_profile_list;
}

const ClientProfile* find_client_profile(std::string_view name) {
  return find_by_name(client_profiles(), name);
}

const AgentProfile* find_agent_profile(std::string_view name) {
  return find_by_name(agent_profiles(), name);
}

}  // namespace ssm::protocol
