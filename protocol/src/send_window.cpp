#include "ssm/protocol/send_window.hpp"

#include <algorithm>
#include <utility>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {
namespace {

/// Reports of the resend limit that the plugin survives: its watcher takes the first and ends, the
/// queue holds the second, and the third blocks the scheduler (session-manager-plugin
/// `src/datachannel/streaming.go`, isStreamMessageResendTimeout; `sessionhandler.go`).
constexpr std::uint32_t reports_survived = 2;

}  // namespace

SendWindow::SendWindow(const SendRules& rules) : rules_(rules), rtt_(rules) {
  SSM_ASSERT(rules_.buffer_messages > 0);
  // A message whose timer never restarts is always due: only ticks keep that finite.
  SSM_ASSERT(rules_.resend_restarts_timer || rules_.resend_tick != Duration{0});
}

bool SendWindow::has_room() const {
  // By number in flight, not by distance: a peer that never acknowledges a duplicate again, such as
  // session-manager-plugin, leaves a message unacknowledged for good when its acknowledgement was
  // lost with a connection (SEQ-008), and that must not stop the stream.
  return rules_.when_full != WhenFull::refuse || live_ < rules_.buffer_messages;
}

SendWindow::Added SendWindow::add(Frame frame, Instant now, bool written) {
  SSM_ASSERT(has_room());
  SSM_ASSERT(!frame.empty());
  if (!first_tick_) {
    first_tick_ = now;
    next_tick_ = now + rules_.resend_tick;
  }
  skip_idle_ticks(now);
  //= SEQ-020
  if (!written && !rules_.keep_unwritten) {
    return Added::not_numbered;
  }

  Added added = rules_.retransmits ? Added::kept : Added::not_kept;
  if (live_ == rules_.buffer_messages) {
    if (rules_.when_full == WhenFull::drop_newest) {
      //= RTX-017
      added = Added::not_kept;
    } else {
      //= RTX-016
      const std::int64_t oldest = head().sequence;
      forget(oldest, *find(oldest));
      added = Added::dropped_oldest;
    }
  }

  //= SEQ-001
  const std::int64_t sequence = next_sequence_++;
  if (added == Added::not_kept) {
    slots_.push_back(Slot{.frame = {}, .first_sent = now, .last_sent = now, .live = false});
  } else {
    //= SEQ-021
    slots_.push_back(
        Slot{.frame = std::move(frame), .first_sent = now, .last_sent = now, .written = written});
    ++live_;
    if (!written) {
      ++unwritten_;
      if (rules_.resend_all_on_resume) {
        if (due_at_once_ == 0) {
          due_cursor_ = sequence;
        }
        mark_due_at_once(slots_.back(), now);
      }
    }
  }
  bound_memory();
  return added;
}

SendWindow::Acknowledged SendWindow::acknowledge(std::int64_t sequence, Instant now) {
  //= ACK-003
  //= ACK-004
  Slot* slot = find(sequence);
  if (slot == nullptr) {
    return {};
  }
  skip_idle_ticks(now);
  const bool was_resent_head = slot->resends > 0 && sequence == head().sequence;
  const Duration rto = rtt_.rto();
  const Acknowledged result = measure(*slot, now);
  acknowledged_at_ = now;
  //= ACK-005
  forget(sequence, *slot);
  if (was_resent_head && live_ > 0 && rules_.karn && rules_.resend_tick == Duration{0} &&
      now >= exact_deadline(*head().slot, rto)) {
    // A burst was lost: the next one is overdue too, by the RTO that held until now.
    overdue_head_ = head().sequence;
    overdue_since_ = now;
  }
  return result;
}

SendWindow::Acknowledged SendWindow::measure(const Slot& slot, Instant now) {
  const Duration since_last_sent = now - slot.last_sent;
  if (!rules_.karn || (slot.written && slot.resends == 0)) {
    //= RTX-010
    //= RTX-011
    rtt_.add_sample(since_last_sent);
    seemed_slow_ = false;
    return {.known = true, .rtt_sample = since_last_sent};
  }
  if (slot.written) {
    rtt_.add_ambiguous(now - slot.first_sent);
    if (rtt_.too_soon(since_last_sent) && !std::exchange(seemed_slow_, true)) {
      // The resend was needless: the path is slow, not lossy. The messages behind are just as
      // late, and to resend each of them as it comes to the front would double the traffic. But
      // their acknowledgements must follow now: if the next one is again that of a message that
      // had to be resent, the path is lossy, and its shortest round trip was taken while queues
      // were full.
      timer_restarted_at_ = now;
    }
  }
  return {.known = true, .rtt_sample = {}};
}

