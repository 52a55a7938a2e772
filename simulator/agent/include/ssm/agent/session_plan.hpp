#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/session_description.hpp"
#include "ssm/protocol/task.hpp"

namespace ssm::agent {

/// Standard_Stream: an interactive shell.
struct ShellPlan {
  /// `inputs.shellProfile.linux`: typed into the shell before anything else (SHELL-027).
  std::string profile;
};

/// InteractiveCommands and NonInteractiveCommands: one command.
struct CommandPlan {
  /// In a pseudo terminal, through `sh -c` (CMD-001); otherwise executed directly, with pipes and
  /// without input (CMD-002).
  bool interactive = true;
  std::string commands;
  /// Runs as the agent's own user.
  bool elevated = false;
  std::string stdout_prefix;
  std::string stderr_prefix;
};

/// Port: connections to a destination. All three are texts of the document, unchecked.
struct PortPlan {
  std::string host;  ///< empty: localhost
  std::string port;
  std::string type;
};

/// Properties of a Port session that cannot be used. The client is told the properties first; then
/// the session fails with this text (PORT-016, PORT-018).
struct UnusablePlan {
  std::string text;
};

/// What an agent is going to do for one session.
struct SessionPlan {
  std::string session_id;
  /// Type, properties with parameters replaced, KMS key.
  protocol::SessionDescription description;
  /// `inputs.runAsEnabled`; then `run_as_user` must name a user.
  bool run_as_enabled = false;
  std::string run_as_user;
  std::variant<ShellPlan, CommandPlan, PortPlan, UnusablePlan> work;
};

/// Why a task is not carried out; nothing of it is seen on a data channel.
struct TaskRefusal {
  /// The document cannot be read at all: the reference writes this text to its log and answers
  /// nothing, so that the service has to time the session out (`agent/messageservice/interactor/
  /// mgsinteractor/mgsinteractor.go`). Otherwise the session fails with this text.
  bool unreadable = false;
  std::string text;
};

/// Reads a task as amazon-ssm-agent does: parameter values of the caller, else the document's
/// defaults, replace `{{ name }}` in `properties` and `inputs`; then the properties are decoded for
/// the session type. Member names match whatever their letter case.
///
/// Session types that came later than `profile`'s version are unknown to it. References to the
/// Parameter Store, `{{ssm:name}}`, are refused: there is no store behind this agent.
///
/// Source: amazon-ssm-agent `agent/framework/docparser/docparser.go`,
/// `agent/framework/runpluginutil/runpluginutil.go`, `agent/session/plugins/`.
[[nodiscard]] boost::system::result<SessionPlan, TaskRefusal> make_session_plan(
    const protocol::SessionTask& task, const protocol::AgentProfile& profile);

/// The words of a command line, split with quotes and backslashes like a shell's but without any
/// expansion (google/shlex, as NonInteractiveCommands uses it; CMD-002). `#` begins a comment.
/// The error is the agent's text.
[[nodiscard]] boost::system::result<std::vector<std::string>, std::string> split_command(
    std::string_view text);

}  // namespace ssm::agent
