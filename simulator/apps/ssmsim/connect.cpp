#include "command_line.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "signer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <utility>

#include "ssm/client/api_client.hpp"
#include "ssm/client/aws_environment.hpp"
#include "ssm/client/credentials.hpp"
#include "ssm/client/shell_client.hpp"
#include "ssm/client/shell_texts.hpp"
#include "ssm/client/standard_stream.hpp"
#include "ssm/protocol/profile.hpp"

namespace ssmsim {
namespace {

namespace client = ssm::client;
namespace net = ssm::net;
namespace protocol = ssm::protocol;

constexpr const char* shell_command = "ssmsim connect shell";
struct ShellArguments {
  client::StartSessionRequest request;
  std::vector<std::string> parameters;
  client::SessionAccess attach;
  std::string endpoint;
  std::string region;
  std::string profile = "strict";
  bool quiet = false;
};

std::string profile_names() {
  std::string names;
  for (const protocol::ClientProfile& profile : protocol::client_profiles()) {
    names += (names.empty() ? "" : ", ") + std::string(profile.name);
  }
  return names;
}

/// What the arguments mean, once they are known to make sense.
struct ShellPlan {
  client::StartSessionRequest request;
  std::optional<client::SessionAccess> attach;
  net::Url endpoint;
  client::Credentials credentials;
  std::string region;
  const protocol::ClientProfile* profile = nullptr;
  bool quiet = false;
};

/// The simulator takes `test` and `test`; AWS would answer those with a riddle.
bool resolve_credentials(ShellPlan& plan, std::string& mistake) {
  auto found = client::find_credentials("", client::process_environment());
  if (found) {
    plan.credentials = *std::move(found);
    return true;
  }
  if (plan.endpoint.host.ends_with(".amazonaws.com")) {
    mistake = found.error().reason;
    return false;
  }
  plan.credentials = {"test", "test", ""};
  return true;
}

bool resolve_session(const ShellArguments& arguments, ShellPlan& plan, std::string& mistake) {
  const client::SessionAccess& attach = arguments.attach;
  const bool attaches =
      !attach.stream_url.empty() || !attach.token.empty() || !attach.session_id.empty();
  if (attaches == !arguments.request.target.empty()) {
    mistake = "expected either --target, or --session-id, --stream-url and --token";
    return false;
  }
  if (attaches) {
    if (attach.stream_url.empty() || attach.token.empty() || attach.session_id.empty()) {
      mistake = "to attach to a session, --session-id, --stream-url and --token are all needed";
      return false;
    }
    plan.attach = attach;
    return true;
  }
  plan.request = arguments.request;
  for (const std::string& parameter : arguments.parameters) {
    const std::size_t equals = parameter.find('=');
    if (equals == 0 || equals == std::string::npos) {
      mistake = fmt::format("--parameter expects NAME=VALUE, got '{}'", parameter);
      return false;
    }
    plan.request.parameters[parameter.substr(0, equals)].push_back(parameter.substr(equals + 1));
  }
  return true;
}

bool make_plan(const ShellArguments& arguments, ShellPlan& plan, std::string& mistake) {
  const auto environment = client::process_environment();
  const std::string endpoint = client::resolve_endpoint(arguments.endpoint, environment);
  auto url = net::Url::parse(endpoint);
  if (!url || (url->scheme != "http" && url->scheme != "https")) {
    mistake =
        fmt::format("the endpoint '{}' is no URL like {}", endpoint, client::default_endpoint);
    return false;
  }
  plan.endpoint = *std::move(url);
  plan.region = client::resolve_region(arguments.region, environment);
  plan.quiet = arguments.quiet;
  plan.profile = protocol::find_client_profile(arguments.profile);
  if (plan.profile == nullptr) {
    mistake = fmt::format("there is no client profile '{}'; expected one of: {}", arguments.profile,
                          profile_names());
    return false;
  }
  return resolve_session(arguments, plan, mistake) && resolve_credentials(plan, mistake);
}

// ------------------------------------------------------------------------------------------------

std::string endpoint_text(const net::Url& url) {
  return fmt::format("{}://{}", url.scheme, url.host_header());
}

/// The query of a URL may hold a signature.
std::string_view without_query(std::string_view url) {
  return url.substr(0, url.find('?'));
}

/// What to do about a failed StartSession.
std::string_view advice(const client::ApiError& error) {
  if (error.kind == client::ApiError::Kind::unreachable) {
    return "Is it running? `ssmsim serve` starts a simulator at http://127.0.0.1:4580; --endpoint "
           "or AWS_ENDPOINT_URL_SSM names another one.";
  }
  if (error.code == "TargetNotConnected") {
    return "No agent of that name is online there. `aws ssm describe-instance-information` with "
           "the same --endpoint-url lists those that are.";
  }
  if (error.code == "UnrecognizedClientException" || error.code == "InvalidSignatureException" ||
      error.code == "MissingAuthenticationTokenException") {
    return "The keys are those of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or of the profile "
           "AWS_PROFILE; a simulator accepts test and test unless its configuration says "
           "otherwise.";
  }
  return {};
}

class ShellRun {
 public:
  explicit ShellRun(ShellPlan plan)
      : plan_(std::move(plan)),
        api_(loop_, {.endpoint = plan_.endpoint,
                     .sign = make_signer(plan_.credentials, plan_.region),
                     .user_agent = "ssmsim/" SSMSIM_VERSION}) {}

