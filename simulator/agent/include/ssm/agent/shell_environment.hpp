#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ssm::agent {

/// This process's environment, `NAME=value` each.
[[nodiscard]] std::vector<std::string> own_environment();

/// The environment of a session's shell, made from that of the agent's process: TERM set to
/// xterm-256color, LANG to C.UTF-8 where it was unset (SHELL-026).
///
/// HOME stays as it is. The references set it to the home of the session's user, by default
/// ssm-user, which they create; unless the session asks for a user, programs started here run as
/// the user of this process.
///
/// Taken out, because they belong to the server and not to the instance it plays:
///   AWS_*              credentials, profiles, endpoints, CA bundle of whoever started the server,
///                      and AWS_SSM_START_SESSION_RESPONSE with a client's token
///   SSM_*, SSMSIM_*    the server's own settings
///   LINES, COLUMNS     size of the server's terminal; the session has its own
[[nodiscard]] std::vector<std::string> shell_environment(const std::vector<std::string>& own);

/// `environment` with `name` set to `value`, whether it was there or not.
[[nodiscard]] std::vector<std::string> with_variable(std::vector<std::string> environment,
                                                     std::string_view name, std::string_view value);

/// What the references start for a plain shell session: `sh`, looked up in PATH.
[[nodiscard]] std::vector<std::string> default_shell();

}  // namespace ssm::agent
