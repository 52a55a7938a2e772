#pragma once

#include <memory>

#include "ssm/agent/embedded_agent.hpp"
#include "ssm/agent/session_plan.hpp"
#include "ssm/agent/session_program.hpp"

namespace ssm::agent::detail {

/// What carries the plan out, as an agent with these options does.
[[nodiscard]] std::unique_ptr<SessionProgram> make_program(net::EventLoop& loop, SessionPlan plan,
                                                           const AgentOptions& options);

}  // namespace ssm::agent::detail
