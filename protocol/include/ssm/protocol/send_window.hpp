#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/rtt_estimator.hpp"
#include "ssm/protocol/rules.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

/// The messages of one stream that were numbered and not yet acknowledged, and when the oldest of
/// them is sent again.
///
/// Cost per operation is constant (amortised), whatever the number in flight. Owns its frames by
/// handle. Not thread safe.
class SendWindow {
 public:
  explicit SendWindow(const SendRules& rules);

  /// The number the next message will get.
  [[nodiscard]] std::int64_t next_sequence() const { return next_sequence_; }

  /// False only under WhenFull::refuse: the source must wait for an acknowledgement.
  [[nodiscard]] bool has_room() const;

  enum class Added : std::uint8_t {
    kept,            ///< numbered and kept until acknowledged
    dropped_oldest,  ///< kept, and the oldest unacknowledged message was forgotten
    not_kept,        ///< numbered but not kept: it will never be sent again
    not_numbered,    ///< not written, and the rules do not keep unwritten messages
  };
  /// Adds the message that carries next_sequence(). `written`: it goes on the wire now; otherwise
  /// (no connection, paused) it is due as soon as `resend_due` is allowed to run.
  /// Asserts has_room().
  Added add(Frame frame, Instant now, bool written);

  struct Acknowledged {
    bool known = false;  ///< the number was in flight
    std::optional<Duration> rtt_sample;
  };
  /// Removes exactly that message (ACK-003 to ACK-005).
  Acknowledged acknowledge(std::int64_t sequence, Instant now);

  struct Resend {
    std::int64_t sequence = 0;
    Frame frame;
    std::uint32_t attempts = 0;  ///< how often it has now been sent again
    bool limit_reached = false;  ///< attempts passed resend_limit: give the session up
  };
  /// The next message to be sent again at `now`, if one is due; call until empty.
  [[nodiscard]] std::optional<Resend> resend_due(Instant now);

  /// When resend_due will have something, if nothing else happens.
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  /// The connection is back (see SendRules::resend_all_on_resume).
  void on_resume(Instant now);

  [[nodiscard]] std::size_t in_flight() const { return live_; }
  [[nodiscard]] const RttEstimator& rtt() const { return rtt_; }

 private:
  struct Slot {
    Frame frame;  ///< empty once acknowledged or dropped
    Instant last_sent;
    std::uint32_t resends = 0;
    bool written = false;
  };

  [[nodiscard]] Slot* find(std::int64_t sequence);
  void pop_finished();
  [[nodiscard]] Instant due(const Slot& head) const;

  SendRules rules_;
  RttEstimator rtt_;
  std::deque<Slot> slots_;  ///< slots_[i] carries number base_ + i
  std::int64_t base_ = 0;
  std::int64_t next_sequence_ = 0;
  std::size_t live_ = 0;
  std::int64_t resend_all_until_ = 0;  ///< numbers below are due at once after a resume
  Instant next_tick_{};
};

}  // namespace ssm::protocol
