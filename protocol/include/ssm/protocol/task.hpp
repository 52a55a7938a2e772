#pragma once

#include <cstdint>
#include <string>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

/// Payloads of the control channel that start and end one session.
/// Source: amazon-ssm-agent agent/session/contracts/model.go.
namespace ssm::protocol {

/// What an agent needs to run a session. It travels as JSON text inside a JSON string.
struct SessionTask {
  std::string document_name;
  /// The session document as JSON text, parameters not yet resolved; an object, or `null`.
  std::string document_content = "null";
  std::string session_id;
  /// JSON object of parameter name to string or list of strings, or `null`.
  std::string parameters = "null";
  /// Operating system user from the principal's tag SSMSessionRunAs; may be empty.
  std::string run_as_user;
  /// ARN of the principal.
  std::string session_owner;

  friend bool operator==(const SessionTask&, const SessionTask&) = default;
};

/// Payload of `interactive_shell`, service to agent: start a session of any type.
struct InteractiveShell {
  SessionTask content;
  std::string task_id;
  std::string topic = "interactive_shell";
  std::int64_t schema_version = 1;

  friend bool operator==(const InteractiveShell&, const InteractiveShell&) = default;
};

/// Payload of `agent_task_complete`, agent to service: how a session ended. May come more than once
/// for a session; go by the task id.
struct AgentTaskComplete {
  std::int64_t schema_version = 1;
  /// The session id.
  std::string task_id;
  std::string topic = "agent_task_complete";
  /// Success, Failed, Cancelled, TimedOut, ...
  std::string final_task_status;
  bool is_routing_failure = false;
  std::string aws_account_id;
  std::string instance_id;
  /// Error text, or empty.
  std::string output;
  std::string s3_bucket;
  std::string s3_url_suffix;
  std::string cwl_group;
  std::string cwl_stream;
  /// Counts from 1.
  std::int64_t retry_number = 1;

  friend bool operator==(const AgentTaskComplete&, const AgentTaskComplete&) = default;
};

/// Payload of `agent_task_acknowledge`, service to agent; without it the agent sends its
/// agent_task_complete three times.
struct AgentTaskAcknowledge {
  std::int64_t schema_version = 1;
  /// Text of the MessageId of the agent_task_complete.
  std::string message_id;
  std::string task_id;
  std::string topic = "agent_task_complete";

  friend bool operator==(const AgentTaskAcknowledge&, const AgentTaskAcknowledge&) = default;
};

/// Missing members are empty, 0 or `null`. Errors: malformed_json, malformed_field; for the inner
/// text of an interactive_shell the context starts with "Content: ".
[[nodiscard]] Result<InteractiveShell> parse_interactive_shell(Bytes payload);
[[nodiscard]] Result<AgentTaskComplete> parse_agent_task_complete(Bytes payload);
[[nodiscard]] Result<AgentTaskAcknowledge> parse_agent_task_acknowledge(Bytes payload);

/// JSON text in the structs must be valid JSON; empty text is written as `null`.
[[nodiscard]] std::string serialize(const InteractiveShell& shell);
[[nodiscard]] std::string serialize(const AgentTaskComplete& complete);
[[nodiscard]] std::string serialize(const AgentTaskAcknowledge& acknowledge);

}  // namespace ssm::protocol
