#pragma once

#include <deque>
#include <optional>
#include <string>

#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/role.hpp"
#include "ssm/sim/application.hpp"
#include "ssm/sim/invariants.hpp"
#include "ssm/sim/network.hpp"
#include "ssm/sim/observer.hpp"
#include "ssm/sim/scheduler.hpp"

namespace ssm::sim {

class ServiceNode;

/// What the parts of one run share. Owned by the run.
struct World {
  Scheduler& scheduler;
  Network& network;
  ServiceNode& service;
  Observer& observer;
  Verdicts& verdicts;
};

/// What the driver of a role does at either end: owns the connection, the timers and the pace, as
/// the drivers over real sockets do. The role's own outputs and events are the derived class's.
class EndNode : public ConnectionUser {
 public:
  EndNode(World world, Side side, Application& application);

  /// The process is killed: its connection drops, it does nothing any more. Of one that came to its
  /// end before, nothing is left to kill.
  void kill();
  [[nodiscard]] bool killed() const { return killed_; }

  /// Why its session is over; nothing while it is not.
  struct Ended {
    Instant at{};
    std::string reason;   ///< the role's word for it
    std::string text;     ///< what a user would be told
    bool normal = false;  ///< the session came to its own end
  };
  [[nodiscard]] const std::optional<Ended>& ended() const { return ended_; }

  /// Most messages that its role held ahead of a gap.
  [[nodiscard]] std::size_t max_stored() const { return max_stored_; }

  void opened(Connection& connection) final;
  void failed(Connection& connection, const std::string& detail) final;
  void lost(Connection& connection, const std::string& detail) final;
  void arrived(Connection& connection, Packet packet) final;
  void room(Connection& connection) final;

 protected:
  // The role, as the derived class has it.
  virtual void role_connection_opened(Instant now) = 0;
  virtual void role_connection_failed(const std::string& detail, Instant now) = 0;
  virtual void role_connection_lost(const std::string& detail, Instant now) = 0;
  virtual void role_receive(const protocol::Frame& frame, Instant now) = 0;
  virtual void role_pong(Instant now) = 0;
  virtual void role_set_reading(bool reading, Instant now) = 0;
  virtual void role_on_timer(Instant now) = 0;
  [[nodiscard]] virtual std::optional<Instant> role_next_timeout() const = 0;
  [[nodiscard]] virtual bool role_can_send() const = 0;
  virtual void role_send(const Chunk& chunk, Instant now) = 0;
  /// Performs one output or event of the role; false if there is none.
  virtual bool advance_once(Instant now) = 0;
  [[nodiscard]] virtual std::size_t role_unacknowledged() const = 0;
  virtual void application_finished(const Finished& finished, Instant now) = 0;
  /// The application's input is at its end.
  virtual void input_ended(Instant /*now*/) {}
  virtual void check(Verdicts& verdicts) = 0;

  /// Drains the role, feeds it, arms its timer. To be called after every input to the role.
  void pump();
  /// Stream data from the role: to the application, or kept until it has room.
  void deliver(protocol::PayloadType type, const protocol::FrameSlice& data);
  void connect();
  void drop();
  void send(Packet packet);
  void note(std::string_view text) const;
  void check_windows(const protocol::ChannelStatus& status, const protocol::ChannelRules& rules,
                     Verdicts& verdicts);
  void set_ended(std::string reason, std::string text, bool normal);
  [[nodiscard]] Application& application() { return application_; }
  [[nodiscard]] const World& world() const { return world_; }
  [[nodiscard]] Instant now() const { return world_.scheduler.now(); }

  /// Of the profile.
  std::size_t chunk_bytes_ = 1024;
  Duration send_pause_{0};

 private:
  [[nodiscard]] bool may_feed() const;
  bool feed(Instant now);
  bool offer_held(Instant now);
  void arm();

  World world_;
  Side side_;
  Application& application_;
  Connection* connection_ = nullptr;
  Alarm role_alarm_;
  Alarm application_alarm_;
  WakeWatch watch_;
  Instant may_send_at_{};
  struct Held {
    protocol::PayloadType type;
    protocol::FrameSlice data;
  };
  /// What the application had no room for. While there is any, the connection is not read, as a
  /// handler that blocks does to it.
  std::deque<Held> held_;
  bool was_acknowledged_ = true;
  std::size_t max_stored_ = 0;
  bool pumping_ = false;
  bool worked_ = false;
  bool killed_ = false;
  bool told_finished_ = false;
  bool told_input_ended_ = false;
  std::optional<Ended> ended_;
};

}  // namespace ssm::sim
