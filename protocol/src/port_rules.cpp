#include "ssm/protocol/port_rules.hpp"

#include <algorithm>
#include <array>

namespace ssm::protocol {
namespace {

PortClientRules plugin_rules() {
  PortClientRules rules;
  rules.name = "plugin-1.2.677";
  rules.smux = *find_smux_rules("smux-1.5.16");
  // session-manager-plugin src/sessionmanagerplugin/session/portsession/: muxportforwarding.go,
  // handleDataTransfer and ProcessStreamMessagePayload; basicportforwarding.go, ReadStream and
  // WriteStream; standardstreamforwarding.go.
  rules.full_close = true;
  rules.buffer_bytes = 1024;
  rules.queues_connections = true;
  rules.delivers_late_output = true;
  rules.writes_every_type = true;
  rules.refusal_wait = std::nullopt;
  rules.leaks_unserved = true;
  rules.survives_mux_error = true;
  return rules;
}

PortAgentRules agent_rules() {
  PortAgentRules rules;
  rules.name = "agent-3.3";
  rules.smux = *find_smux_rules("smux-1.5.16");
  // amazon-ssm-agent agent/session/plugins/port/port_mux.go, handleServerConnections: dials inline.
  rules.full_close = true;
  rules.buffer_bytes = 1024;
  rules.dials_max = 1;
  rules.dial_limit = std::nullopt;
  return rules;
}

template <class Rules>
const Rules* find_named(const std::array<Rules, 2>& all, std::string_view name) {
  const auto* const found =
      std::find_if(all.begin(), all.end(), [&](const Rules& rules) { return rules.name == name; });
  return found == all.end() ? nullptr : found;
}

}  // namespace

const PortClientRules* find_port_client_rules(std::string_view name) {
  static const std::array all{PortClientRules{}, plugin_rules()};
  return find_named(all, name);
}

const PortAgentRules* find_port_agent_rules(std::string_view name) {
  static const std::array all{PortAgentRules{}, agent_rules()};
  return find_named(all, name);
}

}  // namespace ssm::protocol
