#include "command_line.hpp"
#include "connect_shared.hpp"
#include "exit_code.hpp"

#include <unistd.h>

#include <memory>
#include <utility>

#include "ssm/client/plugin_texts.hpp"
#include "ssm/client/shell_application.hpp"
#include "ssm/client/standard_stream.hpp"

namespace ssmsim {
namespace {

namespace client = ssm::client;
namespace net = ssm::net;
namespace protocol = ssm::protocol;

constexpr const char* shell_command = "ssmsim connect shell";

struct ShellArguments {
  ConnectArguments common;
  client::SessionAccess attach;
  bool quiet = false;
};

/// Empty: the arguments say which session.
std::string session_mistake(const ShellArguments& arguments) {
  const client::SessionAccess& attach = arguments.attach;
  const bool attaches =
      !attach.stream_url.empty() || !attach.token.empty() || !attach.session_id.empty();
  if (attaches == !arguments.common.target.empty()) {
    return "expected either --target, or --session-id, --stream-url and --token";
  }
  if (attaches &&
      (attach.stream_url.empty() || attach.token.empty() || attach.session_id.empty())) {
    return "to attach to a session, --session-id, --stream-url and --token are all needed";
  }
  return {};
}

client::SessionOutcome run_shell(net::EventLoop& loop, const ConnectPlan& plan,
                                 client::ApiClient& api, const client::SessionAccess& access) {
  return run_session(loop, plan, api, access,
                     {.make_application =
                          [](const protocol::SessionStarted& started, client::SessionHost& host) {
                            return client::make_shell(
                                started, host,
                                {.input = STDIN_FILENO,
                                 .output = STDOUT_FILENO,
                                 .input_end = client::InputEnd::send_end_of_transmission,
                                 .signals_are_input = false});
                          },
                      .note = print_note,
                      .message =
                          [](std::string_view text) {
                            client::write_all(STDOUT_FILENO, std::string(text) + "\n");
                          }});
}

int report(const client::SessionOutcome& outcome, const client::SessionAccess& access, bool quiet) {
  using client::SessionEnd;
  const std::string problem = describe_end(outcome, access);
  const bool has_text =
      outcome.end == SessionEnd::channel_closed || outcome.end == SessionEnd::timed_out;
  if (has_text && !quiet) {
    client::write_all(STDOUT_FILENO, client::end_text(outcome, access.session_id));
  } else if (!problem.empty()) {
    print_error(problem);
  }
  return problem.empty() ? exit_ok : exit_infrastructure;
}

int run_shell_command(const ShellArguments& arguments) {
  ConnectPlan plan;
  std::string mistake;
  if (!make_connect_plan(arguments.common, plan, mistake) ||
      !(mistake = session_mistake(arguments)).empty()) {
    return usage_error(shell_command, mistake);
  }
  net::EventLoop loop;
  client::ApiClient api = make_connect_api(loop, plan);
  client::SessionAccess access = arguments.attach;
  const bool attaches = arguments.common.target.empty();
  if (!attaches) {
    auto started = start_session(loop, api, plan.request);
    if (!started) {
      report_start_failure(plan, started.error());
      return exit_infrastructure;
    }
    access = *std::move(started);
  }
  if (!arguments.quiet) {
    client::write_all(STDOUT_FILENO, client::start_text(access.session_id));
  }
  const client::SessionOutcome outcome = run_shell(loop, plan, api, access);
  const int status = report(outcome, access, arguments.quiet);
  if (!attaches && is_left_open(outcome)) {
    client::terminate_and_wait(loop, api, access.session_id);
  }
  die_of_signal(outcome);
  return status;
}

constexpr const char* shell_footer =
    "While the session lasts the terminal is raw: ^C and ^Z go to the remote side, and ~. typed\n"
    "after Enter leaves and terminates the session. When the input ends (a pipe, a file) the "
    "remote\n"
    "shell is told, and the command waits until it has ended.\n"
    "The keys are those of the environment or of the profile AWS_PROFILE, else test and test.\n"
    "\n"
    "Examples:\n"
    "  ssmsim connect shell --target i-123456789\n"
    "  echo uptime | ssmsim connect shell --quiet --target i-123456789\n"
    "  ssmsim connect shell --target i-123456789 --endpoint http://127.0.0.1:14580 \\\n"
    "      --document-name AWS-StartInteractiveCommand --parameter command=top\n"
    "  ssmsim connect shell --session-id test-0123 --token TOKEN \\\n"
    "      --stream-url 'ws://127.0.0.1:4580/v1/data-channel/test-0123?role=publish_subscribe'\n"
    "\n"
    "Exit codes: 0 the session ended normally, 2 usage, 3 it could not be started, was lost, or\n"
    "was closed with an error.";

}  // namespace

void add_connect_shell(CLI::App& connect, Action& action) {
  auto arguments = std::make_shared<ShellArguments>();
  CLI::App* shell =
      connect.add_subcommand("shell", "An interactive shell, or its input from a pipe");
  shell->footer(shell_footer);
  add_connect_options(*shell, arguments->common,
                      "Session document; default: the service's, a shell");
  shell->add_option("--session-id", arguments->attach.session_id, "Attach to a started session")
      ->type_name("ID");
  shell->add_option("--stream-url", arguments->attach.stream_url, "Its StreamUrl")
      ->type_name("URL");
  shell->add_option("--token", arguments->attach.token, "Its TokenValue")
      ->type_name("TOKEN")
      ->envname("SSMSIM_TOKEN");
  shell->add_flag("-q,--quiet", arguments->quiet, "Nothing on stdout but what the session sends");
  shell->callback(
      [arguments, &action] { action = [arguments] { return run_shell_command(*arguments); }; });
}

}  // namespace ssmsim
