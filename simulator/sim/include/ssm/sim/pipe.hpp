#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/random.hpp"
#include "ssm/sim/scheduler.hpp"

namespace ssm::sim {

/// The path between one end and the service, each way alike. What TCP does not hide: bytes take
/// time, arrive in order, wait while the receiver or the path is slow, or stop. Messages are lost,
/// doubled and reordered by the service's relay (see fault::Engine), as TCP itself loses none.
struct LinkRules {
  Duration latency = std::chrono::milliseconds(10);
  /// Added to the latency: uniform from 0 to this, drawn for each packet. Order is kept.
  Duration jitter{0};
  /// 0: as fast as can be.
  std::uint64_t bytes_per_second = 0;
  /// What a sender may have on its way, unread data at the receiver included; beyond, it waits.
  std::size_t buffer_bytes = std::size_t{4} << 20U;

  friend bool operator==(const LinkRules&, const LinkRules&) = default;
};

/// What travels over a connection: WebSocket messages and control frames.
struct Packet {
  enum class Kind : std::uint8_t {
    text,
    binary,
    ping,
    pong,
    close,  ///< a close frame; `code`, and `text` its reason
    end,    ///< TCP ends without a close frame
  };
  Kind kind = Kind::binary;
  protocol::Frame frame = {};
  std::string text = {};
  std::uint16_t code = 0;

  [[nodiscard]] std::size_t size() const;
};

/// One direction of a connection. Not thread safe.
class Pipe {
 public:
  /// Calls `arrive` for each packet, and `room` when writable() turned true again. `seed` draws the
  /// jitter.
  Pipe(Scheduler& scheduler, const LinkRules& rules, std::uint64_t seed,
       std::function<void(Packet)> arrive, std::function<void()> room);

  void send(Packet packet);
  /// Whether a sender that can wait should send more.
  [[nodiscard]] bool writable() const { return waiting_bytes_ < rules_.buffer_bytes; }

  /// The receiver stops reading; what arrives waits.
  void set_reading(bool reading);
  /// The path stops without a sign; what was sent waits, until released.
  void set_stalled(bool stalled);
  /// Drops what is on its way; nothing is delivered any more.
  void cut();

  [[nodiscard]] std::size_t waiting_bytes() const { return waiting_bytes_; }
  [[nodiscard]] bool stalled() const { return stalled_; }

 private:
  struct InFlight {
    Instant arrival;
    Packet packet;
  };
  void deliver_due();
  void arm();

  Scheduler& scheduler_;
  LinkRules rules_;
  protocol::Random random_;
  std::function<void(Packet)> arrive_;
  std::function<void()> room_;
  Alarm alarm_;
  std::deque<InFlight> in_flight_;
  std::size_t waiting_bytes_ = 0;
  Instant line_free_{};
  Instant last_arrival_{};
  bool reading_ = true;
  bool stalled_ = false;
  bool cut_ = false;
};

}  // namespace ssm::sim
