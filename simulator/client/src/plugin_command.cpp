#include "ssm/client/plugin_command.hpp"

#include "ssm/client/plugin_arguments.hpp"
#include "ssm/client/plugin_texts.hpp"
#include "ssm/client/port_forwarding.hpp"
#include "ssm/client/shell_application.hpp"
#include "ssm/client/standard_stream.hpp"
#include "ssm/client/stream_forwarding.hpp"

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

void print(std::string_view text) {
  write_all(STDOUT_FILENO, text);
}

/// What the session's type asks for.
std::unique_ptr<SessionApplication> make_application(const protocol::SessionStarted& started,
                                                     SessionHost& host, PortWatcher& port_watcher) {
  if (is_shell(started.session_type)) {
    return make_shell(started, host,
                      {.input = STDIN_FILENO,
                       .output = STDOUT_FILENO,
                       .input_end = InputEnd::end_client,
                       .signals_are_input = true});
  }
  //= PORT-008
  //= PORT-011
  auto forwarding =
      make_port_forwarding(started, host, {.watcher = &port_watcher, .ends_on_stop_signal = true});
  return forwarding ? std::move(forwarding)
                    : make_stream_forwarding(started, host,
                                             {.input = STDIN_FILENO, .output = STDOUT_FILENO});
}

/// Nobody else ends a session that this client has failed to use, or was told to end.
bool must_terminate(const SessionOutcome& outcome) {
  switch (outcome.end) {
    case SessionEnd::left:
      return !outcome.terminated;
    case SessionEnd::local_failure:
    case SessionEnd::protocol_failure:
    case SessionEnd::unsupported_session_type:
      return true;
    default:
      return false;
  }
}

SessionOutcome run_session(const PluginArguments& arguments, const SignerFactory& make_signer) {
  net::EventLoop loop;
  SessionApi api;
  const auto api_client = make_api(loop, arguments, make_signer, api.why_not);
  api.client = api_client.get();
  SessionOutcome result;
  PluginPortTexts port_texts(arguments.session.session_id, print);
  SessionClient client(loop,
                       client_config(*protocol::find_client_profile("strict"), arguments.session),
                       std::move(api),
                       {.make_application =
                            [&](const protocol::SessionStarted& started, SessionHost& host) {
                              return make_application(started, host, port_texts);
                            },
                        .message = [](std::string_view text) { print(std::string(text) + "\n"); },
                        .hears_ignored_signals = true},
                       [&](SessionOutcome outcome) {
                         result = std::move(outcome);
                         loop.stop();
                       });
  client.start();
  loop.run();
  if (must_terminate(result) && api_client) {
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
