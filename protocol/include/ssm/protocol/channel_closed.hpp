#pragma once

#include <cstdint>
#include <string>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::protocol {

/// Payload of `channel_closed`, from the service to the client or the agent: the session is over.
/// Source: session-manager-plugin src/message/clientmessage.go, amazon-ssm-agent
/// agent/session/contracts/model.go.
struct ChannelClosed {
  std::string message_type = "channel_closed";
  std::string message_id;
  std::string destination_id;
  std::string session_id;
  std::int64_t schema_version = 1;
  std::string created_date;
  /// What the client shows; empty for a normal end. Agents do not know this member.
  std::string output;

  friend bool operator==(const ChannelClosed&, const ChannelClosed&) = default;
};

/// Missing members are empty or 0. Errors: malformed_json, malformed_field.
[[nodiscard]] Result<ChannelClosed> parse_channel_closed(Bytes payload);
[[nodiscard]] std::string serialize(const ChannelClosed& closed);

}  // namespace ssm::protocol
