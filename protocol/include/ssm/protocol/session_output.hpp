#pragma once

#include <cstdint>
#include <optional>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/message.hpp"

namespace ssm::protocol {

/// What a client does with stream data of a shell or command session. The defaults are ours.
struct SessionOutputRules {
  /// Payloads of every type go to stdout as they are; stderr is not told apart and the exit code is
  /// not used (session-manager-plugin
  /// `src/sessionmanagerplugin/session/shellsession/shellsession.go`; SHELL-007).
  bool prints_every_type = false;
};

/// Where bytes of the agent go at the client. Views into the payload.
struct SessionText {
  enum class Target : std::uint8_t { standard_output, standard_error };
  Target target = Target::standard_output;
  Bytes data;
};

/// Payload types 1, 11 and 12 at the client: stdout, stderr and exit code. Pure.
class SessionOutput {
 public:
  explicit SessionOutput(const SessionOutputRules& rules = {}) : rules_(rules) {}

  /// What to print of this payload, if anything.
  [[nodiscard]] std::optional<SessionText> receive(PayloadType type, Bytes payload);

  /// Of the command, once it was told; -1 if a signal ended it.
  [[nodiscard]] std::optional<int> exit_code() const { return exit_code_; }

 private:
  SessionOutputRules rules_;
  std::optional<int> exit_code_;
};

}  // namespace ssm::protocol
