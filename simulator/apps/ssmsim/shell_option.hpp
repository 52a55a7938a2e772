#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ssm/agent/scripted_program.hpp"
#include "ssm/agent/shell_environment.hpp"

namespace ssmsim {

/// What `--shell` asks for.
struct ShellChoice {
  std::vector<std::string> argv = ssm::agent::default_shell();
  /// Not empty: shells and commands are answered from a script, for an instance of this id.
  std::function<ssm::agent::ShellScript(const std::string& instance_id)> script = nullptr;
};

/// Reads `PROGRAM`, `scripted` or `scripted:FILE`; empty is the default. Returns what is wrong.
[[nodiscard]] std::optional<std::string> resolve_shell(const std::string& text,
                                                       ShellChoice& choice);

inline constexpr const char* shell_option_help =
    "Program of shell sessions (default: sh); `scripted` or scripted:FILE answers shells and "
    "commands from a script and starts no process";

}  // namespace ssmsim
