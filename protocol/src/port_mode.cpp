#include "ssm/protocol/port_mode.hpp"

#include "ssm/protocol/version.hpp"

namespace ssm::protocol {
namespace {

constexpr std::string_view local_port_forwarding = "LocalPortForwarding";

}  // namespace

PortChoice choose_client_port_mode(std::string_view type, std::string_view agent_version) {
  PortChoice choice;
  //= PORT-003
  choice.terminate_flag = client_gate::agent_knows_terminate_flag(agent_version);
  //= PORT-008
  //= PORT-011
  choice.local_port_forwarding = type == local_port_forwarding;
  if (!choice.local_port_forwarding) {
    choice.mode = PortMode::standard_stream;
    return choice;
  }
  //= PORT-009
  //= PORT-010
  if (client_gate::agent_multiplexes(agent_version)) {
    choice.mode = PortMode::mux;
    choice.terminate_flag = true;
    //= MUX-050
    choice.keepalive = !client_gate::keep_alive_is_off(agent_version);
  }
  return choice;
}

PortChoice choose_agent_port_mode(std::string_view type, std::string_view client_version) {
  PortChoice choice;
  choice.local_port_forwarding = type == local_port_forwarding;
  //= PORT-012
  //= PORT-013
  //= PORT-014
  if (choice.local_port_forwarding && agent_gate::client_multiplexes(client_version)) {
    choice.mode = PortMode::mux;
    //= MUX-051
    choice.keepalive = !agent_gate::keep_alive_is_off(client_version);
  }
  return choice;
}

}  // namespace ssm::protocol
