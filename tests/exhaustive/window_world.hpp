#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/publication.hpp"
#include "ssm/protocol/receive_window.hpp"
#include "ssm/protocol/send_window.hpp"
#include "ssm/protocol/time.hpp"
#include "window_events.hpp"
#include "window_probe.hpp"

/// One stream between a send window and a receive window, the network between them, and everything
/// that can happen next. The windows are the production ones (or a mutant around them); their
/// owners do here what ClientRole and AgentRole do.

namespace ssm::test {

template <class Sender = protocol::SendWindow, class Receiver = protocol::ReceiveWindow>
class WindowWorld {
 public:
  explicit WindowWorld(const StreamSetup& setup)
      : setup_(&setup),
        fixed_rto_(setup.send.clock_granularity >= setup.send.max_rto &&
                   setup.send.initial_rto == setup.send.max_rto),
        sender_(setup.send),
        receiver_(setup.receive) {
    SSM_ASSERT(setup.bounds.messages <= max_messages);
  }

  /// Everything that can happen next, faults only as far as `budget` goes.
  void enabled(const Budget& budget, std::vector<Event>& out) const {
    out.clear();
    const auto has = [&budget](Fault fault) { return budget[static_cast<std::size_t>(fault)] > 0; };
    if (can_add()) {
      out.push_back({Act::add, 0});
    }
    for (std::uint8_t i = 0; i < setup_->bounds.messages; ++i) {
      const bool data = data_[i] > 0;
      const bool ack = acks_[i] > 0;
      add_if(data, Act::deliver_data, i, out);
      add_if(ack, Act::deliver_ack, i, out);
      add_if(data && has(Fault::loss), Act::lose_data, i, out);
      add_if(ack && has(Fault::loss), Act::lose_ack, i, out);
      add_if(data && has(Fault::duplication), Act::duplicate_data, i, out);
      add_if(ack && has(Fault::duplication), Act::duplicate_ack, i, out);
    }
    const auto next = may_write() ? sender_.next_timeout() : std::nullopt;
    add_if(next.has_value() && has(Fault::timeout), Act::timeout, 0, out);
    add_if(has(Fault::wait) && (!next || *next > now_ + setup_->bounds.quantum), Act::wait, 0, out);
    add_if(connected_ && has(Fault::cut), Act::cut, 0, out);
    add_if(!connected_, Act::restore, 0, out);
    add_if(connected_ && !publication_.paused() && has(Fault::pause), Act::pause, 0, out);
    add_if(connected_ && publication_.paused(), Act::start, 0, out);
    add_if(ready_ && has(Fault::unready), Act::unready, 0, out);
    add_if(!ready_, Act::ready, 0, out);
  }

  /// What `event` takes from the budget.
  static void charge(const Event& event, Budget& budget) {
    const auto take = [&budget](Fault fault) { --budget[static_cast<std::size_t>(fault)]; };
    switch (event.act) {
      case Act::lose_data:
      case Act::lose_ack:
        return take(Fault::loss);
      case Act::duplicate_data:
      case Act::duplicate_ack:
        return take(Fault::duplication);
      case Act::timeout:
        return take(Fault::timeout);
      case Act::wait:
        return take(Fault::wait);
      case Act::cut:
        return take(Fault::cut);
      case Act::pause:
        return take(Fault::pause);
      case Act::unready:
        return take(Fault::unready);
      default:
        return;
    }
  }

  /// The event happens, and whatever the owners do about it at once. The first violation, if any.
  [[nodiscard]] std::optional<Violation> apply(const Event& event) {
    violation_.reset();
    const std::uint8_t i = event.sequence;
    switch (event.act) {
      case Act::add:
        add();
        break;
      case Act::deliver_data:
        --data_[i];
        receive(i);
        break;
      case Act::deliver_ack:
        --acks_[i];
        acknowledge(i);
        break;
      case Act::lose_data:
        --data_[i];
        break;
      case Act::lose_ack:
        --acks_[i];
        break;
      case Act::duplicate_data:
        ++data_[i];
        break;
      case Act::duplicate_ack:
        ++acks_[i];
        break;
      case Act::timeout:
        run_timeout();
        break;
      case Act::wait:
        now_ += setup_->bounds.quantum;
        break;
      case Act::cut:
        connected_ = false;
        data_ = {};
        acks_ = {};
        break;
      case Act::restore:
        //= RESUME-009
        connected_ = true;
        publication_.on_reconnect();
        sender_.on_resume(now_);
        break;
      case Act::pause:
        publication_.on_pause();
        break;
      case Act::start:
        resume_if(publication_.on_start());
        break;
      case Act::unready:
        ready_ = false;
        break;
      case Act::ready:
        ready_ = true;
        drain();
        break;
    }
    resend(event.act == Act::timeout);
    check();
    drop_inert();
    return violation_;
  }

