#pragma once

#include <optional>

#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

struct KeepaliveRules {
  /// Between two pings (TRANS-018, TRANS-019).
  Duration interval = std::chrono::minutes(5);
  /// The first ping goes out right after opening (plugin) or after one interval (agent).
  bool at_once = false;
  /// How long a pong may stay away before the connection counts as lost; 0 means for ever (plugin,
  /// agents before 3.3.987.0). The first pong may take the sum of both (TRANS-020).
  Duration pong_wait{0};
  /// Pongs that wait behind what the owner does not read are missed (agent).
  bool misses_unread_pongs = false;
};

/// When a connection is pinged, and when it is taken for dead because no pong came.
class Keepalive {
 public:
  explicit Keepalive(const KeepaliveRules& rules) : rules_(rules) {}

  void opened(Instant now) {
    ping_at_ = rules_.at_once ? now : now + rules_.interval;
    wait(now);
  }
  void closed() {
    ping_at_.reset();
    dead_at_.reset();
  }
  /// Nobody reads pongs any more.
  void stop_waiting() { dead_at_.reset(); }
  /// The owner stopped reading, for a slow consumer's sake, and pongs wait among what is not read;
  /// or it reads again.
  void set_reading(bool reading, Instant now) {
    if (rules_.misses_unread_pongs) {
      return;
    }
    reading_ = reading;
    dead_at_.reset();
    if (ping_at_) {
      wait(now);
    }
  }
  void pong(Instant now) {
    //= TRANS-021
    if (dead_at_) {
      dead_at_ = now + rules_.pong_wait;
    }
  }

  [[nodiscard]] bool dead(Instant now) const { return dead_at_ && now >= *dead_at_; }
  /// True once for each ping that is due.
  [[nodiscard]] bool take_ping(Instant now) {
    if (!ping_at_ || now < *ping_at_) {
      return false;
    }
    ping_at_ = now + rules_.interval;
    return true;
  }
  [[nodiscard]] std::optional<Instant> next_timeout() const { return earliest(ping_at_, dead_at_); }

 private:
  void wait(Instant now) {
    if (reading_ && rules_.pong_wait > Duration::zero()) {
      //= TRANS-020
      dead_at_ = now + rules_.interval + rules_.pong_wait;
    }
  }

  KeepaliveRules rules_;
  bool reading_ = true;
  std::optional<Instant> ping_at_;
  std::optional<Instant> dead_at_;
};

}  // namespace ssm::protocol
