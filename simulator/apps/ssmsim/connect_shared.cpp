#include "connect_shared.hpp"

#include "command_line.hpp"
#include "signer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "ssm/client/aws_environment.hpp"
#include "ssm/client/standard_stream.hpp"

namespace ssmsim {
namespace {

namespace client = ssm::client;
namespace net = ssm::net;
namespace protocol = ssm::protocol;

std::string profile_names() {
  std::string names;
  for (const protocol::ClientProfile& profile : protocol::client_profiles()) {
    names += (names.empty() ? "" : ", ") + std::string(profile.name);
  }
  return names;
}

/// The simulator takes `test` and `test`; AWS would answer those with a riddle.
bool resolve_credentials(ConnectPlan& plan, std::string& mistake) {
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

bool resolve_parameters(const ConnectArguments& arguments, ConnectPlan& plan,
                        std::string& mistake) {
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

}  // namespace

void add_service_options(CLI::App& command, ConnectArguments& arguments) {
  command
      .add_option("--endpoint", arguments.endpoint,
                  "Service; default: AWS_ENDPOINT_URL_SSM, AWS_ENDPOINT_URL, "
                  "http://127.0.0.1:4580")
      ->type_name("URL");
  command
      .add_option("--region", arguments.region,
                  "Region to sign for; default: AWS_REGION, AWS_DEFAULT_REGION, us-east-1")
      ->type_name("NAME");
  command.add_option("--reason", arguments.reason, "Noted with the session")->type_name("TEXT");
}

void add_profile_option(CLI::App& command, ConnectArguments& arguments) {
  command.add_option("--profile", arguments.profile, "Client to behave as: " + profile_names())
      ->type_name("NAME")
      ->capture_default_str();
}

void add_connect_options(CLI::App& command, ConnectArguments& arguments,
                         const std::string& document_help) {
  command.add_option("-t,--target", arguments.target, "Instance to connect to")->type_name("ID");
  add_service_options(command, arguments);
  command.add_option("--document-name", arguments.document_name, document_help)->type_name("NAME");
  command
      .add_option("--parameter", arguments.parameters, "Parameter of the document; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  add_profile_option(command, arguments);
}

bool make_connect_plan(const ConnectArguments& arguments, ConnectPlan& plan, std::string& mistake) {
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
  plan.profile = protocol::find_client_profile(arguments.profile);
  if (plan.profile == nullptr) {
    mistake = fmt::format("there is no client profile '{}'; expected one of: {}", arguments.profile,
                          profile_names());
    return false;
  }
  plan.request.target = arguments.target;
  plan.request.document_name = arguments.document_name;
  plan.request.reason = arguments.reason;
  return resolve_parameters(arguments, plan, mistake) && resolve_credentials(plan, mistake);
}

client::ApiClient make_connect_api(net::EventLoop& loop, const ConnectPlan& plan) {
  std::signal(SIGPIPE, SIG_IGN);
  return {loop,
          {.endpoint = plan.endpoint,
           .sign = make_signer(plan.credentials, plan.region),
           .user_agent = "ssmsim/" SSMSIM_VERSION}};
}

client::ApiResult<client::SessionAccess> start_session(net::EventLoop& loop, client::ApiClient& api,
                                                       const client::StartSessionRequest& request) {
  std::optional<client::ApiResult<client::SessionAccess>> answer;
  const auto pending = api.start_session(request, [&](auto result) {
    answer = std::move(result);
    loop.stop();
  });
  loop.run();
  return answer ? *std::move(answer) : client::ApiError{};
}

std::string report_start_failure(const ConnectPlan& plan, const client::ApiError& error) {
  std::string text = fmt::format("StartSession for {} at {} failed: {}", plan.request.target,
                                 endpoint_text(plan.endpoint), error.to_string());
  print_error(text);
  if (const auto hint = advice(error); !hint.empty()) {
    print_error(hint);
  }
  return text;
}

client::SessionOutcome run_session(net::EventLoop& loop, const ConnectPlan& plan,
                                   client::ApiClient& api, const client::SessionAccess& access,
                                   client::SessionOptions options) {
  client::SessionOutcome result;
  client::SessionClient session(loop, client::client_config(*plan.profile, access),
                                {.client = &api, .why_not = {}}, std::move(options),
                                [&](client::SessionOutcome outcome) {
                                  result = std::move(outcome);
                                  loop.stop();
                                });
  session.start();
  loop.run();
  return result;
}

std::string describe_end(const client::SessionOutcome& outcome,
                         const client::SessionAccess& access) {
  using client::SessionEnd;
  switch (outcome.end) {
    case SessionEnd::channel_closed:
      return outcome.text.empty() ? std::string()
                                  : fmt::format("session {} was closed: {}", access.session_id,
                                                client::printable(outcome.text));
    case SessionEnd::timed_out:
      return fmt::format("session {} timed out", access.session_id);
    case SessionEnd::unreachable:
      return fmt::format(
          "the data channel {} cannot be opened: {}; the service named that address in StreamUrl, "
          "and it must be reachable from here",
          client::printable(without_query(access.stream_url)), outcome.text);
    case SessionEnd::resume_exhausted:
      return fmt::format("the connection was lost and could not be resumed: {}", outcome.text);
    case SessionEnd::unknown_session_type:
      return "the agent ended the handshake without a session type";
    case SessionEnd::unsupported_session_type:
      return fmt::format(
          "this is a session of type '{}', which this command is not for; its "
          "document decides",
          client::printable(outcome.text));
    case SessionEnd::output_failed:
      return fmt::format("standard output cannot be written: {}", outcome.text);
    case SessionEnd::stalled:
    case SessionEnd::input_lost:
    case SessionEnd::local_failure:
    case SessionEnd::protocol_failure:
      return outcome.text;
    case SessionEnd::input_ended:
    case SessionEnd::left:
    case SessionEnd::stopped:
      return {};
  }
  return {};
}

bool is_left_open(const client::SessionOutcome& outcome) {
  using client::SessionEnd;
  switch (outcome.end) {
    case SessionEnd::channel_closed:
    case SessionEnd::timed_out:
    case SessionEnd::unreachable:
    case SessionEnd::resume_exhausted:
      return false;
    default:
      return !outcome.terminated;
  }
}

void die_of_signal(const client::SessionOutcome& outcome) {
  if (outcome.end == client::SessionEnd::stopped) {
    std::signal(outcome.signal, SIG_DFL);
    raise(outcome.signal);
  }
}

void print_note(std::string_view text) {
  client::write_all(STDERR_FILENO,
                    fmt::format("ssmsim: {}{}", text, isatty(STDERR_FILENO) == 1 ? "\r\n" : "\n"));
}

}  // namespace ssmsim
