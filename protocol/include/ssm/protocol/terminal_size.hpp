#pragma once

#include <cstdint>
#include <string>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::protocol {

/// Payload of PayloadType 3, from the client; never encrypted. Characters.
/// Source: session-manager-plugin src/message/clientmessage.go.
struct TerminalSize {
  std::uint32_t cols = 0;
  std::uint32_t rows = 0;

  friend bool operator==(const TerminalSize&, const TerminalSize&) = default;
};

/// What the reference client reports when its output is not a terminal
/// (src/sessionmanagerplugin/session/shellsession/shellsession.go).
inline constexpr TerminalSize terminal_size_without_terminal{.cols = 300, .rows = 100};

/// Missing members are 0. Errors: malformed_json, malformed_field.
[[nodiscard]] Result<TerminalSize> parse_terminal_size(Bytes payload);
[[nodiscard]] std::string serialize(const TerminalSize& size);

}  // namespace ssm::protocol
