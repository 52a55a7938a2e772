#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ssm/client/session_client.hpp"

namespace ssm::client {

struct CommandOptions {
  /// Descriptors of the caller; they stay its own and keep their flags.
  int output = 1;
  int error = 2;
};

/// What is known of a command when its session has ended.
struct CommandResult {
  /// -1 for a command that a signal ended. Not set: the agent did not say, because the document has
  /// no separate output streams, the agent is too old, or the session did not get so far.
  std::optional<int> exit_code;
  bool started = false;
  /// What it wrote to stderr ends in the middle of a line.
  bool error_line_is_open = false;
};

/// A session of type NonInteractiveCommands: what the command writes goes to the two descriptors as
/// it comes. Its stdin cannot be reached: all that a client can send is SIGINT and SIGQUIT
/// (CMD-009, CMD-010), which this one passes on; the second one ends the session.
///
/// While either reader is slow nothing more is taken from the session. `result` is filled before
/// SessionClient's on_end and outlives the application.
[[nodiscard]] std::unique_ptr<SessionApplication> make_command(
    const protocol::SessionStarted& started, SessionHost& host, const CommandOptions& options,
    CommandResult& result);

/// One argument for a POSIX shell, and for agents that split a command like one: unchanged when
/// every character is harmless, else in single quotes. NUL cannot be in it.
[[nodiscard]] std::string quote_for_shell(std::string_view argument);
/// All of them with blanks between.
[[nodiscard]] std::string quote_for_shell(std::span<const std::string> arguments);

}  // namespace ssm::client
