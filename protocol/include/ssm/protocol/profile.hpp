#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/rules.hpp"

namespace ssm::protocol {

/// What both ends of a data channel have in common.
struct ChannelRules {
  MessageRules message = strict_message_rules;
  SendRules send;
  ReceiveRules receive;
  ReconnectRules reconnect;
  /// Some input kills the task that reads the connection: from then on nothing is read, nothing is
  /// acknowledged and a lost connection is not opened again, while sending and resending go on
  /// (RESUME-020; both references). Otherwise such input is dropped.
  ///  - any: a payload that begins beyond the end of its message (WIRE-019);
  ///  - encrypted data shorter than a nonce (ENC-023), or before there are keys;
  ///  - agent: a HandshakeResponse or a challenge's answer that nobody waits for (HS-027), or one
  ///    with a data key that was not asked for.
  bool listener_can_die = false;
};

/// What a client does between pause_publication and start_publication.
enum class PauseHandling : std::uint8_t {
  /// Nothing: it goes on sending and resending (plugin; FLOW-005).
  ignore,
  /// Keeps stream data until start_publication, any stream data or acknowledgement, or a new
  /// connection (ours); see pause_limit.
  hold,
  /// Says that data was sent, and loses it (third-party clients; BUG-010, BUG-074).
  discard,
};

/// Behaviour of a client. A named profile reproduces one real program, its defects included;
/// `strict` is ours: right where the references are not. Why each value is what it is, is said in
/// client_profiles.cpp and agent_profiles.cpp; docs/profiles.md has the overview.
struct ClientProfile {
  std::string_view name;
  /// Sent as ClientVersion, printed by `--version`; gates at the agent and in the AWS CLI are
  /// decided on it.
  std::string_view version;
  ChannelRules channel;
  ClientHandshakeRules handshake = {};
  /// Largest stream payload, bytes of plaintext.
  std::size_t chunk_bytes = 1024;
  /// Pause after each input message.
  Duration send_pause{0};
  /// First ping right after opening, then at this interval (TRANS-018).
  Duration ping_interval = std::chrono::minutes(5);
  /// How long a pong may stay away before the connection counts as lost; 0 means for ever (plugin,
  /// which notices a dead path by a failed write only). The first pong may take the sum of both.
  Duration pong_wait{0};
  PauseHandling pause = PauseHandling::hold;
  /// `hold`: a pause that lasts longer is over. Its end may have been lost.
  Duration pause_limit = std::chrono::seconds(60);
  /// A lost connection is opened again with ResumeSession, or ends the session.
  bool resumes = true;
  /// Terminal input that is exactly one LF is sent as CR (SHELL-009).
  bool single_newline_becomes_return = true;
  /// So is every other stream message of that content, port data included, which corrupts it
  /// (plugin; PORT-006, MUX-059).
  bool newline_rewrite_spares_nothing = false;
  /// Input while there is no connection ends the session (RESUME-016) instead of waiting.
  bool input_while_disconnected_is_fatal = false;
  /// After the last reconnect try the client stays silent for ever (RESUME-005) instead of ending.
  bool hangs_after_last_try = false;
  /// The end of the input ends the client at once, whatever was not delivered yet, and leaves the
  /// session behind (SHELL-029), instead of waiting for acknowledgements and terminating it.
  bool abandons_input_at_its_end = false;
  /// After asking for TerminateSession: how long channel_closed is waited for before the client
  /// ends by itself; 0 means for ever.
  Duration terminate_wait = std::chrono::seconds(10);
  /// Use the StreamUrl of ResumeSession (plugins since 1.2.835) or always the first (RESUME-002).
  bool adopts_resumed_url = true;
};

/// Behaviour of an agent.
struct AgentProfile {
  std::string_view name;
  /// Reported as AgentVersion; gates at the client are decided on it.
  std::string_view version;
  ChannelRules channel;
  AgentHandshakeRules handshake = {};
  /// Largest plaintext read at once; held-back UTF-8 bytes come on top (SHELL-012).
  std::size_t chunk_bytes = 1024;
  /// Pause after each output message.
  Duration send_pause{0};
  /// Wait between the start of the shell and the first read of its output (SHELL-017).
  Duration first_output_wait{0};
  /// Ping interval (TRANS-019), and how long a pong may stay away before the connection counts as
  /// lost; 0 means never (agents before 3.3.987.0). The first pong may take the sum of both.
  Duration ping_interval = std::chrono::seconds(54);
  Duration pong_wait = std::chrono::seconds(60);
  /// See KeepaliveRules.
  bool misses_unread_pongs = false;
  /// At the end: how long unacknowledged output is waited for.
  Duration drain_limit = std::chrono::seconds(2);
  /// After the last try to open a lost connection the program is left running without a channel,
  /// until the session is ended from outside (agent); ours is told to stop.
  bool goes_on_without_channel = false;
  /// The same when the newest message was acknowledged and only stragglers are left, counted anew
  /// with each acknowledgement; 0 means as long as drain_limit. A client that does not acknowledge
  /// duplicates leaves them for good when an acknowledgement was lost with a connection (SEQ-008);
  /// one that was seen to acknowledge a duplicate will acknowledge them, and drain_limit holds.
  Duration straggler_limit{0};
  /// What is still unacknowledged then makes the session's end a failure (ours) instead of being
  /// lost without a word (agent).
  bool reports_lost_output = false;
  /// A correctly encoded U+FFFD is damaged to one byte, and up to 3 invalid bytes are lost at the
  /// end (SHELL-016); see Utf8Boundary.
  bool damages_replacement_character = false;
};

/// One of docs/profiles.md; nullptr for other names. The list is for help texts; its first entry is
/// `strict`, the default.
[[nodiscard]] const ClientProfile* find_client_profile(std::string_view name);
[[nodiscard]] std::span<const ClientProfile> client_profiles();
/// The same.
[[nodiscard]] const AgentProfile* find_agent_profile(std::string_view name);
[[nodiscard]] std::span<const AgentProfile> agent_profiles();

}  // namespace ssm::protocol
