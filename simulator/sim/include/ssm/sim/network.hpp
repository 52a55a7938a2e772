#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "ssm/protocol/random.hpp"
#include "ssm/protocol/service_role.hpp"
#include "ssm/sim/pipe.hpp"
#include "ssm/sim/scheduler.hpp"

namespace ssm::sim {

using protocol::Side;

class Connection;

/// Both links and what the operating systems at their ends do about trouble.
struct NetworkRules {
  LinkRules client;
  LinkRules agent;
  /// From dialling to the WebSocket being open, in round trips: TCP and the upgrade.
  unsigned open_round_trips = 2;
  /// An attempt to open that gets no answer (gorilla/websocket's handshake timeout, which
  /// session-manager-plugin uses).
  Duration connect_timeout = std::chrono::seconds(45);
  /// Data that nobody acknowledges at TCP level for so long ends the connection (Linux, 15
  /// retransmissions).
  Duration unsent_timeout = std::chrono::seconds(924);
  /// An idle connection whose other end is gone is noticed after this (Go's keep-alive: 15 s, and 9
  /// probes).
  Duration keep_alive_timeout = std::chrono::seconds(150);

  friend bool operator==(const NetworkRules&, const NetworkRules&) = default;
};

/// What an end is told of its connections.
class ConnectionUser {
 public:
  ConnectionUser() = default;
  ConnectionUser(const ConnectionUser&) = delete;
  ConnectionUser& operator=(const ConnectionUser&) = delete;
  ConnectionUser(ConnectionUser&&) = delete;
  ConnectionUser& operator=(ConnectionUser&&) = delete;
  virtual ~ConnectionUser() = default;

  virtual void opened(Connection& connection) = 0;
  /// Asked of the service before: why it refuses the upgrade to a WebSocket; empty if it does not.
  virtual std::string refusal(Connection& /*connection*/) { return {}; }
  /// It never opened.
  virtual void failed(Connection& connection, const std::string& detail) = 0;
  /// It was open and is not any more. Not called after the user's own drop().
  virtual void lost(Connection& connection, const std::string& detail) = 0;
  virtual void arrived(Connection& connection, Packet packet) = 0;
  /// It is writable again.
  virtual void room(Connection& connection) = 0;
};

/// One WebSocket connection between an end of a session and the service: its two pipes, and its
/// life. Owned by the network, for the whole run.
class Connection {
 public:
  Connection(Scheduler& scheduler, const NetworkRules& rules, Side side, std::uint64_t number,
             std::uint64_t seed, ConnectionUser& end, ConnectionUser& service);

  [[nodiscard]] Side side() const { return side_; }
  /// Counts all connections of the run from 1.
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] bool is_open() const { return state_ == State::open; }

  /// `by`: the end or the service, whichever writes.
  void send_from_end(Packet packet);
  void send_from_service(Packet packet);
  [[nodiscard]] bool end_may_write() const { return is_open() && up_.writable(); }
  [[nodiscard]] bool service_may_write() const { return is_open() && down_.writable(); }
  void set_end_reading(bool reading) { down_.set_reading(reading); }
  void set_service_reading(bool reading) { up_.set_reading(reading); }

  /// The end closes, without a close frame, behind what it sent; it hears no more.
  void drop_from_end();
  /// The service closes, behind what it sent, with a close frame if `code` is not 0; it hears no
  /// more.
  void close_from_service(std::uint16_t code, std::string reason);
  /// The path breaks: both are told at once, and what is on its way is lost.
  void reset(const std::string& detail);

  /// Bytes in these directions stop, until they were released as often as stalled.
  void stall(bool up, bool down);
  void release(bool up, bool down);
  void release_all();
  [[nodiscard]] bool is_closed() const { return state_ == State::closed; }
  /// The path to the service is there, or not: bytes flow or stop, and an attempt to open succeeds
  /// or goes on waiting.
  void set_reachable(bool reachable);

 private:
  enum class State : std::uint8_t { opening, open, closing, closed };

  void advance_opening();
  void arrived_at_end(Packet packet);
  void arrived_at_service(Packet packet);
  void apply_stalls();
  void stall_noticed();
  void close();

  Scheduler& scheduler_;
  NetworkRules rules_;
  Duration round_trip_;
  Side side_;
  std::uint64_t number_;
  ConnectionUser& end_;
  ConnectionUser& service_;
  Pipe up_;    ///< from the end to the service
  Pipe down_;  ///< from the service to the end
  Alarm opening_alarm_;
  Alarm timeout_alarm_;
  Alarm stall_alarm_;
  State state_ = State::opening;
  bool end_gone_ = false;
  bool service_gone_ = false;
  bool reachable_ = true;
  unsigned stalls_up_ = 0;
  unsigned stalls_down_ = 0;
};

/// The paths of both ends to the service. Not thread safe.
class Network {
 public:
  Network(Scheduler& scheduler, NetworkRules rules, std::uint64_t seed, ConnectionUser& service);

  /// Dials; `end` is told how it goes.
  Connection& open(Side side, ConnectionUser& end);

  /// Stops the bytes of that end's present connection: half-open, as when a NAT forgets it. No end
  /// is told; a new connection is not concerned. Returns it; nullptr without one.
  Connection* stall(Side side, bool up, bool down);
  /// Bytes of all connections of that end stop, and none can be opened.
  void set_partitioned(Side side, bool partitioned);
  [[nodiscard]] bool partitioned(Side side) const { return path(side).partitioned; }
  /// Of the end's open connection, if there is one.
  void reset(Side side, const std::string& detail);
  /// Everything works again.
  void heal();

  /// A round trip on that end's link, for API calls.
  [[nodiscard]] Duration round_trip(Side side) const;
  [[nodiscard]] const NetworkRules& rules() const { return rules_; }
  [[nodiscard]] std::uint64_t opened() const { return connections_.size(); }

 private:
  struct Path {
    Connection* latest = nullptr;
    bool partitioned = false;
  };
  [[nodiscard]] Path& path(Side side) { return paths_[static_cast<std::size_t>(side)]; }
  [[nodiscard]] const Path& path(Side side) const { return paths_[static_cast<std::size_t>(side)]; }

  Scheduler& scheduler_;
  NetworkRules rules_;
  protocol::Random seeds_;
  ConnectionUser& service_;
  std::array<Path, 2> paths_;
  /// All of the run: alarms may still name a closed one.
  std::deque<Connection> connections_;
};

}  // namespace ssm::sim
