#pragma once

#include <memory>
#include <string>

#include "ssm/agent/session_program.hpp"

namespace ssm::agent {

/// Fails with `text` as soon as it is started: for what is wrong with a session but is told only
/// when the channel is open.
[[nodiscard]] std::unique_ptr<SessionProgram> make_failing_program(std::string text);

}  // namespace ssm::agent
