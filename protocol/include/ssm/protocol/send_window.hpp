#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/rtt_estimator.hpp"
#include "ssm/protocol/rules.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::test {
struct WindowProbe;
}

namespace ssm::protocol {

/// The messages of one stream that were numbered and not yet acknowledged, and when the oldest of
/// them is sent again.
///
/// Only the oldest unacknowledged message is ever retransmitted (RTX-003); when depends on the
/// rules:
///  - `resend_tick` set (both references): at the first tick at which more than the RTO has passed
///    since its first transmission, or the RTO since it was last sent again;
///  - otherwise (ours): as soon as the RTO, doubled for each timeout it had, has passed since its
///    last transmission, which for a message uncovered by an acknowledgement may be long ago: then
///    at once.
/// With `resend_all_on_resume`, messages that were never written, and after on_resume all messages,
/// are due at once on top of that.
///
/// While nothing may be written (no connection, paused) the owner does not call resend_due and
/// ignores next_timeout; it calls on_resume when writing is allowed again. Times must not go
/// backwards.
///
/// Constant amortised cost per operation, whatever the number in flight; on_resume and the resends
/// it causes are linear in that number. Memory is bounded by `buffer_messages`, whatever the peer
/// acknowledges. Owns its frames by handle. Not thread safe.
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
  /// (no connection, paused, or unwritten_waiting) it is due as soon as resend_due is called.
  /// `frame` must not be empty. Asserts has_room().
  Added add(Frame frame, Instant now, bool written);

  struct Acknowledged {
    bool known = false;  ///< the number was in flight
    std::optional<Duration> rtt_sample;
  };
  /// Removes exactly that message; any number may be given.
  Acknowledged acknowledge(std::int64_t sequence, Instant now);

  struct Resend {
    std::int64_t sequence = 0;
    Frame frame;  ///< the same bytes as the first time
    /// How often it has now been sent again; 0 for a message that had not been written yet.
    std::uint32_t attempts = 0;
    bool limit_reached = false;  ///< see SendRules::resend_limit: give the session up
  };
  /// The next message to be sent again at `now`, if one is due; call until empty.
  [[nodiscard]] std::optional<Resend> resend_due(Instant now);

  /// When resend_due will have something, if nothing else happens; may be in the past.
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  /// Writing is allowed again: the connection is back, or a pause ended. What is due at once then
  /// depends on the rules; under a tick, the next look is at the next tick.
  void on_resume(Instant now);

  /// Messages in flight that were never written. While there are any, a new message has to be
  /// added as unwritten, or it would overtake them (SEQ-019).
  [[nodiscard]] std::size_t unwritten_waiting() const { return unwritten_; }
  [[nodiscard]] std::size_t in_flight() const { return live_; }
  /// The lowest number in flight.
  [[nodiscard]] std::optional<std::int64_t> oldest() const;
  /// The highest number was acknowledged; what is in flight are stragglers.
  [[nodiscard]] bool newest_acknowledged() const;
  [[nodiscard]] const RttEstimator& rtt() const { return rtt_; }

 private:
  /// Exhaustive exploration tells states apart by the members: it has to know each one that has a
  /// say in what happens next.
  friend struct test::WindowProbe;

  struct Slot {
    Frame frame;
    Instant first_sent;
    Instant last_sent;
    std::uint32_t resends = 0;
    std::uint32_t timeouts = 0;  ///< resends by timeout since writing was last allowed again
    bool live = true;            ///< false: acknowledged, dropped or never kept
    bool written = false;
    bool due_at_once = false;
    bool sent_at_tick = false;  ///< last_sent is when resend_due gave it out
  };
  template <class SlotPointer>
  struct Entry {
    std::int64_t sequence = 0;
    SlotPointer slot = nullptr;
  };

  [[nodiscard]] Slot* find(std::int64_t sequence);
  [[nodiscard]] Entry<const Slot*> head() const;
  [[nodiscard]] Entry<Slot*> next_to_send();
  [[nodiscard]] Entry<Slot*> first_due_at_once();
  [[nodiscard]] Instant head_deadline() const;
  [[nodiscard]] Instant exact_deadline(const Slot& head, Duration rto) const;
  void transmit(Slot& slot, Instant now);
  Acknowledged measure(const Slot& slot, Instant now);
  [[nodiscard]] bool limit_reached(const Slot& slot, Instant now) const;
  [[nodiscard]] Instant tick_after(Instant instant) const;
  void forget(std::int64_t sequence, Slot& slot);
  void mark_due_at_once(Slot& slot, Instant now);
  void bound_memory();
  void skip_idle_ticks(Instant now);

  SendRules rules_;
  RttEstimator rtt_;
  std::int64_t next_sequence_ = 0;
  std::int64_t base_ = 0;
  /// slots_[i] carries number base_ + i. The first one is live unless there are none.
  std::deque<Slot> slots_;
  /// Live messages below base_: a peer that acknowledges everything but a few old messages must
  /// not make slots_ grow.
  std::map<std::int64_t, Slot> stragglers_;
  std::size_t live_ = 0;
  std::size_t unwritten_ = 0;

  std::size_t due_at_once_ = 0;     ///< slots with that flag
  std::int64_t due_cursor_ = 0;     ///< no slot below it has that flag
  Instant due_at_once_since_{};     ///< when the flag was first set, if any is
  Instant resumed_at_{};            ///< for resend_time_limit
  Instant acknowledged_at_{};       ///< the same; of any message
  Instant timer_restarted_at_{};    ///< the head's timer does not count from before
  bool seemed_slow_ = false;        ///< since the last RTT sample; see measure()
  std::int64_t overdue_head_ = -1;  ///< due since overdue_since_ if it is the head
  Instant overdue_since_{};
  std::optional<Instant> first_tick_;  ///< origin of the ticks: the first use
  Instant next_tick_{};                ///< ticks before it were looked at
  std::uint32_t limit_reports_ = 0;
  bool dead_ = false;
};

}  // namespace ssm::protocol
