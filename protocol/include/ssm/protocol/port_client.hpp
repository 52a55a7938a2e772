#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
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

struct PortClientConfig {
  PortChoice choice;
  /// Largest payload of a message; 1024 for peers one does not know (PORT-033).
  std::size_t chunk_bytes = 1024;
  PortClientRules rules;
};

/// The client end of a port session as data flow: local connections on one side, stream payloads
/// on the other. It knows nothing of sockets, sequence numbers and acknowledgements.
///
/// The driver gives each connection a number of its own that it never uses again; standard stream
/// is one connection. After each call it drains poll_event, gives poll_output to the ClientRole
/// while that can send, and arms one timer.
///
/// Pure; not thread safe. Holds at most PortRules::buffer_bytes for each direction of a raw
/// connection, and what SmuxRules say.
class PortClient {
 public:
  PortClient(const PortClientConfig& config, Instant now);

  // ---- local connections

  void connection_accepted(PortConnection id, Instant now);
  /// How many bytes data() would take. At 0: do not read the connection until PortWritable.
  [[nodiscard]] std::size_t room(PortConnection id) const;
  [[nodiscard]] bool can_take(PortConnection id) const { return room(id) > 0; }
  /// Bytes read from the connection; how many were taken.
  std::size_t data(PortConnection id, Bytes bytes, Instant now);
  /// The application has ended its writing side.
  void eof(PortConnection id, Instant now);
  /// The connection broke, or the driver gave it up. No PortClosed follows.
  void reset(PortConnection id, Instant now);

  /// What is to be written to the connection next; valid until the next call.
  [[nodiscard]] Bytes readable(PortConnection id) const;
  /// Nothing more will be readable.
  [[nodiscard]] bool read_ended(PortConnection id) const;
  /// The first `count` of those bytes were written.
  void consumed(PortConnection id, std::size_t count, Instant now);

  // ---- the agent

  /// Stream data of the agent. False: not taken; it must be left unacknowledged, or kept and given
  /// again after PortReceivePossible.
  [[nodiscard]] bool receive(PayloadType type, Bytes payload, Instant now);
  [[nodiscard]] bool ready_to_receive() const;
  /// Everything that poll_output gave was acknowledged.
  void all_acknowledged(Instant now);
  /// What to send next, at most chunk_bytes.
  [[nodiscard]] std::optional<PortOutput> poll_output(Instant now);
  [[nodiscard]] bool has_output() const;

  /// The user ends the session: flag 2, or PortTerminateByApi. Nothing else is sent after it.
  void terminate(Instant now);

  [[nodiscard]] std::optional<PortEvent> poll_event();
  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  [[nodiscard]] PortMode mode() const { return config_.choice.mode; }

 private:
  [[nodiscard]] bool raw() const { return !mux_.has_value(); }
  [[nodiscard]] PortPipe* find(PortConnection id);
  [[nodiscard]] const PortPipe* find(PortConnection id) const;
  void serve_next();
  void end_local(bool abruptly);
  void raw_output(Bytes payload);
  [[nodiscard]] std::optional<PortOutput> flag_output();
  void pump(Instant now);

  PortClientConfig config_;
  std::optional<PortMux> mux_;
  std::optional<PortPipe> served_;     ///< raw: the connection that is carried
  std::deque<PortConnection> queued_;  ///< raw: those behind it
  bool disconnect_pending_ = false;    ///< flag 1 is to be sent
  bool disconnect_unacknowledged_ = false;
  bool drops_late_output_ = false;  ///< output belongs to a connection that is gone
  bool was_served_ = false;
  bool was_blocked_ = false;
  bool terminate_pending_ = false;
  bool terminated_ = false;
  bool mux_failed_ = false;
  std::array<std::byte, 4> flag_{};
  std::vector<std::byte> chunk_;
  PollQueue<PortEvent> events_;
};

}  // namespace ssm::protocol
