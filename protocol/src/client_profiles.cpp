#include <array>
#include <chrono>

#include "detail/strict_rules.hpp"
#include "ssm/protocol/profile.hpp"

namespace ssm::protocol {
namespace {

using namespace std::chrono_literals;
using detail::strict_reconnect_retries;
using detail::strict_resend_time_limit;
using detail::strict_window;

// `plugin` is session-manager-plugin at its tag 1.2.677.0, of which all values are observed in the
// source; those about timing, numbering and acknowledgement also by running it. What is said of its
// other releases comes from their release notes; a value that is taken over from 1.2.677 without
// evidence of its own is inferred. docs/profiles.md lists all profiles.

// ---- ours ---------------------------------------------------------------------------------------

constexpr ClientProfile strict_client{
    .name = "strict",
    // The newest release whose visible behaviour we have: it takes the StreamUrl of ResumeSession,
    // and unlike 1.2.889 connects to any host. Above every gate: output warning (1.2.295), mux
    // (1.1.70) and mux without keep-alive (1.2.331.0) in the agent, the environment-variable form
    // (1.2.497.0) in the AWS CLI. Four numbers, because the agent compares other forms as SemVer.
    .version = "1.2.835.0",
    .channel = {.message = strict_client_message_rules,
                .send = {.buffer_messages = strict_window,
                         .resend_time_limit = strict_resend_time_limit},
                // An agent that is away is given up by the service after a minute, and ours resends
                // within a second: what is missing for longer does not exist. Joining a running
                // session shows within seconds.
                .receive = {.gap_limit = strict_resend_time_limit, .first_gap_limit = 30s},
                .reconnect = {.retries = strict_reconnect_retries}},
    // Both references read any size and send at most this; what the service allows is not known.
    .chunk_bytes = 1024,
    // The agent's interval: some paths drop a connection that was idle for a minute
    // (session-manager-plugin issue 109), which the plugin's 5 minutes do not prevent.
    .ping_interval = 54s,
    // The agent's, too: a dead path is noticed within two minutes (session-manager-plugin issue 135
    // and amazon-ssm-agent issue 266 are what happens without).
    .pong_wait = 60s,
    // What is sent to an agent that is away only fills the service's buffers. All input, a lost
    // start_publication included, comes through within the limit.
    .pause = PauseHandling::hold,
    .pause_limit = 60s,
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
    .ping_interval = 5min,           // PingTimeInterval in src/config/config.go
    .pong_wait = 0s,                 // src/communicator/websocketchannel.go sets no read deadline
    .pause = PauseHandling::ignore,  // streaming.go, OutputMessageHandler
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

// ---- other releases of session-manager-plugin ---------------------------------------------------

// Built from the source at that tag: it reports 1.2.0.0 (src/version/version.go), so that an agent
// expects keep-alive in the multiplexer, which the plugin does not send to a current agent: the
// tunnel dies after 30 s of silence (session-manager-plugin issues 39, 83, 93; BUG-007).
constexpr ClientProfile plugin_source = [] {
  ClientProfile profile = plugin_1_2_677;
  profile.name = "plugin-source";
  profile.version = "1.2.0.0";
  return profile;
}();

// Observed in its release notes: the StreamUrl and the credentials of ResumeSession are used, `~.`
// leaves (a matter of the terminal, not of the channel). Inferred: everything else is as
// in 1.2.677; issues 139 (no acknowledgement of duplicates) and 135 (six tries to resume) were open
// after it.
constexpr ClientProfile plugin_1_2_835 = [] {
  ClientProfile profile = plugin_1_2_677;
  profile.name = "plugin-1.2.835";
  profile.version = "1.2.835.0";
  profile.adopts_resumed_url = true;
  return profile;
}();

// Observed in the release notes of 1.2.295: before it there was no limit of resends, and
// pause_publication and start_publication were validated like other messages, and refused
// (session-manager-plugin issue 22; BUG-005). Inferred: everything else is as in 1.2.677.
constexpr ClientProfile plugin_1_2_279 = [] {
  ClientProfile profile = plugin_1_2_677;
  profile.name = "plugin-1.2.279";
  profile.version = "1.2.279.0";
  profile.channel.message.publication_control_exempt = false;
  profile.channel.send.resend_limit = 0;
  profile.channel.send.dies_after_limit = false;
  return profile;
}();

// Port sessions without multiplexing: below 1.1.70 (amazon-ssm-agent
// agent/session/plugins/port/port.go), and after 1.1.54, which leaves data unacknowledged while its
// handler is not ready (release notes). Inferred: everything else is as in 1.2.279.
constexpr ClientProfile plugin_1_1_61 = [] {
  ClientProfile profile = plugin_1_2_279;
  profile.name = "plugin-1.1.61";
  profile.version = "1.1.61.0";
  return profile;
}();

// ---- third-party clients ------------------------------------------------------------------------

// mmmorris1975/ssm-session-client, datachannel/data_channel.go at its last commit. Observed in the
// source: ClientVersion (buildHandshakeResponse); its buffers are dropped when the handshake is
// complete, after which output is handed on as it comes and never acknowledged, and input is sent
// once (WaitForHandshakeComplete, HandleMsg, WriteMsg); what is written during a pause is numbered
// and lost; a closed connection is the end. It sends no ping. Inferred: its resends before the end
// of the handshake, which follow other rules, are left out.
constexpr ClientProfile mmmorris1975{
    .name = "mmmorris1975",
    .version = "0.0.1",
    .channel = {.message = strict_message_rules,
                .send = {.retransmits = false, .when_full = WhenFull::drop_newest},
                .receive = {.buffer_messages = 50,  // NewMessageBuffer
                            .delivery = Delivery::as_it_comes},
                .reconnect = {.retries = 0, .first_open_retries = 0}},
    .handshake = {.binds_kms_challenge = false, .data_key_limit = 0s},
    .chunk_bytes = 1536,  // ReadFrom
    .ping_interval = 24h,
    .pause = PauseHandling::discard,
    .resumes = false,
    .single_newline_becomes_return = false,
    .abandons_input_at_its_end = true,
    .terminate_wait = 0s,
};

// alexbacchin/ssm-session-client in May 2026, from the descriptions and the diffs of its commits
// ac4072a (2026-06-26: what had a lower number than the highest seen was dropped) and 210dd2f
// (2026-07-14: the outgoing buffer was dropped after the handshake, and what was written during a
// pause was lost). Observed in the source at the latter: ClientVersion for agents that multiplex,
// pings every 30 s, and that every message is acknowledged. Inferred: the rest.
constexpr ClientProfile alexbacchin = [] {
  ClientProfile profile = mmmorris1975;
  profile.name = "alexbacchin-2026-05";
  profile.version = "1.2.0";
  profile.channel.receive.delivery = Delivery::only_newer;
  profile.channel.reconnect = {};
  profile.ping_interval = 30s;
  profile.resumes = true;
  return profile;
}();

constexpr std::array list{strict_client,  plugin_1_2_677, plugin_1_2_835, plugin_source,
                          plugin_1_2_279, plugin_1_1_61,  mmmorris1975,   alexbacchin};

}  // namespace

std::span<const ClientProfile> client_profiles() {
  return list;
}

}  // namespace ssm::protocol
