#include <algorithm>
#include <chrono>

#include "detail/applications.hpp"
#include "ssm/sim/port_application.hpp"
#include "ssm/sim/workload.hpp"

namespace ssm::sim::detail {
namespace {

/// The texts of both directions.
constexpr std::uint64_t input_key = 1;
constexpr std::uint64_t output_key = 2;

constexpr const char* port_properties =
    R"({"portNumber":"80","localPortNumber":"8080","type":"LocalPortForwarding"})";

constexpr const char* ssh_properties = R"({"portNumber":"22"})";

/// Profiles of one program share its behaviour in port sessions.
protocol::PortClientRules client_rules(std::string_view profile) {
  const auto* rules = protocol::find_port_client_rules(profile);
  return *(rules != nullptr ? rules : protocol::find_port_client_rules("plugin-1.2.677"));
}
protocol::PortAgentRules agent_rules(std::string_view profile) {
  const auto* rules = protocol::find_port_agent_rules(profile);
  return *(rules != nullptr ? rules : protocol::find_port_agent_rules("agent-3.3"));
}

}  // namespace

Applications::Applications(const RunConfig& config, Verdicts& verdicts) {
  if (forwards_ports(config.workload.kind)) {
    make_ports(config, verdicts);
  } else {
    make_stream(config, verdicts);
  }
}

void Applications::make_stream(const RunConfig& config, Verdicts& verdicts) {
  if (config.workload.ssh) {
    session_ = {.session_type = "Port", .properties = ssh_properties};
  } else if (config.workload.encrypted) {
    session_.kms_key_id = "alias/simulated";
  }
  Parts parts = plan_workload(config.workload);
  for (const Part* part : {&parts.client, &parts.agent}) {
    if (!part->bursts.empty()) {
      duration_ = std::max(duration_, part->bursts.back().after);
    }
  }
  client_ = std::make_unique<StreamApplication>(std::move(parts.client), "client", input_key,
                                                output_key, verdicts);
  agent_ = std::make_unique<StreamApplication>(std::move(parts.agent), "agent", output_key,
                                               input_key, verdicts);
}

void Applications::make_ports(const RunConfig& config, Verdicts& verdicts) {
  session_ = {.session_type = "Port", .properties = port_properties};
  scripts_ = plan_connections(config.workload);
  for (const ConnectionScript& script : scripts_) {
    Duration takes = script.reads_after;
    if (script.destination_bytes_per_second > 0) {
      takes += std::chrono::seconds(script.request_bytes / script.destination_bytes_per_second);
    }
    duration_ = std::max(duration_, script.opens + takes);
  }
  client_ = std::make_unique<PortClientApplication>(scripts_, client_rules(config.client.name),
                                                    config.client, verdicts);
  agent_ = std::make_unique<PortAgentApplication>(scripts_, agent_rules(config.agent.name),
                                                  config.agent, verdicts);
}

}  // namespace ssm::sim::detail
