#pragma once

#include <string>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::protocol {

/// Payload of PayloadType 12, from the agent: the text `EXIT_CODE: N`, with N = -1 for a command
/// that a signal ended. Encrypted like output.
/// Source: amazon-ssm-agent agent/session/shell/shell.go.
///
/// Error: malformed_payload for any other text, and for a number that does not fit an int.
[[nodiscard]] Result<int> parse_exit_code(Bytes payload);
[[nodiscard]] std::string serialize_exit_code(int exit_code);

}  // namespace ssm::protocol
