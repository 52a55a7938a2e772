#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "ssm/protocol/poll_queue.hpp"
#include "ssm/protocol/port_event.hpp"
#include "ssm/protocol/port_flag.hpp"
#include "ssm/protocol/port_mode.hpp"
#include "ssm/protocol/port_mux.hpp"
#include "ssm/protocol/port_pipe.hpp"
#include "ssm/protocol/port_rules.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

struct PortAgentConfig {
  PortChoice choice;
  /// Largest payload of a message; 1024 for peers one does not know (PORT-033).
  std::size_t chunk_bytes = 1024;
  PortAgentRules rules;
};

/// The agent end of a port session as data flow: connections to the destination on one side, stream
/// payloads on the other. It asks for connections with PortDial, with numbers that it never uses
/// again. Otherwise as PortClient.
class PortAgent {
 public:
  PortAgent(const PortAgentConfig& config, Instant now);

  // ---- connections to the destination

  /// The connection that PortDial asked for is there.
  void dialed(PortConnection id, Instant now);
  /// It is not, and will not be. No PortClosed follows.
  void dial_failed(PortConnection id, std::string_view error, Instant now);
  [[nodiscard]] std::size_t room(PortConnection id) const;
  [[nodiscard]] bool can_take(PortConnection id) const { return room(id) > 0; }
  std::size_t data(PortConnection id, Bytes bytes, Instant now);
  void eof(PortConnection id, Instant now);
  void reset(PortConnection id, Instant now);
  [[nodiscard]] Bytes readable(PortConnection id) const;
  [[nodiscard]] bool read_ended(PortConnection id) const;
  void consumed(PortConnection id, std::size_t count, Instant now);

  // ---- the client

  /// Stream data of the client. False: not taken, see PortClient::receive.
  [[nodiscard]] bool receive(PayloadType type, Bytes payload, Instant now);
  [[nodiscard]] bool ready_to_receive() const;
  [[nodiscard]] std::optional<PortOutput> poll_output(Instant now);
  [[nodiscard]] bool has_output() const;

  /// The session is over for a reason of the driver's: closes all connections, sends nothing more.
  void stop(Instant now);

  [[nodiscard]] std::optional<PortEvent> poll_event();
  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  [[nodiscard]] PortMode mode() const { return config_.choice.mode; }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  struct RawConnection {
    PortPipe pipe;
    bool dialing = true;
    bool silent = false;  ///< the driver has closed it
  };

  [[nodiscard]] RawConnection* find(PortConnection id);
  [[nodiscard]] const RawConnection* find(PortConnection id) const;
  void receive_flag(Bytes payload);
  void receive_raw(Bytes payload);
  void dial_raw();
  void disconnect_raw();
  void destination_gone(bool by_reset);
  void settle_raw(PortConnection id);
  bool dial_waiting(Instant now);
  void fail_dial(PortConnection id);
  void end(PortEndReason reason, int exit_code, std::string text);
  void close_all();
  void pump(Instant now);

  PortAgentConfig config_;
  PortConnection next_id_ = 1;
  std::optional<PortMux> mux_;
  /// Mux: dials under way, and until when.
  std::map<PortConnection, std::optional<Instant>> dials_;
  /// Raw: connections that exist; those but `current_` only have bytes to be written left.
  std::map<PortConnection, RawConnection> raw_;
  std::optional<PortConnection> current_;
  bool first_dial_done_ = false;
  bool was_blocked_ = false;
  /// Raw, without type LocalPortForwarding: how to end when everything is sent.
  std::optional<PortEnded> end_when_sent_;
  std::size_t refusals_pending_ = 0;  ///< flags 3 to be sent
  bool ended_ = false;
  std::array<std::byte, 4> flag_{};
  std::vector<std::byte> chunk_;
  PollQueue<PortEvent> events_;
};

}  // namespace ssm::protocol
