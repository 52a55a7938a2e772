#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::protocol {

/// Payload of PayloadType 10 in port sessions: four bytes, big-endian, never encrypted (PORT-001).
/// Source: session-manager-plugin src/message/clientmessage.go.
enum class PortFlag : std::uint32_t {
  /// Client to agent, without multiplexing: the local connection ended.
  disconnect_to_port = 1,
  /// Client to agent: end the session.
  terminate_session = 2,
  /// Agent to client, with multiplexing: the target refused a connection.
  connect_to_port_error = 3,
};

/// Other values are kept: both references acknowledge and ignore them.
/// Error: malformed_payload unless there are exactly four bytes.
[[nodiscard]] Result<PortFlag> parse_port_flag(Bytes payload);
[[nodiscard]] std::array<std::byte, 4> encode_port_flag(PortFlag flag);

}  // namespace ssm::protocol
