#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/receive_window.hpp"
#include "ssm/protocol/rtt_estimator.hpp"
#include "ssm/protocol/send_window.hpp"

namespace ssm::test {

/// A state as bytes: two states are the same if and only if their bytes are. Small numbers are
/// short, so that millions of states fit into memory.
class StateBytes {
 public:
  void add(std::int64_t value) {
    auto rest = std::bit_cast<std::uint64_t>(value * 2 ^ (value >> 63));
    while (rest >= 0x80) {
      bytes_.push_back(static_cast<char>(0x80 | (rest & 0x7F)));
      rest >>= 7;
    }
    bytes_.push_back(static_cast<char>(rest));
  }
  void add_flags(std::initializer_list<bool> flags) {
    std::int64_t bits = 0;
    for (const bool flag : flags) {
      bits = bits * 2 + (flag ? 1 : 0);
    }
    add(bits);
  }
  void add(protocol::Duration duration) { add(duration.count()); }

  [[nodiscard]] std::string take() { return std::move(bytes_); }
  void reserve(std::size_t size) { bytes_.reserve(size); }

 private:
  std::string bytes_;
};

/// Looks into the windows. `live` and `describe` are all that the exploration needs to know that
/// the public interface does not say.
struct WindowProbe {
  /// Whether the sender still keeps that message.
  [[nodiscard]] static bool is_live(const protocol::SendWindow& window, std::int64_t sequence) {
    if (sequence >= window.base_) {
      const auto index = static_cast<std::size_t>(sequence - window.base_);
      return index < window.slots_.size() && window.slots_[index].live;
    }
    return window.stragglers_.contains(sequence);
  }
  [[nodiscard]] static bool is_stored(const protocol::ReceiveWindow& window,
                                      std::int64_t sequence) {
    return window.stored_.contains(sequence);
  }

  /// All of the sender's state on which its future depends, with times relative to `now`. Left out
  /// or made coarser is only what provably makes no difference:
  ///  - the RTT estimate where the rules pin the RTO (`fixed_rto`), apart from the shortest sample,
  ///    which Karn's rule uses;
  ///  - the number of resends beyond the first, that of timeouts beyond where backoff ends, and the
  ///    time since the first transmission beyond the longest RTO, which only limits look at (the
  ///    caller switches those off, asserted);
  ///  - due_at_once_since_, which is past as soon as it is set; marks of messages that are gone;
  ///  - a tick that is over, by how much.
  static void describe(const protocol::SendWindow& window, protocol::Instant now, bool fixed_rto,
                       StateBytes& out) {
    const protocol::SendRules& rules = window.rules_;
    SSM_ASSERT(rules.resend_limit == 0 && rules.resend_time_limit == protocol::Duration{0});
    if (!fixed_rto) {
      out.add(window.rtt_.srtt_);
      out.add(window.rtt_.rttvar_);
      out.add(window.rtt_.rto_);
      out.add(window.rtt_.floor_);
    }
    if (rules.karn) {
      out.add(window.rtt_.shortest_);
      out.add_flags({window.seemed_slow_});
    }
    out.add(window.next_sequence_);
    out.add(window.base_);
    out.add(static_cast<std::int64_t>(window.live_));
    // Until backoff has reached its end.
    const std::int64_t timeouts_that_matter =
        rules.resend_tick != protocol::Duration{0}
            ? 0
            : static_cast<std::int64_t>(
                  std::bit_width(static_cast<std::uint64_t>(rules.max_rto / window.rtt_.rto())));
    protocol::Instant oldest_timer = now;
    const auto add_slot = [&](std::int64_t sequence, const protocol::SendWindow::Slot& slot) {
      out.add(sequence);
      out.add_flags({slot.written, slot.due_at_once, slot.sent_at_tick, slot.resends > 0});
      out.add(std::min<std::int64_t>(slot.timeouts, timeouts_that_matter));
      out.add(now - slot.last_sent);
      out.add(rules.karn ? std::min(now - slot.first_sent, rules.max_rto) : protocol::Duration{0});
      oldest_timer = std::min(oldest_timer, slot.last_sent);
    };
    for (const auto& [sequence, slot] : window.stragglers_) {
      add_slot(sequence, slot);
    }
    for (std::size_t i = 0; i < window.slots_.size(); ++i) {
      if (window.slots_[i].live) {
        add_slot(window.base_ + static_cast<std::int64_t>(i), window.slots_[i]);
      }
    }
    out.add(window.due_at_once_ > 0 ? window.due_cursor_ : -1);
    out.add(window.timer_restarted_at_ > oldest_timer ? now - window.timer_restarted_at_
                                                      : protocol::Duration{-1});
    const bool overdue = window.overdue_head_ >= 0 && is_live(window, window.overdue_head_);
    out.add(overdue ? window.overdue_head_ : -1);
    out.add(overdue ? now - window.overdue_since_ : protocol::Duration{0});
    if (rules.resend_tick != protocol::Duration{0}) {
      out.add(window.first_tick_ ? (now - *window.first_tick_) % rules.resend_tick
                                 : protocol::Duration{-1});
      out.add(std::max(window.next_tick_ - now, protocol::Duration{0}));
    }
  }

  /// Frames are told apart by their number alone: all copies of a message are the same.
  static void describe(const protocol::ReceiveWindow& window, StateBytes& out) {
    out.add(window.expected_);
    for (const auto& [sequence, frame] : window.stored_) {
      out.add(sequence);
    }
    out.add(-1);
  }
};

}  // namespace ssm::test
