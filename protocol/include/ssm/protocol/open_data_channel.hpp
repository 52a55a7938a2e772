#pragma once

#include <optional>
#include <string>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::protocol {

/// The first frame of each data channel connection, a WebSocket text frame.
/// Source: session-manager-plugin src/service/service.go, amazon-ssm-agent
/// agent/session/service/api.go.
///
/// Members that are not set are not sent. A client sets `client_id` and (since plugin 1.2.677)
/// `client_version`; an agent sets `client_instance_id` and `client_id`.
struct OpenDataChannel {
  std::string message_schema_version = "1.0";
  std::string request_id;
  /// A secret: never log it.
  std::string token_value;
  std::optional<std::string> client_instance_id;
  std::optional<std::string> client_id;
  std::optional<std::string> client_version;

  friend bool operator==(const OpenDataChannel&, const OpenDataChannel&) = default;
};

/// Missing strings are empty. Errors: malformed_json, malformed_field.
[[nodiscard]] Result<OpenDataChannel> parse_open_data_channel(Bytes payload);
[[nodiscard]] std::string serialize(const OpenDataChannel& open);

}  // namespace ssm::protocol
