#include "detail/program_factory.hpp"

#include <unistd.h>

#include <utility>
#include <variant>

#include "ssm/agent/command_program.hpp"
#include "ssm/agent/failing_program.hpp"
#include "ssm/agent/pty_program.hpp"

namespace ssm::agent::detail {
namespace {

using protocol::Result;

protocol::Error user_error(std::string text) {
  return protocol::Error(protocol::Errc::malformed_field, 0, std::move(text));
}

/// As whom the session's programs run; amazon-ssm-agent `agent/session/shell/shell_unix.go`. Where
/// the reference would create and use ssm-user, they run as the user of this process.
Result<std::optional<UserIdentity>> session_user(const SessionPlan& plan) {
  if (!plan.run_as_enabled) {
    return std::optional<UserIdentity>();
  }
  if (plan.run_as_user.find_first_not_of(" \t\r\n\v\f") == std::string::npos) {
    return user_error("please set the RunAs default user");
  }
  std::optional<UserIdentity> user = find_user(plan.run_as_user);
  if (!user) {
    return user_error("failed to start pty since RunAs user " + plan.run_as_user +
                      " does not exist");
  }
  if (user->uid == 0 || user->gid == 0) {
    return user_error("invalid uid and gid");
  }
  return user;
}

class Factory {
 public:
  Factory(net::EventLoop& loop, const SessionPlan& plan, const AgentOptions& options)
      : loop_(loop), plan_(plan), options_(options) {}

  std::unique_ptr<SessionProgram> operator()(const ShellPlan& shell) const {
    if (options_.script) {
      return scripted(std::nullopt, true);
    }
    return in_terminal(options_.shell, false, shell.profile);
  }

  std::unique_ptr<SessionProgram> operator()(const CommandPlan& command) const {
    if (options_.script) {
      return scripted(command.commands, command.interactive);
    }
    if (command.interactive) {
      //= CMD-001
      return in_terminal({"sh", "-c", command.commands}, command.elevated, {});
    }
    const bool strict = options_.profile.name == protocol::find_agent_profile("strict")->name;
    CommandProgramOptions program{
        .program = {},
        .commands = command.commands,
        .output = {.separate_output = plan_.description.separate_output,
                   .stdout_prefix = command.stdout_prefix,
                   .stderr_prefix = command.stderr_prefix,
                   .chunk_bytes = options_.profile.chunk_bytes,
                   // Older releases are not known to differ.
                   .rules = *protocol::find_command_output_rules(strict ? "strict" : "agent-3.3")},
        .sends_output_after_cancel = !strict};
    if (auto how = how_to_start({}, command.elevated)) {
      program.program = std::move(*how);
    } else {
      program.preparation_error = how.error().context;
    }
    return make_command_program(loop_, std::move(program));
  }

  std::unique_ptr<SessionProgram> operator()(const PortPlan& port) const {
    PortProgramOptions program = port_program_options(port, options_.profile);
    program.denied_addresses = options_.denied_addresses;
    return make_port_program(loop_, std::move(program));
  }

  std::unique_ptr<SessionProgram> operator()(const UnusablePlan& unusable) const {
    return make_failing_program(unusable.text);
  }

 private:
  [[nodiscard]] std::unique_ptr<SessionProgram> scripted(std::optional<std::string> command,
                                                         bool terminal) const {
    return make_scripted_program(
        loop_, {.script = *options_.script,
                .command = std::move(command),
                .terminal = terminal,
                .exit_code = plan_.description.separate_output,
                .chunk_bytes = options_.profile.chunk_bytes,
                .first_output_wait =
                    terminal ? options_.profile.first_output_wait : net::Duration::zero()});
  }

  [[nodiscard]] Result<ProgramOptions> how_to_start(std::vector<std::string> argv,
                                                    bool elevated) const {
    ProgramOptions program{.argv = std::move(argv),
                           .environment = shell_environment(own_environment()),
                           .directory = {},
                           .chunk_bytes = options_.profile.chunk_bytes};
    //= SHELL-026
    if (elevated) {
      if (::geteuid() == 0) {
        program.environment = with_variable(std::move(program.environment), "HOME", "/root");
      }
      return program;
    }
    Result<std::optional<UserIdentity>> user = session_user(plan_);
    if (!user) {
      return user.error();
    }
    program.user = std::move(*user);
    if (program.user) {
      program.environment =
          with_variable(std::move(program.environment), "HOME", program.user->home);
    }
    return program;
  }

  [[nodiscard]] std::unique_ptr<SessionProgram> in_terminal(std::vector<std::string> argv,
                                                            bool elevated,
                                                            const std::string& profile) const {
    Result<ProgramOptions> how = how_to_start(std::move(argv), elevated);
    if (!how) {
      return make_failing_program("Unable to start shell: " + how.error().context);
    }
    return make_pty_program(
        loop_, {.pty = std::move(*how),
                .shell_profile = profile,
                .first_output_wait = options_.profile.first_output_wait,
                .damages_replacement_character = options_.profile.damages_replacement_character});
  }

  net::EventLoop& loop_;
  const SessionPlan& plan_;
  const AgentOptions& options_;
};

}  // namespace

std::unique_ptr<SessionProgram> make_program(net::EventLoop& loop, SessionPlan plan,
                                             const AgentOptions& options) {
  return std::visit(Factory(loop, plan, options), plan.work);
}

}  // namespace ssm::agent::detail
