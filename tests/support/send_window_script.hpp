#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/send_window.hpp"

namespace ssm::test {

/// Drives a SendWindow in virtual time as its owner must: obeys next_timeout, drains resend_due,
/// keeps still while nothing may be written. What comes out is a list of lines,
///
///     200 resend 0      the third number is missing for the first resend, then says which it is
///     300 resend 0 #2
///     310 first 4       a message that could not be written when it was added
///     320 resend 0 #3 limit
///
/// with the time in ms, so that a test compares everything that happened at once. Fails if the
/// window does something before the time it announced, or nothing at that time.
class SendWindowScript {
 public:
  explicit SendWindowScript(const protocol::SendRules& rules) : window_(rules) {}

  [[nodiscard]] static protocol::Frame frame_for(std::int64_t sequence) {
    return protocol::Frame::copy_of(protocol::as_bytes("message " + std::to_string(sequence)));
  }

  [[nodiscard]] static std::string line(protocol::Instant at, std::int64_t sequence,
                                        std::uint32_t attempts, bool limit_reached) {
    const auto us =
        std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
    std::string text = std::to_string(us / 1000);
    if (us % 1000 != 0) {
      text += "." + std::to_string(1000 + us % 1000).substr(1);
    }
    text += (attempts == 0 ? " first " : " resend ") + std::to_string(sequence);
    if (attempts > 1) {
      text += " #" + std::to_string(attempts);
    }
    return text + (limit_reached ? " limit" : "");
  }

  protocol::SendWindow::Added send(double at_ms, bool written = true) {
    run_until(at_ms);
    return window_.add(frame_for(window_.next_sequence()), now_, written && allowed_);
  }
  void send_many(double at_ms, int count) {
    for (int i = 0; i < count; ++i) {
      send(at_ms);
    }
  }
  protocol::SendWindow::Acknowledged acknowledge(double at_ms, std::int64_t sequence) {
    run_until(at_ms);
    const auto result = window_.acknowledge(sequence, now_);
    run_until(at_ms);
    return result;
  }
  /// Nothing may be written from now on.
  void suspend(double at_ms) {
    run_until(at_ms);
    allowed_ = false;
  }
  void resume(double at_ms) {
    run_until(at_ms);
    allowed_ = true;
    window_.on_resume(now_);
    run_until(at_ms);
  }
  void run_until(double at_ms) {
    const auto until = instant(at_ms);
    while (allowed_) {
      const auto timeout = window_.next_timeout();
      if (!timeout || *timeout > until) {
        break;
      }
      if (*timeout > now_) {
        EXPECT_FALSE(window_.resend_due(*timeout - protocol::Duration{1})) << "before its time";
        now_ = *timeout;
      }
      if (drain() == 0) {
        EXPECT_NE(window_.next_timeout(), timeout) << "announced a timeout, then did nothing";
        break;
      }
    }
    now_ = std::max(now_, until);
  }

  /// What was sent since the last call, oldest first.
  std::vector<std::string> take() { return std::exchange(log_, {}); }
  [[nodiscard]] protocol::SendWindow& window() { return window_; }
  [[nodiscard]] protocol::Instant now() const { return now_; }

 private:
  [[nodiscard]] static protocol::Instant instant(double ms) {
    return protocol::Instant(std::chrono::duration_cast<protocol::Duration>(
        std::chrono::duration<double, std::milli>(ms)));
  }
  std::size_t drain() {
    std::size_t count = 0;
    while (const auto resend = window_.resend_due(now_)) {
      EXPECT_EQ(protocol::as_text(resend->frame.bytes()),
                "message " + std::to_string(resend->sequence));
      log_.push_back(line(now_, resend->sequence, resend->attempts, resend->limit_reached));
      ++count;
    }
    return count;
  }
  protocol::SendWindow window_;
  protocol::Instant now_{};
  bool allowed_ = true;
  std::vector<std::string> log_;
};

}  // namespace ssm::test
