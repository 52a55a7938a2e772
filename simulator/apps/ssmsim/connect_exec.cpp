#include "command_line.hpp"
#include "connect_shared.hpp"
#include "exit_code.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <memory>
#include <utility>

#include "ssm/client/command_application.hpp"
#include "ssm/client/shell_application.hpp"
#include "ssm/client/standard_stream.hpp"

namespace ssmsim {
namespace {

namespace client = ssm::client;
namespace json = boost::json;
namespace net = ssm::net;
namespace protocol = ssm::protocol;

constexpr const char* exec_command = "ssmsim connect exec";
constexpr const char* separate_streams = "separateOutputStream";
/// Of a command that a signal ended; which one is not told.
constexpr int killed_exit_code = 255;

struct ExecArguments {
  ConnectArguments common;
  std::vector<std::string> command;
  bool tty = false;
  bool json = false;
  bool verbose = false;
  bool quiet = false;
};

/// How it ended, for the exit code and for --json.
struct ExecEnd {
  std::string session_id;
  std::optional<int> remote;  ///< exit code of the command
  int status = exit_infrastructure;
  std::string problem;
};

class ExecRun {
 public:
  ExecRun(const ExecArguments& arguments, ConnectPlan plan)
      : arguments_(arguments), plan_(std::move(plan)), api_(make_connect_api(loop_, plan_)) {}

  int run() {
    ExecEnd end;
    client::SessionOutcome outcome;
    const auto access = start(end);
    if (access) {
      end.session_id = access->session_id;
      outcome = arguments_.tty ? run_terminal(*access) : run_command(*access);
      judge(outcome, *access, end);
    }
    if (result_.error_line_is_open && (arguments_.json || !end.problem.empty())) {
      client::write_all(STDERR_FILENO, "\n");
    }
    if (arguments_.json) {
      const json::object summary{
          {"session_id", end.session_id},
          {"exit_code", end.remote ? json::value(*end.remote) : json::value(nullptr)},
          {"status", end.status},
          {"error", end.problem}};
      client::write_all(STDERR_FILENO, json::serialize(summary) + "\n");
    } else if (!end.problem.empty() && access) {
      print_error(end.problem);
    }
    if (access && is_left_open(outcome)) {
      client::terminate_and_wait(loop_, api_, access->session_id);
    }
    die_of_signal(outcome);
    return end.status;
  }

 private:
  [[nodiscard]] client::StartSessionRequest request() const {
    client::StartSessionRequest request = plan_.request;
    if (request.document_name.empty()) {
      request.document_name =
          arguments_.tty ? "AWS-StartInteractiveCommand" : "AWS-StartNonInteractiveCommand";
    }
    if (!arguments_.command.empty()) {
      request.parameters["command"] = {client::quote_for_shell(arguments_.command)};
    }
    return request;
  }

  std::optional<client::SessionAccess> start(ExecEnd& end) {
    client::StartSessionRequest wanted = request();
    const bool asks = !arguments_.tty && !wanted.parameters.contains(separate_streams);
    if (asks) {
      wanted.parameters[separate_streams] = {"true"};
    }
    auto access = start_session(loop_, api_, wanted);
    if (!access && asks && access.error().code == "InvalidParameters") {
      // A document from before the streams could be separated, or the user's own.
      wanted.parameters.erase(separate_streams);
      auto again = start_session(loop_, api_, wanted);
      if (again && arguments_.verbose) {
        print_note(fmt::format("the document has no parameter {}: {}", separate_streams,
                               access.error().to_string()));
      }
      access = std::move(again);
    }
    if (access) {
      return *std::move(access);
    }
    end.problem = report_start_failure(plan_, access.error());
    return std::nullopt;
  }

  client::SessionOutcome run_command(const client::SessionAccess& access) {
    return run_session(
        loop_, plan_, api_, access,
        {.make_application =
             [this](const protocol::SessionStarted& started, client::SessionHost& host) {
               if (arguments_.verbose) {
                 print_note(fmt::format("agent {}, {}", client::printable(started.agent_version),
                                        started.session_type));
               }
               return client::make_command(
                   started, host, {.output = STDOUT_FILENO, .error = STDERR_FILENO}, result_);
             },
         .note = [this](std::string_view text) { note(text); },
         .message = [this](std::string_view text) { note(text); }});
  }

