#pragma once

#include <string>
#include <string_view>

#include "ssm/protocol/task.hpp"

namespace ssm::service {

/// What the agent of `target` is told of a new session: the content of interactive_shell.
struct AgentTask {
  std::string target;
  protocol::SessionTask task;
};

/// The way to the agents: embedded ones, later also those on control channels. Called on the loop's
/// thread; must not call back into the gateway from inside a call.
class AgentDispatcher {
 public:
  AgentDispatcher() = default;
  AgentDispatcher(const AgentDispatcher&) = delete;
  AgentDispatcher& operator=(const AgentDispatcher&) = delete;
  virtual ~AgentDispatcher() = default;

  /// Tell the agent of `task.target` to join the session.
  virtual void start_session(const AgentTask& task) = 0;
  /// The session ended while its agent had no data channel; it must stop what it runs.
  virtual void cancel_session(std::string_view target, std::string_view session_id) = 0;
};

/// How an agent's part in a session ended (FinalTaskStatus of agent_task_complete).
enum class TaskOutcome { success, cancelled, failed };

}  // namespace ssm::service