  int run() {
    if (plan_.attach) {
      access_ = *plan_.attach;
    } else if (!start_session()) {
      return exit_infrastructure;
    }
    if (!plan_.quiet) {
      client::write_all(STDOUT_FILENO, client::start_text(access_.session_id));
    }
    const client::ShellOutcome outcome = run_shell();
    return report(outcome);
  }

 private:
  bool start_session() {
    std::optional<client::ApiResult<client::SessionAccess>> answer;
    const auto pending = api_.start_session(plan_.request, [&](auto result) {
      answer = std::move(result);
      loop_.stop();
    });
    loop_.run();
    if (answer && *answer) {
      access_ = **answer;
      return true;
    }
    const client::ApiError error = answer ? answer->error() : client::ApiError{};
    print_error(fmt::format("StartSession for {} at {} failed: {}", plan_.request.target,
                            endpoint_text(plan_.endpoint), error.to_string()));
    if (const auto hint = advice(error); !hint.empty()) {
      print_error(hint);
    }
    return false;
  }

  client::ShellOutcome run_shell() {
    client::ShellOutcome result;
    client::ShellClient shell(loop_, client::client_config(*plan_.profile, access_),
                              {.client = &api_, .why_not = {}},
                              {.input = STDIN_FILENO,
                               .output = STDOUT_FILENO,
                               .input_end = client::InputEnd::send_end_of_transmission,
                               .signals_are_input = false,
                               .note = note},
                              [&](client::ShellOutcome outcome) {
                                result = std::move(outcome);
                                loop_.stop();
                              });
    shell.start();
    loop_.run();
    return result;
  }

  /// The terminal may be raw, where a line feed alone does not return to the first column.
  static void note(std::string_view text) {
    client::write_all(STDERR_FILENO, fmt::format("ssmsim: {}{}", text,
                                                 isatty(STDERR_FILENO) == 1 ? "\r\n" : "\n"));
  }

