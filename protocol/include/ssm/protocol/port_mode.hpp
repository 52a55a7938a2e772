#pragma once

#include <cstdint>
#include <string_view>

namespace ssm::protocol {

enum class PortMode : std::uint8_t {
  standard_stream,  ///< client only: its own stdin and stdout, raw bytes; the agent is in basic
                    ///< mode
  basic,            ///< one connection at a time, raw bytes
  mux,              ///< smux frames, one stream for each connection
};

/// What one end of a port session decides on the session's `type` and the other end's version.
/// There is no negotiation: both ends must come to the same result (PORT-015).
struct PortChoice {
  PortMode mode = PortMode::basic;
  /// Mux: smux keep-alive (MUX-050, MUX-051).
  bool keepalive = false;
  /// Client: the session is ended with a TerminateSession flag, not by the API (PORT-002).
  bool terminate_flag = true;
  /// The type is LocalPortForwarding: a basic session outlives its connections (PORT-044).
  bool local_port_forwarding = false;

  friend bool operator==(const PortChoice&, const PortChoice&) = default;
};

/// Of a client, on the AgentVersion of the handshake.
/// Source: session-manager-plugin src/sessionmanagerplugin/session/portsession/portsession.go.
[[nodiscard]] PortChoice choose_client_port_mode(std::string_view type,
                                                 std::string_view agent_version);
/// Of an agent, on the ClientVersion of the handshake.
/// Source: amazon-ssm-agent agent/session/plugins/port/port.go.
[[nodiscard]] PortChoice choose_agent_port_mode(std::string_view type,
                                                std::string_view client_version);

}  // namespace ssm::protocol
