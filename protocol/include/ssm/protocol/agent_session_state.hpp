#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::protocol {

inline constexpr std::string_view session_state_connected = "Connected";
inline constexpr std::string_view session_state_terminating = "Terminating";

/// Payload of `agent_session_state`, from the agent to the service: `Connected` once before any
/// stream data (HS-005), `Terminating` at a normal end.
/// Source: amazon-ssm-agent agent/session/contracts/model.go.
struct AgentSessionState {
  std::int64_t schema_version = 1;
  std::string session_state;
  std::string session_id;

  friend bool operator==(const AgentSessionState&, const AgentSessionState&) = default;
};

/// Missing members are empty or 0; any state is kept. Errors: malformed_json, malformed_field.
[[nodiscard]] Result<AgentSessionState> parse_agent_session_state(Bytes payload);
[[nodiscard]] std::string serialize(const AgentSessionState& state);

}  // namespace ssm::protocol
