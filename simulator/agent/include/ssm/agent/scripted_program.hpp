#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ssm/agent/session_program.hpp"
#include "ssm/net/event_loop.hpp"

namespace ssm::agent {

/// Answers of a shell that is played.
struct ShellScript {
  struct Answer {
    /// A whole line without white space at its ends; or a regular expression (RE2) for one, which
    /// must be valid.
    std::string when;
    bool is_regex = false;
    /// LF starts a new line. With an expression \0 is the line, \1 to \9 its groups.
    std::string say = {};
    std::chrono::milliseconds delay{0};
    /// Ends the shell or command.
    std::optional<int> exit = std::nullopt;
  };
  std::string greeting = {};
  std::string prompt = "sh-5.2$ ";
  bool echo = true;
  /// The first that fits is given. A line that fits none is an unknown command.
  std::vector<Answer> answers = {};
};

/// A few commands of an instance with this id: whoami, id, hostname, pwd, uname, echo, true, exit.
[[nodiscard]] ShellScript default_shell_script(const std::string& instance_id);

struct ScriptedProgramOptions {
  ShellScript script;
  /// One command instead of a shell: no prompt, nothing is echoed, and it ends with its answer.
  std::optional<std::string> command = std::nullopt;
  /// Of that command: as in a terminal, where lines end with CR LF.
  bool terminal = true;
  /// Of a command without a terminal: an exit code follows (CMD-005).
  bool exit_code = false;
  std::size_t chunk_bytes = 1024;
  /// Wait before anything is sent (SHELL-017).
  net::Duration first_output_wait{0};
};

/// Answers from a script; no process is started. Lines end with CR or LF and are answered in their
/// order; backspace, ^U, ^C and ^D work as in a terminal. Holds 64 KiB of answers before it says
/// that it takes no more input.
[[nodiscard]] std::unique_ptr<SessionProgram> make_scripted_program(net::EventLoop& loop,
                                                                    ScriptedProgramOptions options);

}  // namespace ssm::agent
