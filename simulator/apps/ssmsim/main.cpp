#include "command_line.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "signer.hpp"
#include "version.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/client/plugin_command.hpp"

namespace {

using AddCommand = void (*)(CLI::App& app, ssmsim::Action& action);
constexpr AddCommand add_commands[] = {
    ssmsim::add_serve_command, ssmsim::add_agent_command,   ssmsim::add_connect_command,
    ssmsim::add_trace_command, ssmsim::add_conform_command, ssmsim::add_simulate_command,
};

constexpr const char* description =
    "Session Manager on one machine: develop, test, break and measure anything that speaks the\n"
    "protocol of AWS Systems Manager Session Manager, offline and without an AWS account.";

constexpr const char* footer =
    "Examples:\n"
    "  ssmsim serve\n"
    "  ssmsim connect shell --target i-123456789\n"
    "\n"
    "`ssmsim COMMAND --help` explains a command.\n"
    "Exit codes: 0 ok, 1 findings, 2 usage, 3 infrastructure, 4 stale known-failure list.";

bool called_as_plugin(std::string_view program) {
  return program.substr(program.rfind('/') + 1) == "session-manager-plugin";
}

int run(int argc, char** argv) {
  if (argc > 0 && called_as_plugin(argv[0])) {
    const std::vector<std::string> arguments(argv, argv + argc);
    return ssm::client::plugin_command(arguments, ssmsim::make_signer);
  }
  CLI::App app(description, "ssmsim");
  app.footer(footer);
  app.require_subcommand(1);
  app.set_version_flag("--version", ssmsim::version_text, "Print version, compiler and libraries");
  ssmsim::Action action;
  for (const AddCommand add : add_commands) {
    add(app, action);
  }
  int status = ssmsim::exit_ok;
  if (!ssmsim::parse_command_line(app, argc, argv, status)) {
    return status;
  }
  return action();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    ssmsim::print_error(error.what());
    return ssmsim::exit_infrastructure;
  }
}
