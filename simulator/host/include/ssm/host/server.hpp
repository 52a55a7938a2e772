#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ssm/agent/scripted_program.hpp"
#include "ssm/agent/shell_environment.hpp"
#include "ssm/fault/plan.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/net/http_server.hpp"
#include "ssm/protocol/error.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/service/gateway.hpp"
#include "ssm/service/service_state.hpp"

namespace ssm::host {

struct ServerOptions {
  net::HttpServerOptions http;
  service::ServiceOptions service;
  service::GatewayOptions gateway;
  fault::Plan faults;
  /// Behaviour of the embedded agents of the default instances.
  protocol::AgentProfile agent_profile;
  /// Another behaviour for one of these by its id, or a further instance with an embedded agent.
  std::map<std::string, protocol::AgentProfile> agents{};
  /// Program and arguments of shell sessions.
  std::vector<std::string> shell = agent::default_shell();
  /// Not empty: gives the script that answers shells and commands of an instance instead.
  std::function<agent::ShellScript(const std::string& instance_id)> shell_script = nullptr;
};

/// What `ssmsim serve` runs: the AWS API and the data channels on one port, with the default
/// credentials and instances, and a mock agent for each instance that dials in over loopback.
/// Everything runs on the loop's thread. Destroying it ends all sessions and their programs.
class Server {
 public:
  /// Error: the system's, if the address cannot be listened on.
  [[nodiscard]] static protocol::Result<std::unique_ptr<Server>> start(net::EventLoop& loop,
                                                                       ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// `http://127.0.0.1:4580`
  [[nodiscard]] const std::string& endpoint() const;
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] service::ServiceState& state();
  [[nodiscard]] service::Gateway& gateway();
  /// Sessions whose program may still run.
  [[nodiscard]] std::size_t agent_sessions() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ssm::host
