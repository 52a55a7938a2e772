#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "ssm/agent/embedded_agent.hpp"
#include "ssm/service/agent_dispatcher.hpp"

namespace ssm::host {

/// The embedded agents by instance id, as the gateway sees them.
class EmbeddedAgents final : public service::AgentDispatcher {
 public:
  using TaskComplete = std::function<void(const std::string& session_id,
                                          service::TaskOutcome outcome, const std::string& text)>;

  explicit EmbeddedAgents(net::EventLoop& loop, TaskComplete task_complete)
      : loop_(loop), task_complete_(std::move(task_complete)) {}

  void add(agent::AgentOptions options);

  void start_session(const service::AgentTask& task) override;
  void cancel_session(std::string_view target, std::string_view session_id) override;

  [[nodiscard]] std::size_t sessions() const;

 private:
  net::EventLoop& loop_;
  TaskComplete task_complete_;
  std::map<std::string, std::unique_ptr<agent::EmbeddedAgent>, std::less<>> agents_;
};

}  // namespace ssm::host
