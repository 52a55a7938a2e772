#include "ssm/client/plugin_command.hpp"

#include "ssm/client/plugin_arguments.hpp"
#include "ssm/client/plugin_texts.hpp"
#include "ssm/client/shell_application.hpp"
#include "ssm/client/standard_stream.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace ssm::client {
namespace {

std::optional<std::string> take_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr) {
    return std::nullopt;
  }
  std::string taken = value;
  unsetenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  return taken;
}

/// ResumeSession goes to the endpoint that the CLI used.
std::unique_ptr<ApiClient> make_api(net::EventLoop& loop, const PluginArguments& arguments,
                                    const SignerFactory& make_signer, std::string& why_not) {
  const std::string region =
      arguments.region.empty() ? std::string(default_region) : arguments.region;
  const std::string endpoint = arguments.endpoint.empty()
                                   ? fmt::format("https://ssm.{}.amazonaws.com", region)
                                   : arguments.endpoint;
  auto url = net::Url::parse(endpoint);
  if (!url) {
    why_not = fmt::format("the endpoint '{}' is no URL: {}", printable(endpoint),
                          url.error().to_string());
    return nullptr;
  }
  CredentialsResult credentials = find_credentials(arguments.profile, process_environment());
  if (!credentials) {
    why_not = fmt::format("ResumeSession cannot be signed: {}", credentials.error().reason);
    return nullptr;
  }
  return std::make_unique<ApiClient>(
      loop,
      ApiClientOptions{.endpoint = *std::move(url),
                       .sign = make_signer(*credentials, region),
                       .user_agent = fmt::format("session-manager-plugin/{}", plugin_version())});
}

int status_of(SessionEnd end) {
  switch (end) {
    case SessionEnd::channel_closed:
    case SessionEnd::timed_out:
    case SessionEnd::unknown_session_type:
    case SessionEnd::input_lost:
    case SessionEnd::input_ended:
    case SessionEnd::left:
      return 0;
    case SessionEnd::unreachable:
    case SessionEnd::resume_exhausted:
    case SessionEnd::stalled:
    case SessionEnd::unsupported_session_type:
    case SessionEnd::output_failed:
    case SessionEnd::local_failure:
    case SessionEnd::protocol_failure:
    case SessionEnd::stopped:
      return 1;
  }
  return 1;
}

void print_message(std::string_view text) {
  write_all(STDOUT_FILENO, std::string(text) + "\n");
}

SessionOutcome run_session(const PluginArguments& arguments, const SignerFactory& make_signer) {
  net::EventLoop loop;
  SessionApi api;
  const auto api_client = make_api(loop, arguments, make_signer, api.why_not);
  api.client = api_client.get();
  SessionOutcome result;
  SessionClient client(loop,
                       client_config(*protocol::find_client_profile("strict"), arguments.session),
                       std::move(api),
                       {.make_application =
                            [](const protocol::SessionStarted& started, SessionHost& host) {
                              return make_shell(started, host,
                                                {.input = STDIN_FILENO,
                                                 .output = STDOUT_FILENO,
                                                 .input_end = InputEnd::end_client,
                                                 .signals_are_input = true});
                            },
                        .message = print_message,
                        .hears_ignored_signals = true},
                       [&](SessionOutcome outcome) {
                         result = std::move(outcome);
                         loop.stop();
                       });
  client.start();
  loop.run();
  if (result.end == SessionEnd::left && api_client) {
    terminate_and_wait(loop, *api_client, arguments.session.session_id);
  }
  return result;
}

}  // namespace

int plugin_command(std::span<const std::string> arguments, const SignerFactory& make_signer) {
  // A reader of stdout that has gone is an error to report, not a reason to die with a raw
  // terminal.
  std::signal(SIGPIPE, SIG_IGN);
  auto parsed = parse_plugin_arguments(arguments, take_variable);
  if (const auto* reply = std::get_if<PluginReply>(&parsed)) {
    write_all(STDOUT_FILENO, reply->text);
    return reply->status;
  }
  const auto& session = std::get<PluginArguments>(parsed);
  const std::string& session_id = session.session.session_id;
  write_all(STDOUT_FILENO, start_text(session_id));
  const SessionOutcome outcome = run_session(session, make_signer);
  write_all(STDOUT_FILENO, end_text(outcome, session_id));
  if (outcome.end == SessionEnd::stopped) {
    std::signal(outcome.signal, SIG_DFL);
    raise(outcome.signal);
  }
  return status_of(outcome.end);
}

}  // namespace ssm::client
