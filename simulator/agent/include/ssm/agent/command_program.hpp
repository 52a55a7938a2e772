#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "ssm/agent/program_options.hpp"
#include "ssm/agent/session_program.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/command_output.hpp"

namespace ssm::agent {

struct CommandProgramOptions {
  /// Without `argv`, which comes from `commands`.
  ProgramOptions program;
  /// Split into words and executed directly (CMD-002).
  std::string commands;
  protocol::CommandOutputConfig output;
  /// Not empty: the command cannot be prepared, and this is why.
  std::string preparation_error = {};
  /// Without separate streams the output waits in a file for the command's end (CMD-003). A command
  /// that writes more fails, and is killed.
  std::size_t spool_limit_bytes = std::size_t{1} << 30U;
  /// After a cancellation the output goes on being sent, and the session ends like a finished one
  /// (amazon-ssm-agent `agent/session/shell/shell.go`; CMD-012). Ours sends nothing that nobody
  /// waits for.
  bool sends_output_after_cancel = false;
};

/// NonInteractiveCommands: a command with pipes instead of a terminal, and without input. Bytes
/// 0x03 and 0x1C of the client interrupt it (CMD-009).
///
/// All processes of the command end with it: what is left when it exits gets SIGHUP, and SIGKILL
/// after `program.stop_grace`. Holds 64 KiB of each stream; beyond that the command has to wait.
[[nodiscard]] std::unique_ptr<SessionProgram> make_command_program(net::EventLoop& loop,
                                                                   CommandProgramOptions options);

}  // namespace ssm::agent
