#include "ssm/protocol/port_mode.hpp"

#include "detail/port_version.hpp"

namespace ssm::protocol {
namespace {

constexpr std::string_view local_port_forwarding = "LocalPortForwarding";

}  // namespace

PortChoice choose_client_port_mode(std::string_view type, std::string_view agent_version) {
  PortChoice choice;
  //= PORT-003
  choice.terminate_flag = detail::plugin_counts_as_newer(agent_version, "2.3.722.0");
  //= PORT-008
  //= PORT-011
  choice.local_port_forwarding = type == local_port_forwarding;
  if (!choice.local_port_forwarding) {
    choice.mode = PortMode::standard_stream;
    return choice;
  }
  //= PORT-009
  //= PORT-010
  if (detail::plugin_counts_as_newer(agent_version, "3.0.196.0")) {
    choice.mode = PortMode::mux;
    choice.terminate_flag = true;
    //= MUX-050
    choice.keepalive = !detail::plugin_counts_as_newer(agent_version, "3.1.1511.0");
  }
  return choice;
}

PortChoice choose_agent_port_mode(std::string_view type, std::string_view client_version) {
  PortChoice choice;
  choice.local_port_forwarding = type == local_port_forwarding;
  //= PORT-012
  //= PORT-013
  //= PORT-014
  if (choice.local_port_forwarding && detail::compare_as_agent(client_version, "1.1.70") >= 0) {
    choice.mode = PortMode::mux;
    //= MUX-051
    choice.keepalive = detail::compare_as_agent(client_version, "1.2.331.0") <= 0;
  }
  return choice;
}

bool client_multiplexes(std::string_view client_version) {
  return choose_agent_port_mode(local_port_forwarding, client_version).mode == PortMode::mux;
}

bool agent_multiplexes(std::string_view agent_version) {
  return choose_client_port_mode(local_port_forwarding, agent_version).mode == PortMode::mux;
}

}  // namespace ssm::protocol