std::optional<SendWindow::Resend> SendWindow::resend_due(Instant now) {
  const auto deadline = next_timeout();
  if (!deadline || now < *deadline) {
    return std::nullopt;
  }
  const auto [sequence, slot] = next_to_send();
  //= RTX-012
  const bool given_up = limit_reached(*slot, now);
  if (given_up && rules_.dies_after_limit && limit_reports_ == reports_survived) {
    //= RTX-013
    dead_ = true;
    return std::nullopt;
  }
  limit_reports_ += given_up ? 1U : 0U;

  transmit(*slot, now);
  if (slot->due_at_once) {
    slot->due_at_once = false;
    --due_at_once_;
    due_cursor_ = sequence + 1;
  }
  if (sequence == overdue_head_) {
    overdue_head_ = -1;
  }
  next_tick_ = tick_after(now);
  //= RTX-006
  return Resend{.sequence = sequence,
                .frame = slot->frame,
                .attempts = slot->resends,
                .limit_reached = given_up};
}

void SendWindow::transmit(Slot& slot, Instant now) {
  const bool first = !slot.written;
  if (first) {
    slot.written = true;
    --unwritten_;
    slot.first_sent = now;
  } else {
    ++slot.resends;
    slot.timeouts += slot.due_at_once ? 0U : 1U;
  }
  //= RTX-004
  //= RTX-005
  if (first || rules_.resend_restarts_timer) {
    slot.last_sent = now;
    slot.sent_at_tick = true;
  }
}

std::optional<Instant> SendWindow::next_timeout() const {
  if (live_ == 0 || dead_) {
    return std::nullopt;
  }
  if (due_at_once_ > 0) {
    return due_at_once_since_;
  }
  //= RTX-001
  //= RTX-003
  return head_deadline();
}

void SendWindow::on_resume(Instant now) {
  resumed_at_ = now;
  next_tick_ = tick_after(now);
  if (!rules_.resend_all_on_resume) {
    return;
  }
  //= RESUME-009
  due_cursor_ = live_ == 0 ? next_sequence_ : head().sequence;
  due_at_once_ = 0;
  for (auto& [sequence, slot] : stragglers_) {
    mark_due_at_once(slot, now);
  }
  for (Slot& slot : slots_) {
    if (slot.live) {
      mark_due_at_once(slot, now);
    }
  }
}

SendWindow::Slot* SendWindow::find(std::int64_t sequence) {
  if (sequence >= next_sequence_) {
    return nullptr;
  }
  if (sequence >= base_) {
    Slot& slot = slots_[static_cast<std::size_t>(sequence - base_)];
    return slot.live ? &slot : nullptr;
  }
  const auto found = stragglers_.find(sequence);
  return found == stragglers_.end() ? nullptr : &found->second;
}

std::optional<std::int64_t> SendWindow::oldest() const {
  return live_ == 0 ? std::nullopt : std::optional(head().sequence);
}

bool SendWindow::newest_acknowledged() const {
  // Slots before the first live one are dropped, so that the last one is live or acknowledged.
  return next_sequence_ > 0 && (slots_.empty() || !slots_.back().live);
}

SendWindow::Entry<const SendWindow::Slot*> SendWindow::head() const {
  SSM_ASSERT(live_ > 0);
  if (!stragglers_.empty()) {
    return {stragglers_.begin()->first, &stragglers_.begin()->second};
  }
  return {base_, &slots_.front()};
}

SendWindow::Entry<SendWindow::Slot*> SendWindow::next_to_send() {
  const std::int64_t oldest = head().sequence;
  return due_at_once_ > 0 && oldest != overdue_head_ ? first_due_at_once()
                                                     : Entry<Slot*>{oldest, find(oldest)};
}

