#pragma once

#include <string>
#include <string_view>

#include "ssm/client/session_outcome.hpp"

namespace ssm::client {

/// What session-manager-plugin prints on stdout before it connects
/// (session-manager-plugin src/sessionmanagerplugin/session/session.go).
[[nodiscard]] std::string start_text(std::string_view session_id);

/// What it prints on stdout for each end that it knows (CLOSE-001, CLOSE-002, RESUME-003,
/// SHELL-029); the ends at which it hangs or crashes have a text of the same form.
[[nodiscard]] std::string end_text(const SessionOutcome& outcome, std::string_view session_id);

}  // namespace ssm::client
