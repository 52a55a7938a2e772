#include "commands.hpp"
#include "connect_shared.hpp"

namespace ssmsim {

void add_connect_command(CLI::App& app, Action& action) {
  CLI::App* connect = app.add_subcommand("connect", "Connect to an instance as a client");
  connect->require_subcommand(1);
  connect->footer(
      "Examples:\n"
      "  ssmsim connect shell --target i-123456789\n"
      "  ssmsim connect exec --target i-123456789 -- uname -a\n"
      "  ssmsim connect port --target i-123456789 -L 8080:localhost:80\n"
      "  ssh -o ProxyCommand='ssmsim connect ssh --target %h --port %p' user@i-123456789\n"
      "  ssmsim connect cp -r folder i-123456789:/tmp/\n"
      "  ssmsim connect port --help");
  add_connect_shell(*connect, action);
  add_connect_exec(*connect, action);
  add_connect_port(*connect, action);
  add_connect_ssh(*connect, action);
  add_connect_cp(*connect, action);
}

}  // namespace ssmsim
