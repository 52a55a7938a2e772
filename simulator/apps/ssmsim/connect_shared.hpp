#pragma once

#include <CLI/App.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "ssm/client/api_client.hpp"
#include "ssm/client/credentials.hpp"
#include "ssm/client/session_client.hpp"
#include "ssm/protocol/profile.hpp"

/// What the subcommands of `ssmsim connect` have in common.
namespace ssmsim {

/// One for each subcommand; see commands.hpp.
void add_connect_shell(CLI::App& connect, Action& action);
void add_connect_exec(CLI::App& connect, Action& action);
void add_connect_port(CLI::App& connect, Action& action);
void add_connect_ssh(CLI::App& connect, Action& action);
void add_connect_cp(CLI::App& connect, Action& action);

struct ConnectArguments {
  std::string target;
  std::string reason;
  std::string document_name;
  std::vector<std::string> parameters;  ///< NAME=VALUE
  std::string endpoint;
  std::string region;
  std::string profile = "strict";
};
/// `document_help` describes --document-name, whose default differs.
void add_connect_options(CLI::App& command, ConnectArguments& arguments,
                         const std::string& document_help);
/// Of these, those about the service and those about the client.
void add_service_options(CLI::App& command, ConnectArguments& arguments);
void add_profile_option(CLI::App& command, ConnectArguments& arguments);

/// What the arguments mean, once they are known to make sense.
struct ConnectPlan {
  ssm::client::StartSessionRequest request;
  ssm::net::Url endpoint;
  ssm::client::Credentials credentials;
  std::string region;
  const ssm::protocol::ClientProfile* profile = nullptr;
};
/// False: `mistake` says what is wrong with the command line.
[[nodiscard]] bool make_connect_plan(const ConnectArguments& arguments, ConnectPlan& plan,
                                     std::string& mistake);

/// An API client for the plan. Also makes the process ignore SIGPIPE: a reader that has gone is an
/// error to report.
[[nodiscard]] ssm::client::ApiClient make_connect_api(ssm::net::EventLoop& loop,
                                                      const ConnectPlan& plan);

/// StartSession on a loop that nothing else runs.
[[nodiscard]] ssm::client::ApiResult<ssm::client::SessionAccess> start_session(
    ssm::net::EventLoop& loop, ssm::client::ApiClient& api,
    const ssm::client::StartSessionRequest& request);
/// The failure and what to do about it, on stderr; returns the first line of it.
std::string report_start_failure(const ConnectPlan& plan, const ssm::client::ApiError& error);

/// Runs one session to its end.
[[nodiscard]] ssm::client::SessionOutcome run_session(ssm::net::EventLoop& loop,
                                                      const ConnectPlan& plan,
                                                      ssm::client::ApiClient& api,
                                                      const ssm::client::SessionAccess& access,
                                                      ssm::client::SessionOptions options);

/// Why the session did not end as it should, for people; empty if it did.
[[nodiscard]] std::string describe_end(const ssm::client::SessionOutcome& outcome,
                                       const ssm::client::SessionAccess& access);
/// Nobody else will end a session that ended only for us.
[[nodiscard]] bool is_left_open(const ssm::client::SessionOutcome& outcome);
/// Dies of the signal that stopped the client, if one did.
void die_of_signal(const ssm::client::SessionOutcome& outcome);

/// Progress on stderr; the terminal may be raw, where a line feed alone does not return to the
/// first column.
void print_note(std::string_view text);

}  // namespace ssmsim
