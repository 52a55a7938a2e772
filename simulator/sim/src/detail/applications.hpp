#pragma once

#include <memory>

#include "ssm/protocol/session_description.hpp"
#include "ssm/sim/application.hpp"
#include "ssm/sim/simulation.hpp"

namespace ssm::sim::detail {

/// Both applications of a run, as its workload has them.
class Applications {
 public:
  Applications(const RunConfig& config, Verdicts& verdicts);

  [[nodiscard]] Application& client() { return *client_; }
  [[nodiscard]] Application& agent() { return *agent_; }
  /// What the agent is told of the session.
  [[nodiscard]] const protocol::SessionDescription& session() const { return session_; }
  /// How long the workload takes by itself, at least.
  [[nodiscard]] Duration duration() const { return duration_; }

 private:
  void make_stream(const RunConfig& config, Verdicts& verdicts);
  void make_ports(const RunConfig& config, Verdicts& verdicts);

  protocol::SessionDescription session_;
  ConnectionScripts scripts_;
  Duration duration_{0};
  std::unique_ptr<Application> client_;
  std::unique_ptr<Application> agent_;
};

}  // namespace ssm::sim::detail
