#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "ssm/protocol/smux_rules.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

/// What both ends of a port session have in common. The defaults are ours.
struct PortRules {
  /// Ours sends keep-alives where the gates ask for them but does not wait for any: each end
  /// decides on the other's version alone, and next to an agent of up to 3.1.1511.0 a client since
  /// 1.2.331.0 would wait for what that agent does not send (MUX-050, MUX-051).
  SmuxRules smux = {.keepalive_timeout = Duration{0}};
  /// Mux: the end of either direction closes both; what is still on the way in the other one is
  /// lost (BUG-027). Otherwise each direction ends by itself.
  bool full_close = false;
  /// Bytes of a raw connection held for either direction.
  std::size_t buffer_bytes = std::size_t{64} * 1024;
};

/// How a client behaves in port sessions.
struct PortClientRules : PortRules {
  std::string_view name = "strict";
  /// Basic: further connections wait, unnoticed by whoever made them, for the one that is served
  /// (BUG-028); otherwise they are closed at once.
  bool queues_connections = false;
  /// Basic: output of the agent that comes between two connections is left unacknowledged, so that
  /// it reaches the next one (BUG-077); otherwise it is dropped, and the next one waits until the
  /// agent has heard of the end of the last.
  bool delivers_late_output = false;
  /// Basic and standard stream: payloads of every type are written out like output (PORT-041).
  bool writes_every_type = false;
  /// Mux: a connection whose destination refused is closed at once, and also when only the flag
  /// came but no FIN for so long (BUG-017, MUX-038). Not set: only FIN counts.
  std::optional<Duration> refusal_wait = std::chrono::seconds(5);
  /// Mux: a connection for which there is no stream is kept open for ever (MUX-046).
  bool leaks_unserved = false;
  /// The session goes on after an error of the multiplexer, good for nothing (MUX-023).
  bool survives_mux_error = false;
};

/// How an agent behaves in port sessions.
struct PortAgentRules : PortRules {
  std::string_view name = "strict";
  /// Mux: destinations dialed at once; further streams wait (MUX-039).
  std::size_t dials_max = 256;
  /// A dial that takes longer has failed (MUX-040). Not set: as the operating system decides.
  std::optional<Duration> dial_limit = std::chrono::seconds(30);
};

/// `strict`, `plugin-1.2.677`; nullptr for other names.
[[nodiscard]] const PortClientRules* find_port_client_rules(std::string_view name);
/// `strict`, `agent-3.3`; nullptr for other names.
[[nodiscard]] const PortAgentRules* find_port_agent_rules(std::string_view name);

}  // namespace ssm::protocol