  [[nodiscard]] bool done() const {
    return delivered_ == setup_->bounds.messages && sender_.in_flight() == 0;
  }
  [[nodiscard]] std::size_t delivered() const { return delivered_; }
  [[nodiscard]] std::size_t in_flight() const { return sender_.in_flight(); }
  [[nodiscard]] protocol::Instant now() const { return now_; }
  [[nodiscard]] bool network_empty() const {
    return data_ == decltype(data_){} && acks_ == decltype(acks_){};
  }

  /// The state without budgets.
  [[nodiscard]] std::string key() const {
    StateBytes out;
    out.reserve(80);
    WindowProbe::describe(sender_, now_, fixed_rto_, out);
    WindowProbe::describe(receiver_, out);
    out.add_flags({connected_, ready_, publication_.paused()});
    out.add(static_cast<std::int64_t>(added_));
    out.add(static_cast<std::int64_t>(first_sent_));
    out.add(static_cast<std::int64_t>(delivered_));
    for (std::size_t i = 0; i < setup_->bounds.messages; ++i) {
      out.add(data_[i] * 16 + acks_[i]);
    }
    return out.take();
  }

  /// What a fair world without faults does next: everything arrives, in order, and time passes only
  /// when nothing else is left to happen.
  [[nodiscard]] std::optional<Event> fair_event() const {
    if (!connected_) {
      return Event{Act::restore, 0};
    }
    if (publication_.paused()) {
      return Event{Act::start, 0};
    }
    if (!ready_) {
      return Event{Act::ready, 0};
    }
    for (std::uint8_t i = 0; i < setup_->bounds.messages; ++i) {
      if (data_[i] > 0) {
        return Event{Act::deliver_data, i};
      }
      if (acks_[i] > 0) {
        return Event{Act::deliver_ack, i};
      }
    }
    if (can_add()) {
      return Event{Act::add, 0};
    }
    return sender_.next_timeout() ? std::optional(Event{Act::timeout, 0}) : std::nullopt;
  }

 private:
  static void add_if(bool condition, Act act, std::uint8_t sequence, std::vector<Event>& out) {
    if (condition) {
      out.push_back({act, sequence});
    }
  }

  [[nodiscard]] bool may_write() const { return connected_ && !publication_.paused(); }
  [[nodiscard]] bool can_add() const {
    // A client that uses the number of an unwritten message again loses that message (SEQ-020);
    // its owner ends the session instead (RESUME-016). Here its source waits.
    const bool kept = setup_->send.keep_unwritten || may_write();
    return added_ < setup_->bounds.messages && kept && sender_.has_room();
  }

  void fail(Violation violation) {
    if (!violation_) {
      violation_ = violation;
    }
  }

  void add() {
    //= SEQ-019
    const bool written = may_write() && sender_.unwritten_waiting() == 0;
    if (sender_.next_sequence() != static_cast<std::int64_t>(added_)) {
      fail(Violation::overtaken);
      return;
    }
    sender_.add(message_frame(added_), now_, written);
    if (written) {
      transmit_first(added_);
    }
    ++added_;
  }

  void transmit_first(std::size_t sequence) {
    ++data_[sequence];
    if (sequence < first_sent_) {
      fail(Violation::overtaken);
    }
    // A message that was dropped or never kept while nothing could be written leaves a gap.
    first_sent_ = static_cast<std::uint8_t>(sequence + 1);
  }