  client::SessionOutcome run_terminal(const client::SessionAccess& access) {
    return run_session(
        loop_, plan_, api_, access,
        {.make_application =
             [this](const protocol::SessionStarted& started, client::SessionHost& host) {
               result_.started = true;
               return client::make_shell(started, host,
                                         {.input = STDIN_FILENO,
                                          .output = STDOUT_FILENO,
                                          .input_end = client::InputEnd::send_end_of_transmission,
                                          .signals_are_input = false});
             },
         .note = [this](std::string_view text) { note(text); },
         .message = [this](std::string_view text) { note(text); }});
  }

  void note(std::string_view text) const {
    if (!arguments_.quiet) {
      print_note(text);
    }
  }

  void judge(const client::SessionOutcome& outcome, const client::SessionAccess& access,
             ExecEnd& end) {
    end.remote = result_.exit_code;
    end.problem = describe_end(outcome, access);
    if (end.remote && outcome.end == client::SessionEnd::channel_closed) {
      // The failure of a command is not the session's: the exit code says it.
      end.problem.clear();
      end.status = *end.remote < 0 ? killed_exit_code : *end.remote;
    } else if (end.problem.empty() && (arguments_.tty || !result_.started)) {
      end.status = outcome.end == client::SessionEnd::channel_closed ||
                           outcome.end == client::SessionEnd::left
                       ? exit_ok
                       : exit_infrastructure;
    } else if (end.problem.empty() && outcome.end == client::SessionEnd::channel_closed) {
      end.problem =
          "the command has ended, but the agent did not tell its exit code: the session document "
          "does not separate the output streams, or the agent is too old";
    }
  }

  const ExecArguments& arguments_;
  ConnectPlan plan_;
  net::EventLoop loop_;
  client::ApiClient api_;
  client::CommandResult result_;
};

int run_exec_command(const ExecArguments& arguments) {
  ConnectPlan plan;
  std::string mistake;
  if (arguments.common.target.empty()) {
    return usage_error(exec_command, "--target is required");
  }
  if (arguments.command.empty() && arguments.common.document_name.empty()) {
    return usage_error(exec_command, "expected a command, like: -- uname -a");
  }
  if (!make_connect_plan(arguments.common, plan, mistake)) {
    return usage_error(exec_command, mistake);
  }
  return ExecRun(arguments, std::move(plan)).run();
}

constexpr const char* exec_footer =
    "The command's stdout and stderr come out of this one's, apart and as they are, and its exit\n"
    "code is this command's. Each argument arrives as it is given; a shell's work needs a shell:\n"
    "-- sh -c '...'. The command has no stdin: this kind of session takes nothing but ^C and ^\\,\n"
    "which are passed on once; the second one ends the session. With --tty the command runs in a\n"
    "terminal by `sh -c`, with stdin; its exit code is not told, and stderr is not apart.\n"
    "\n"
    "Examples:\n"
    "  ssmsim connect exec --target i-123456789 -- uname -a\n"
    "  ssmsim connect exec --target i-123456789 -- sh -c 'df -h | tail -n 1' > disk.txt\n"
    "  ssmsim connect exec --target i-123456789 --tty -- top\n"
    "\n"
    "Exit codes: that of the command, 255 if a signal ended it; 0 with --tty; 2 usage; 3 the\n"
    "session could not be started, was lost or was closed with an error, or the exit code is not\n"
    "known. --json ends stderr with one JSON object that tells a command's 2 or 3 from ours:\n"
    "exit_code is the command's, or null.";

}  // namespace

void add_connect_exec(CLI::App& connect, Action& action) {
  auto arguments = std::make_shared<ExecArguments>();
  CLI::App* exec = connect.add_subcommand("exec", "Run one command, with its output and exit code");
  exec->footer(exec_footer);
  exec->add_option("COMMAND", arguments->command, "After --: the command and its arguments");
  add_connect_options(*exec, arguments->common,
                      "Session document; default: AWS-StartNonInteractiveCommand, or with --tty "
                      "AWS-StartInteractiveCommand");
  exec->add_flag("--tty", arguments->tty, "Run it in a terminal");
  exec->add_flag("--json", arguments->json, "How it ended, on the last line of stderr");
  exec->add_flag("-v,--verbose", arguments->verbose, "On stderr also what was chosen");
  exec->add_flag("-q,--quiet", arguments->quiet, "On stderr only the command's, and failures");
  exec->callback(
      [arguments, &action] { action = [arguments] { return run_exec_command(*arguments); }; });
}

}  // namespace ssmsim