SendWindow::Entry<SendWindow::Slot*> SendWindow::first_due_at_once() {
  for (auto it = stragglers_.lower_bound(due_cursor_); it != stragglers_.end(); ++it) {
    if (it->second.due_at_once) {
      return {it->first, &it->second};
    }
  }
  due_cursor_ = std::max(due_cursor_, base_);
  while (!slots_[static_cast<std::size_t>(due_cursor_ - base_)].due_at_once) {
    ++due_cursor_;
    SSM_ASSERT(due_cursor_ < next_sequence_);
  }
  return {due_cursor_, &slots_[static_cast<std::size_t>(due_cursor_ - base_)]};
}

Instant SendWindow::head_deadline() const {
  const auto [sequence, slot] = head();
  if (sequence == overdue_head_) {
    return overdue_since_;
  }
  //= RTX-002
  const Instant deadline = exact_deadline(*slot, rtt_.rto());
  if (rules_.resend_tick == Duration{0}) {
    return deadline;
  }
  // Both references ask for more than the RTO. Their ticks begin a moment before the first message,
  // so that two ticks are not enough for a fresh one (seen at 0.3 s); and each is a little longer
  // than it says, so that two are enough from one resend to the next (seen 0.2 s apart). Our ticks
  // are exact, and equal has to count as less or as more.
  const Duration slack{slot->sent_at_tick ? 1 : 0};
  return std::max(tick_after(deadline - slack), next_tick_);
}

/// When the RTO has passed, ticks aside.
Instant SendWindow::exact_deadline(const Slot& head, Duration rto) const {
  Duration wait = rto;
  if (rules_.resend_tick == Duration{0}) {
    for (std::uint32_t i = 0; i < head.timeouts && wait < rules_.max_rto; ++i) {
      wait = std::min(wait * 2, rules_.max_rto);
    }
  }
  return std::max(head.last_sent, timer_restarted_at_) + wait;
}

bool SendWindow::limit_reached(const Slot& slot, Instant now) const {
  if (!slot.written) {
    return false;
  }
  //= RTX-014
  const bool by_count = rules_.resend_limit != 0 && slot.resends >= rules_.resend_limit;
  const bool by_time =
      rules_.resend_time_limit != Duration{0} &&
      now - std::max({slot.first_sent, resumed_at_, acknowledged_at_}) >= rules_.resend_time_limit;
  return by_count || by_time;
}

/// The first tick later than `instant`; without ticks, `instant`.
Instant SendWindow::tick_after(Instant instant) const {
  if (rules_.resend_tick == Duration{0} || !first_tick_) {
    return instant;
  }
  const Duration elapsed = instant - *first_tick_;
  return *first_tick_ + (elapsed / rules_.resend_tick + 1) * rules_.resend_tick;
}

void SendWindow::forget(std::int64_t sequence, Slot& slot) {
  --live_;
  unwritten_ -= slot.written ? 0U : 1U;
  due_at_once_ -= slot.due_at_once ? 1U : 0U;
  if (sequence < base_) {
    stragglers_.erase(sequence);
    return;
  }
  slot.live = false;
  slot.due_at_once = false;
  slot.frame = Frame();
  while (!slots_.empty() && !slots_.front().live) {
    slots_.pop_front();
    ++base_;
  }
}

void SendWindow::mark_due_at_once(Slot& slot, Instant now) {
  if (due_at_once_ == 0) {
    due_at_once_since_ = now;
  }
  slot.due_at_once = true;
  slot.timeouts = 0;
  ++due_at_once_;
}

/// At most buffer_messages slots are live, so beyond twice that number at least half are not. Each
/// slot is moved at most once in its life.
void SendWindow::bound_memory() {
  if (slots_.size() <= 2 * rules_.buffer_messages) {
    while (!slots_.empty() && !slots_.front().live) {
      slots_.pop_front();
      ++base_;
    }
    return;
  }
  while (!slots_.empty() && (!slots_.front().live || slots_.size() > rules_.buffer_messages)) {
    if (slots_.front().live) {
      stragglers_.emplace_hint(stragglers_.end(), base_, std::move(slots_.front()));
    }
    slots_.pop_front();
    ++base_;
  }
}

/// A tick that had nothing to do is over: what becomes due later, because the RTO shrank or another
/// message came to the front, waits for the next tick.
void SendWindow::skip_idle_ticks(Instant now) {
  if (rules_.resend_tick == Duration{0} || now < next_tick_) {
    return;
  }
  const auto deadline = next_timeout();
  if (!deadline || *deadline > now) {
    next_tick_ = tick_after(now);
  }
}

}  // namespace ssm::protocol