  int report(const client::ShellOutcome& outcome) {
    using client::ShellEnd;
    switch (outcome.end) {
      case ShellEnd::channel_closed:
      case ShellEnd::timed_out:
        if (!plan_.quiet) {
          client::write_all(STDOUT_FILENO, client::end_text(outcome, access_.session_id));
        } else if (outcome.end == ShellEnd::timed_out) {
          print_error(fmt::format("session {} timed out", access_.session_id));
        } else if (!outcome.text.empty()) {
          print_error(fmt::format("session {} was closed: {}", access_.session_id,
                                  client::printable(outcome.text)));
        }
        return outcome.end == ShellEnd::channel_closed && outcome.text.empty()
                   ? exit_ok
                   : exit_infrastructure;
      case ShellEnd::unreachable:
        print_error(fmt::format("the data channel {} cannot be opened: {}",
                                client::printable(without_query(access_.stream_url)),
                                outcome.text));
        print_error("The service named that address in StreamUrl; it must be reachable from here.");
        return exit_infrastructure;
      case ShellEnd::resume_exhausted:
        print_error(
            fmt::format("the connection was lost and could not be resumed: {}", outcome.text));
        return exit_infrastructure;
      case ShellEnd::unknown_session_type:
        print_error("the agent ended the handshake without a session type");
        break;
      case ShellEnd::unsupported_session_type:
        print_error(fmt::format("this is a session of type '{}', not a shell; its document decides",
                                client::printable(outcome.text)));
        break;
      case ShellEnd::stalled:
      case ShellEnd::input_lost:
      case ShellEnd::input_ended:
        print_error(outcome.text);
        break;
      case ShellEnd::output_failed:
        print_error(fmt::format("standard output cannot be written: {}", outcome.text));
        break;
      case ShellEnd::left:
        terminate_session();
        return exit_ok;
      case ShellEnd::stopped:
        terminate_session();
        std::signal(outcome.signal, SIG_DFL);
        raise(outcome.signal);
        break;
    }
    terminate_session();
    return exit_infrastructure;
  }

  /// Nobody else will end the session that this run started.
  void terminate_session() {
    if (!plan_.attach) {
      client::terminate_and_wait(loop_, api_, access_.session_id);
    }
  }

  ShellPlan plan_;
  net::EventLoop loop_;
  client::ApiClient api_;
  client::SessionAccess access_;
};

int run_shell_command(const ShellArguments& arguments) {
  ShellPlan plan;
  std::string mistake;
  if (!make_plan(arguments, plan, mistake)) {
    return usage_error(shell_command, mistake);
  }
  // A reader of stdout that has gone is an error to report, not a reason to die with a raw
  // terminal.
  std::signal(SIGPIPE, SIG_IGN);
  return ShellRun(std::move(plan)).run();
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

void add_shell(CLI::App& connect, Action& action) {
  auto arguments = std::make_shared<ShellArguments>();
  CLI::App* shell =
      connect.add_subcommand("shell", "An interactive shell, or its input from a pipe");
  shell->footer(shell_footer);
  shell->add_option("-t,--target", arguments->request.target, "Instance to connect to")
      ->type_name("ID");
  shell
      ->add_option("--endpoint", arguments->endpoint,
                   "Service; default: AWS_ENDPOINT_URL_SSM, AWS_ENDPOINT_URL, "
                   "http://127.0.0.1:4580")
      ->type_name("URL");
  shell
      ->add_option("--region", arguments->region,
                   "Region to sign for; default: AWS_REGION, AWS_DEFAULT_REGION, us-east-1")
      ->type_name("NAME");
  shell->add_option("--reason", arguments->request.reason, "Noted with the session")
      ->type_name("TEXT");
  shell
      ->add_option("--document-name", arguments->request.document_name,
                   "Session document; default: the service's, a shell")
      ->type_name("NAME");
  shell
      ->add_option("--parameter", arguments->parameters,
                   "Parameter of the document; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  shell->add_option("--profile", arguments->profile, "Client to behave as: " + profile_names())
      ->type_name("NAME")
      ->capture_default_str();
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

}  // namespace

void add_connect_command(CLI::App& app, Action& action) {
  CLI::App* connect = app.add_subcommand("connect", "Connect to an instance as a client");
  connect->require_subcommand(1);
  connect->footer(
      "Examples:\n"
      "  ssmsim connect shell --target i-123456789\n"
      "  ssmsim connect shell --help");
  add_shell(*connect, action);
}

}  // namespace ssmsim
