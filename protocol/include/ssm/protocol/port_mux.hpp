#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "ssm/protocol/byte_queue.hpp"
#include "ssm/protocol/poll_queue.hpp"
#include "ssm/protocol/port_event.hpp"
#include "ssm/protocol/port_rules.hpp"
#include "ssm/protocol/smux_session.hpp"

namespace ssm::protocol {

/// The connections of one end of a multiplexed port session, each tied to a stream. Used by
/// PortClient and PortAgent, which decide when there is one.
///
/// After any call `pump` turns what happened into events. Calls about a connection that is not
/// there (any more) do nothing.
class PortMux {
 public:
  PortMux(SmuxSide side, const PortRules& rules, bool keepalive, Instant now);

  [[nodiscard]] SmuxSession& session() { return session_; }
  [[nodiscard]] const SmuxSession& session() const { return session_; }

  /// Ties them together. `held`: nothing is told about it until release().
  void attach(PortConnection id, std::uint32_t stream_id, bool held = false);
  void release(PortConnection id);
  [[nodiscard]] bool contains(PortConnection id) const { return connections_.contains(id); }
  /// The connection is gone: its stream ends, and what is unsent is lost unless eof() came before.
  void reset(PortConnection id);

  [[nodiscard]] std::size_t room(PortConnection id) const;
  std::size_t data(PortConnection id, Bytes bytes);
  void eof(PortConnection id);
  [[nodiscard]] Bytes readable(PortConnection id) const;
  [[nodiscard]] bool read_ended(PortConnection id) const;
  void consumed(PortConnection id, std::size_t count, Instant now);

  /// False: not taken, because what came before waits; give it again after PortReceivePossible.
  [[nodiscard]] bool receive(Bytes bytes, Instant now);
  [[nodiscard]] bool ready() const {
    return session_.ended() || (held_input_.empty() && !session_.receive_blocked());
  }

  /// Client: the destination of one connection refused; see PortClientRules::refusal_wait.
  void note_refusal(Duration wait, Instant now);
  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  void pump(PollQueue<PortEvent>& events, Instant now);
  /// A PortReadable was given to the driver: the next one may follow.
  void told(PortConnection id);
  /// Closes all connections.
  void close_all(PollQueue<PortEvent>& events, PortCloseReason reason);

  /// Set once the session has ended.
  [[nodiscard]] const std::optional<SmuxEnded>& ended() const { return ended_; }
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  struct Connection {
    std::uint32_t stream_id = 0;
    bool held = false;
    bool told = false;
    bool local_ended = false;
    bool got_data = false;
  };
  using Connections = std::map<PortConnection, Connection>;
  /// May have nothing left to do.
  struct Unsettled {
    PortConnection id = 0;
    bool released = false;
  };

  [[nodiscard]] Connection* find(PortConnection id);
  [[nodiscard]] const Connection* find(PortConnection id) const;
  void settle(PortConnection id, PollQueue<PortEvent>& events);
  void readable_now(PortConnection id, PollQueue<PortEvent>& events);
  void drop(Connections::iterator connection);
  void feed_held(Instant now);
  void close_refused(PollQueue<PortEvent>& events, Instant now);

  bool full_close_;
  SmuxSession session_;
  Connections connections_;
  std::map<std::uint32_t, PortConnection> by_stream_;
  ByteQueue held_input_;  ///< at most the rest of one message
  bool was_blocked_ = false;
  std::optional<SmuxEnded> ended_;
  PollQueue<Unsettled> unsettled_;
  std::size_t refusals_ = 0;  ///< flags whose FIN has not come yet
  Duration refusal_wait_{0};
  std::optional<Instant> refusal_deadline_;
  bool refusal_overdue_ = false;
};

}  // namespace ssm::protocol