  /// As ClientRole::receive_output and AgentRole::receive_input.
  void receive(std::uint8_t sequence) {
    using Place = protocol::ReceiveWindow::Place;
    switch (receiver_.offer(sequence, message_frame(sequence))) {
      case Place::in_order:
        if (ready_) {
          deliver(message_frame(sequence));
          ++acks_[sequence];
          receiver_.advance();
          drain();
        }
        return;
      case Place::ahead:
        ++acks_[sequence];
        return;
      case Place::refused:
        return;
      case Place::duplicate:
        acks_[sequence] =
            static_cast<std::uint8_t>(acks_[sequence] + (setup_->receive.ack_duplicates ? 1 : 0));
        return;
    }
  }

  void drain() {
    while (ready_ && !violation_) {
      const protocol::Frame* stored = receiver_.next_stored();
      if (stored == nullptr) {
        return;
      }
      deliver(*stored);
      receiver_.advance();
    }
  }

  void deliver(const protocol::Frame& frame) {
    if (!is_message(frame, delivered_)) {
      fail(Violation::wrong_delivery);
      return;
    }
    ++delivered_;
  }

  /// As AgentRole::receive_acknowledge.
  void acknowledge(std::uint8_t sequence) {
    const bool pause_ended = publication_.on_acknowledge();
    sender_.acknowledge(sequence, now_);
    if (WindowProbe::is_live(sender_, sequence)) {
      fail(Violation::not_forgotten);
    }
    resume_if(pause_ended);
  }

  void resume_if(bool pause_ended) {
    if (pause_ended) {
      sender_.on_resume(now_);
    }
  }

  void run_timeout() {
    const protocol::Instant next = *sender_.next_timeout();
    if (next > now_ && sender_.resend_due(next - protocol::Duration{1})) {
      fail(Violation::early_resend);
    }
    now_ = std::max(now_, next);
  }

  void resend(bool something_is_due) {
    if (!may_write()) {
      return;
    }
    std::size_t left = 2 * max_messages;
    while (auto due = sender_.resend_due(now_)) {
      something_is_due = false;
      if (left-- == 0) {
        fail(Violation::busy_timer);
        return;
      }
      if (!is_message(due->frame, due->sequence) || !WindowProbe::is_live(sender_, due->sequence)) {
        fail(Violation::wrong_resend);
        return;
      }
      const auto sequence = static_cast<std::size_t>(due->sequence);
      if (due->attempts == 0) {
        transmit_first(sequence);
      } else {
        ++data_[sequence];
      }
    }
    const auto next = sender_.next_timeout();
    if (something_is_due || (next && *next <= now_)) {
      fail(Violation::broken_promise);
    }
  }

  void check() {
    if (sender_.in_flight() > setup_->send.buffer_messages) {
      fail(Violation::window_exceeded);
    }
    if (receiver_.stored() > setup_->receive.buffer_messages) {
      fail(Violation::buffer_exceeded);
    }
    for (std::size_t i = delivered_; i < added_; ++i) {
      const auto sequence = static_cast<std::int64_t>(i);
      if (!WindowProbe::is_stored(receiver_, sequence) &&
          !WindowProbe::is_live(sender_, sequence) && data_[i] == 0) {
        fail(Violation::lost_for_good);
      }
    }
  }

  /// Takes out of the network what can have no effect any more, now or later. See explorer.hpp.
  void drop_inert() {
    for (std::size_t i = 0; i < added_; ++i) {
      if (setup_->bounds.pauses == 0 &&
          !WindowProbe::is_live(sender_, static_cast<std::int64_t>(i))) {
        acks_[i] = 0;
      }
      if (!setup_->receive.ack_duplicates && i < delivered_) {
        data_[i] = 0;
      }
    }
  }

  const StreamSetup* setup_;
  bool fixed_rto_;
  Sender sender_;
  Receiver receiver_;
  protocol::Instant now_{};
  protocol::Publication publication_;
  bool connected_ = true;
  bool ready_ = true;
  std::uint8_t added_ = 0;
  std::uint8_t first_sent_ = 0;  ///< one more than the latest number transmitted
  std::uint8_t delivered_ = 0;
  /// Copies in flight, by number. Copies of one message are the same, and so are those of one
  /// acknowledgement as far as the sender is concerned (ACK-003).
  std::array<std::uint8_t, max_messages> data_{};
  std::array<std::uint8_t, max_messages> acks_{};
  std::optional<Violation> violation_;
};

}  // namespace ssm::test
