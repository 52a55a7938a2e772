#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "ssm/agent/session_plan.hpp"
#include "ssm/agent/session_program.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/port_rules.hpp"
#include "ssm/protocol/profile.hpp"

namespace ssm::agent {

/// Remote hosts that no session may reach, as the reference has them by default: instance metadata,
/// DNS, time and activation of a VPC (amazon-ssm-agent `agent/appconfig/constants.go`; PORT-061).
[[nodiscard]] std::vector<std::string> default_denied_addresses();

struct PortProgramOptions {
  PortPlan plan;
  /// Largest payload of a message.
  std::size_t chunk_bytes = 1024;
  protocol::PortAgentRules rules = {};
  /// The agent's release knows multiplexing.
  bool multiplexes = true;
  /// IP addresses; they hold for `plan.host` only (PORT-069).
  std::vector<std::string> denied_addresses = default_denied_addresses();
};

/// What `profile` says of ports.
[[nodiscard]] PortProgramOptions port_program_options(PortPlan plan,
                                                      const protocol::AgentProfile& profile);

/// The destination's end of a port session: protocol::PortAgent with real connections.
///
/// A host is looked up once, at the start, and what was looked up is what is dialed (PORT-064); it
/// fails the session if one of its addresses is denied. Without a host, connections go to the
/// loopback addresses (PORT-070), and nothing is denied. Each connection is read only while
/// there is room for its bytes, and written as it takes them; nothing is queued here.
[[nodiscard]] std::unique_ptr<SessionProgram> make_port_program(net::EventLoop& loop,
                                                                PortProgramOptions options);

}  // namespace ssm::agent
