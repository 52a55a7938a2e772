#pragma once

#include <functional>
#include <span>
#include <string>

#include "ssm/client/api_client.hpp"
#include "ssm/client/credentials.hpp"

namespace ssm::client {

/// Makes a signer of credentials for a region.
using SignerFactory = std::function<Signer(const Credentials& credentials, std::string region)>;

/// The program as `session-manager-plugin`: arguments, texts, session, exit status.
///
/// Status 0 wherever session-manager-plugin ends with 0. Where it hangs or crashes (no connection,
/// no resumption, a response without a member) a text on stdout and status 1. Killed by SIGHUP or
/// SIGTERM it dies of that signal, with the terminal restored.
[[nodiscard]] int plugin_command(std::span<const std::string> arguments,
                                 const SignerFactory& make_signer);

}  // namespace ssm::client
