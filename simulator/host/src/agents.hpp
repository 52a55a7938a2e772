#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/agent/embedded_agent.hpp"
#include "ssm/service/agent_dispatcher.hpp"
#include "ssm/service/control_channels.hpp"
#include "ssm/service/instance_control.hpp"
#include "ssm/service/service_state.hpp"

namespace ssm::host {

/// All agents by instance id, as the gateway and the control API see them: embedded ones, and those
/// on control channels. One on a control channel takes the place of an embedded one of the same id
/// for as long as it is connected; sessions that run on the embedded one go on there.
///
/// Keeps `online`, the place, the profile and the version in the registry up to date.
class Agents final : public service::AgentDispatcher, public service::InstanceControl {
 public:
  using TaskComplete = std::function<void(const std::string& session_id,
                                          service::TaskOutcome outcome, const std::string& text)>;

  Agents(net::EventLoop& loop, service::ServiceState& state, TaskComplete task_complete);

  /// Starts an embedded agent for an instance that the registry has.
  void add(agent::AgentOptions options);
  [[nodiscard]] service::ControlChannels& control_channels() { return control_; }

  void start_session(const service::AgentTask& task) override;
  void cancel_session(std::string_view target, std::string_view session_id) override;

  [[nodiscard]] std::string_view agent_state(std::string_view instance_id) const override;
  [[nodiscard]] std::optional<std::string> command(std::string_view instance_id,
                                                   service::AgentAction action) override;

  /// Sessions of embedded agents whose program may still run.
  [[nodiscard]] std::size_t sessions() const;

 private:
  enum class State { running, stalled, stopping, stopped, crashed, offline };
  struct Embedded {
    agent::AgentOptions options;
    std::unique_ptr<agent::EmbeddedAgent> agent;
    State state = State::running;
    /// Of the agent, those that wait for it included.
    std::set<std::string, std::less<>> sessions;
    /// Orders that a stalled agent has not read.
    std::vector<std::function<void(agent::EmbeddedAgent&)>> unread;
  };
  [[nodiscard]] static std::string_view name(State state);

  void launch(Embedded& embedded);
  void session_ended(const std::string& instance_id, const std::string& session_id,
                     protocol::AgentEnd end, const std::string& text);
  void give(Embedded& embedded, std::function<void(agent::EmbeddedAgent&)> order);
  [[nodiscard]] std::optional<std::string> command_remote(const std::string& instance_id,
                                                          service::AgentAction action);
  [[nodiscard]] std::optional<std::string> command_embedded(Embedded& embedded,
                                                            service::AgentAction action);
  void stop(Embedded& embedded);
  void resume(Embedded& embedded);
  /// Brings the registry's entry in line.
  void publish(const std::string& instance_id);
  [[nodiscard]] Embedded* find(std::string_view instance_id);

  net::EventLoop& loop_;
  service::ServiceState& state_;
  TaskComplete task_complete_;
  std::map<std::string, Embedded, std::less<>> embedded_;
  service::ControlChannels control_;
};

}  // namespace ssm::host
