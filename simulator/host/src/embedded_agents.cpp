#include "embedded_agents.hpp"

#include <utility>

namespace ssm::host {
namespace {

service::TaskOutcome to_outcome(protocol::AgentEnd end) {
  switch (end) {
    case protocol::AgentEnd::success:
      return service::TaskOutcome::success;
    case protocol::AgentEnd::cancelled:
      return service::TaskOutcome::cancelled;
    case protocol::AgentEnd::failed:
      return service::TaskOutcome::failed;
  }
  return service::TaskOutcome::failed;
}

}  // namespace

void EmbeddedAgents::add(agent::AgentOptions options) {
  const std::string id = options.instance_id;
  agents_[id] = std::make_unique<agent::EmbeddedAgent>(
      loop_, std::move(options),
      [this](const std::string& session_id, protocol::AgentEnd end, const std::string& text) {
        task_complete_(session_id, to_outcome(end), text);
      });
}

void EmbeddedAgents::start_session(const service::AgentTask& task) {
  if (const auto found = agents_.find(task.target); found != agents_.end()) {
    found->second->start_session(task.task);
  }
}

void EmbeddedAgents::cancel_session(std::string_view target, std::string_view session_id) {
  if (const auto found = agents_.find(target); found != agents_.end()) {
    found->second->cancel_session(session_id);
  }
}

std::size_t EmbeddedAgents::sessions() const {
  std::size_t count = 0;
  for (const auto& [id, agent] : agents_) {
    count += agent->sessions();
  }
  return count;
}

}  // namespace ssm::host
