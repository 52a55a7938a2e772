#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ssm/agent/pty_process.hpp"
#include "ssm/agent/session_program.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/profile.hpp"

namespace ssm::agent {

struct PtyProgramOptions {
  ProgramOptions pty;
  /// Typed into the terminal first, followed by a line feed, unless it is blank (SHELL-027).
  std::string shell_profile;
  /// Wait between the start of the program and the first read of its output (SHELL-017).
  net::Duration first_output_wait{0};
  /// See protocol::Utf8Boundary.
  bool damages_replacement_character = false;
};

/// A program in a pseudo terminal: plain shells and InteractiveCommands (CMD-001). Holds one
/// message of output, and 64 KiB of input before it says that it takes no more.
[[nodiscard]] std::unique_ptr<SessionProgram> make_pty_program(net::EventLoop& loop,
                                                               PtyProgramOptions options);

}  // namespace ssm::agent
