#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/agent/agent_session.hpp"
#include "ssm/agent/port_program.hpp"
#include "ssm/agent/scripted_program.hpp"
#include "ssm/agent/shell_environment.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/agent_role.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/task.hpp"

namespace ssm::agent {

struct AgentOptions {
  /// The service: http or https.
  net::Url endpoint;
  std::string instance_id;
  protocol::AgentProfile profile;
  /// Program and arguments of a shell session.
  std::vector<std::string> shell = default_shell();
  RequestSigner sign;
  std::uint64_t seed = 0;
  /// Remote hosts that port sessions may not reach; IP addresses.
  std::vector<std::string> denied_addresses = default_denied_addresses();
  /// Shells and commands are answered from it, and no process is started.
  std::optional<ShellScript> script = std::nullopt;
};

/// The sessions of one managed instance, each with a data channel of its own to the service over a
/// socket. Orders are function calls: from the server that plays the instance, or from the
/// ControlChannel of an agent that is a process of its own.
///
/// Used from the loop's thread. Destroying it ends all sessions at once, without `on_ended`.
class EmbeddedAgent {
 public:
  /// A session has ended and nothing of it is left: what an agent reports as agent_task_complete.
  /// May call the agent and may destroy it.
  using OnEnded = std::function<void(const std::string& session_id, protocol::AgentEnd reason,
                                     const std::string& text)>;

  EmbeddedAgent(net::EventLoop& loop, AgentOptions options, OnEnded on_ended);
  ~EmbeddedAgent();
  EmbeddedAgent(const EmbeddedAgent&) = delete;
  EmbeddedAgent& operator=(const EmbeddedAgent&) = delete;

  /// `on_ended` follows, never from inside the call, except for a task that cannot be read at all:
  /// profiles of the reference drop it without a word, and the service has to time the session out.
  /// What cannot be carried out fails before anything is sent. A task for a session that is running
  /// already is ignored.
  void start_session(const protocol::SessionTask& task);
  /// channel_closed on the control channel: stops the program. Unknown ids are ignored.
  void cancel_session(std::string_view session_id);

  /// See AgentSession. No session may be started or cancelled meanwhile.
  void set_stalled(bool stalled);

  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

 private:
  void refuse(const std::string& session_id, std::string text);
  void session_ended(const std::string& session_id, protocol::AgentEnd reason,
                     const std::string& text);

  net::EventLoop& loop_;
  AgentOptions options_;
  OnEnded on_ended_;
  std::uint64_t started_ = 0;
  std::map<std::string, std::unique_ptr<AgentSession>, std::less<>> sessions_;
  /// Tells a posted call whether this object still exists.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace ssm::agent
