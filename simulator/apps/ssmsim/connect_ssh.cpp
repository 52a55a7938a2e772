#include "command_line.hpp"
#include "connect_shared.hpp"
#include "exit_code.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "ssm/client/stream_forwarding.hpp"

namespace ssmsim {
namespace {

namespace client = ssm::client;
namespace net = ssm::net;
namespace protocol = ssm::protocol;

constexpr const char* ssh_command = "ssmsim connect ssh";

struct SshArguments {
  ConnectArguments common;
  std::string port = "22";
  unsigned eof_wait_s = 10;
  bool quiet = false;
};

int run_ssh_command(const SshArguments& arguments) {
  ConnectPlan plan;
  std::string mistake;
  if (arguments.common.target.empty()) {
    return usage_error(ssh_command, "--target is required");
  }
  if (!make_connect_plan(arguments.common, plan, mistake)) {
    return usage_error(ssh_command, mistake);
  }
  if (plan.request.document_name.empty()) {
    plan.request.document_name = "AWS-StartSSHSession";
  }
  plan.request.parameters.try_emplace("portNumber", std::vector{arguments.port});
  net::EventLoop loop;
  client::ApiClient api = make_connect_api(loop, plan);
  const auto access = start_session(loop, api, plan.request);
  if (!access) {
    report_start_failure(plan, access.error());
    return exit_infrastructure;
  }
  const auto note = [&](std::string_view text) {
    if (!arguments.quiet) {
      print_note(text);
    }
  };
  const client::SessionOutcome outcome =
      run_session(loop, plan, api, *access,
                  {.make_application =
                       [&](const protocol::SessionStarted& started, client::SessionHost& host) {
                         return client::make_stream_forwarding(
                             started, host,
                             {.input = STDIN_FILENO,
                              .output = STDOUT_FILENO,
                              .quiet_limit = std::chrono::seconds(arguments.eof_wait_s)});
                       },
                   .note = note,
                   .message = note});
  const std::string problem = describe_end(outcome, *access);
  if (!problem.empty()) {
    //= SSH-011
    print_error(problem);
  }
  if (is_left_open(outcome)) {
    client::terminate_and_wait(loop, api, access->session_id);
  }
  die_of_signal(outcome);
  //= SSH-010
  return problem.empty() ? exit_ok : exit_infrastructure;
}

constexpr const char* ssh_footer =
    "A ProxyCommand: stdin and stdout are the connection to a port of the target, byte for byte,\n"
    "and nothing else is written to stdout. In ~/.ssh/config:\n"
    "\n"
    "  Host i-* mi-*\n"
    "    ProxyCommand ssmsim connect ssh --target %h --port %p\n"
    "\n"
    "The other side cannot be told that stdin has ended. What was read is delivered, what still\n"
    "comes is written, and after --eof-wait seconds without anything the session is ended. When\n"
    "nobody reads stdout any more, it is ended at once.\n"
    "\n"
    "Examples:\n"
    "  ssh -o ProxyCommand='ssmsim connect ssh --target %h --port %p' user@i-123456789\n"
    "  printf 'GET / HTTP/1.0\\r\\n\\r\\n' | ssmsim connect ssh --target i-123456789 --port 80\n"
    "\n"
    "Exit codes: 0 the connection ended, 2 usage, 3 the session could not be started, was lost, "
    "or\n"
    "was closed with an error, such as a destination that refuses.";

}  // namespace

void add_connect_ssh(CLI::App& connect, Action& action) {
  auto arguments = std::make_shared<SshArguments>();
  CLI::App* ssh = connect.add_subcommand("ssh", "stdin and stdout to a port, for OpenSSH");
  ssh->footer(ssh_footer);
  ssh->add_option("-p,--port", arguments->port, "Port of the target")
      ->type_name("PORT")
      ->capture_default_str();
  add_connect_options(*ssh, arguments->common, "Session document; default: AWS-StartSSHSession");
  ssh->add_option("--eof-wait", arguments->eof_wait_s, "See below")
      ->type_name("SECONDS")
      ->capture_default_str();
  ssh->add_flag("-q,--quiet", arguments->quiet, "On stderr only failures");
  ssh->callback(
      [arguments, &action] { action = [arguments] { return run_ssh_command(*arguments); }; });
}

}  // namespace ssmsim
