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
};

/// Behaviour of a client. A named profile reproduces one real program, its defects included;
/// `strict` is ours: right where the references are not (data-channel.md 10.22).
struct ClientProfile {
  std::string_view name;
  /// Sent as ClientVersion; gates at the agent are decided on it (5.9).
  std::string_view version;
  ChannelRules channel;
  /// Largest stream payload, bytes.
  std::size_t chunk_bytes = 1024;
  /// Pause after each input message.
  Duration send_pause{0};
  /// First ping right after opening, then at this interval.
  Duration ping_interval = std::chrono::minutes(5);
  /// A message whose whole payload is one LF is sent as CR (4.9).
  bool single_newline_becomes_return = true;
  /// Input while there is no connection ends the session (RESUME-016) instead of waiting.
  bool input_while_disconnected_is_fatal = false;
  /// After the last reconnect try the client stays silent for ever (RESUME-005) instead of ending.
  bool hangs_after_last_try = false;
  /// Use the StreamUrl of ResumeSession (plugins since 1.2.835) or always the first (RESUME-002).
  bool adopts_resumed_url = true;
};

/// Behaviour of an agent.
struct AgentProfile {
  std::string_view name;
  /// Reported as AgentVersion; gates at the client are decided on it (5.9).
  std::string_view version;
  ChannelRules channel;
  /// Largest plaintext read at once; carried-over UTF-8 bytes come on top (6.3).
  std::size_t chunk_bytes = 1024;
  /// Pause after each output message.
  Duration send_pause{0};
  /// Wait between the start of the shell and the first read of its output.
  Duration first_output_wait{0};
  /// Ping interval, and how long a pong may stay away before the connection counts as lost;
  /// 0 means never (agents before 3.3.987.0).
  Duration ping_interval = std::chrono::seconds(54);
  Duration pong_wait = std::chrono::seconds(60);
  /// At the end: how long unacknowledged output is waited for.
  Duration drain_limit = std::chrono::seconds(2);
  /// A correctly encoded U+FFFD is damaged to one byte (SHELL-016).
  bool damages_replacement_character = false;
};

/// `strict`, `plugin-1.2.677`; nullptr for other names. The list is for help texts.
[[nodiscard]] const ClientProfile* find_client_profile(std::string_view name);
[[nodiscard]] std::span<const ClientProfile> client_profiles();
/// `strict`, `agent-3.3`; nullptr for other names.
[[nodiscard]] const AgentProfile* find_agent_profile(std::string_view name);
[[nodiscard]] std::span<const AgentProfile> agent_profiles();

}  // namespace ssm::protocol
