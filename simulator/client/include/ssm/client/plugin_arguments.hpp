#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "ssm/client/api_client.hpp"

namespace ssm::client {

/// What the AWS CLI tells session-manager-plugin
/// (aws-cli awscli/customizations/sessionmanager.py; session-manager-plugin
/// src/sessionmanagerplugin/session/session.go):
///
///     argv[1]  response of StartSession as JSON, or the name of a variable that holds it
///     argv[2]  region
///     argv[3]  operation, StartSession
///     argv[4]  profile, may be empty
///     argv[5]  request parameters as JSON
///     argv[6]  endpoint of the ssm API
///
/// Old CLIs stop after argv[3].
struct PluginArguments {
  SessionAccess session;
  std::string region;
  std::string profile;
  /// `Target` of the request; empty when the CLI did not tell.
  std::string target;
  /// Empty when the CLI did not tell.
  std::string endpoint;
  /// Four arguments: the CLI is too old for encryption.
  bool cli_upgrade_needed = false;
};

/// Nothing to start: print `text` on stdout and exit.
struct PluginReply {
  std::string text;
  int status = 0;
};

/// `arguments` as main got them, the program's name first. `take_variable` reads and removes an
/// environment variable: the token in it must not reach child processes.
///
/// Replies have the texts and the status of session-manager-plugin, except for a response that is
/// no JSON or lacks a member (there a crash, or status 0): a text that names it, and status 1.
[[nodiscard]] std::variant<PluginArguments, PluginReply> parse_plugin_arguments(
    std::span<const std::string> arguments,
    const std::function<std::optional<std::string>(const std::string& name)>& take_variable);

/// What `--version` answers: digits and dots, above 1.2.497.0, so that CLIs hand over the response
/// in the environment and keep the token out of the process list.
[[nodiscard]] std::string plugin_version();

}  // namespace ssm::client
