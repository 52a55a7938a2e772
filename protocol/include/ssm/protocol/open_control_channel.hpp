#pragma once

#include <string>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::protocol {

/// The first frame of each control channel connection, a WebSocket text frame from the agent.
/// Source: amazon-ssm-agent agent/session/service/api.go. The references also send `Cookie`, always
/// null.
struct OpenControlChannel {
  std::string message_schema_version = "1.0";
  std::string request_id;
  /// A secret: never log it.
  std::string token_value;
  std::string agent_version;
  /// linux, windows or macos.
  std::string platform_type;

  friend bool operator==(const OpenControlChannel&, const OpenControlChannel&) = default;
};

/// Missing strings are empty. Errors: malformed_json, malformed_field.
[[nodiscard]] Result<OpenControlChannel> parse_open_control_channel(Bytes payload);
[[nodiscard]] std::string serialize(const OpenControlChannel& open);

}  // namespace ssm::protocol
