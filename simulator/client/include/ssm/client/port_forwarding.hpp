#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ssm/client/session_client.hpp"
#include "ssm/net/stream_listener.hpp"
#include "ssm/protocol/port_event.hpp"
#include "ssm/protocol/port_mode.hpp"

namespace ssm::client {

/// What a client reads in the properties of a port session. All are texts; others are ignored, as
/// the plugin does (PORT-017; session-manager-plugin
/// src/sessionmanagerplugin/session/portsession/portsession.go).
struct PortProperties {
  std::string type;               ///< `LocalPortForwarding`, or a program's own stdin and stdout
  std::string port_number;        ///< of the destination
  std::string host;               ///< of the destination; empty: the target itself
  std::string local_port_number;  ///< empty or 0: any free one
  std::string local_connection_type;  ///< `unix`, or TCP
  std::string local_unix_socket;      ///< its path
};
[[nodiscard]] PortProperties parse_port_properties(std::string_view json);
[[nodiscard]] inline bool forwards_connections(const PortProperties& properties) {
  return properties.type == "LocalPortForwarding";
}

/// What became of the connections of one forwarding.
struct PortTotals {
  std::uint64_t connections = 0;
  std::uint64_t refused = 0;         ///< by the destination
  std::uint64_t broken = 0;          ///< for other reasons than their own ends
  std::uint64_t open = 0;            ///< when the forwarding ended
  std::uint64_t bytes_sent = 0;      ///< by the local applications
  std::uint64_t bytes_received = 0;  ///< for them
};

/// Who is told what happens to a forwarding; outlives it.
class PortWatcher {
 public:
  PortWatcher() = default;
  virtual ~PortWatcher() = default;
  PortWatcher(const PortWatcher&) = delete;
  PortWatcher& operator=(const PortWatcher&) = delete;

  virtual void listening(const net::ListenAddress& /*address*/, protocol::PortMode /*mode*/,
                         std::string_view /*agent_version*/) {}
  /// `number` counts from 1. `waits`: without multiplexing, for those before it to end.
  virtual void accepted(std::uint64_t /*number*/, bool /*waits*/) {}
  virtual void closed(std::uint64_t /*number*/, protocol::PortCloseReason /*reason*/) {}
  /// Some destination refused; `closed` tells whose.
  virtual void destination_refused() {}
  /// A signal ends the forwarding.
  virtual void terminating() {}
  /// The last call.
  virtual void ended(const PortTotals& /*totals*/) {}
};

struct PortForwardingOptions {
  /// Bound already; null: bound as the properties say, once the session has begun.
  std::shared_ptr<net::StreamListener> listener = nullptr;
  PortWatcher* watcher = nullptr;
  /// SIGTSTP ends it too (session-manager-plugin
  /// src/sessionmanagerplugin/session/sessionutil/control_signals_unix.go).
  bool ends_on_stop_signal = false;
};

/// Port sessions of type LocalPortForwarding: accepts local connections and carries each to the
/// destination, all at once over smux, or one after the other with old agents.
///
/// Bounded: what a connection has not read waits in the multiplexer up to its limits, what the
/// session does not take stays in the sockets. A reader that stops for too long loses its
/// connection, so that the others can go on (smux version 1 has no window). Each direction of a
/// connection ends by itself.
///
/// SIGHUP, SIGINT, SIGQUIT and SIGTERM end the session at the agent, and then the client with
/// SessionEnd::left.
[[nodiscard]] std::unique_ptr<SessionApplication> make_port_forwarding(
    const protocol::SessionStarted& started, SessionHost& host, PortForwardingOptions options);

}  // namespace ssm::client
