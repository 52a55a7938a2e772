#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "send_window_script.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/random.hpp"
#include "ssm/protocol/rtt_estimator.hpp"
#include "ssm/protocol/send_window.hpp"

namespace ssm::protocol {
namespace {

using std::chrono::milliseconds;
using test::SendWindowScript;
using Lines = std::vector<std::string>;

/// The rules written down as naively as possible: looks at every millisecond, searches a map.
class NaiveWindow {
 public:
  explicit NaiveWindow(const SendRules& rules) : rules_(rules), rtt_(rules) {}

  bool has_room() const {
    return rules_.when_full != WhenFull::refuse || messages_.size() < rules_.buffer_messages;
  }
  void add(bool written) {
    if (!first_use_) {
      first_use_ = now_;
    }
    written = written && allowed_;
    if (!written && !rules_.keep_unwritten) {
      return;
    }
    const std::int64_t sequence = next_++;
    if (messages_.size() == rules_.buffer_messages) {
      if (rules_.when_full == WhenFull::drop_newest) {
        return;
      }
      messages_.erase(messages_.begin());
    }
    messages_[sequence] = {.first_sent = now_,
                           .last_sent = now_,
                           .written = written,
                           .at_once = !written && rules_.resend_all_on_resume};
  }
  void acknowledge(std::int64_t sequence) {
    const auto found = messages_.find(sequence);
    if (found == messages_.end()) {
      return;
    }
    const Message& message = found->second;
    const bool was_head = found == messages_.begin();
    const Duration rto = rtt_.rto();
    bool ambiguous = false;
    if (!rules_.karn || (message.written && message.resends == 0)) {
      rtt_.add_sample(now_ - message.last_sent);
      seemed_slow_ = false;
    } else if (message.written) {
      ambiguous = true;
      rtt_.add_ambiguous(now_ - message.first_sent);
      if (rtt_.too_soon(now_ - message.last_sent) && !seemed_slow_) {
        seemed_slow_ = true;
        restarted_ = now_;
      }
    }
    messages_.erase(found);
    if (ambiguous && was_head && !messages_.empty() && rules_.resend_tick == Duration{0} &&
        deadline(messages_.begin()->second, rto) <= now_) {
      Message& head = messages_.begin()->second;
      head.overdue = !std::exchange(head.at_once, true);
    }
    send_due(false);
  }
  void suspend() { allowed_ = false; }
  void resume() {
    allowed_ = true;
    if (rules_.resend_all_on_resume) {
      for (auto& [sequence, message] : messages_) {
        message.at_once = true;
        message.overdue = false;
        message.timeouts = 0;
      }
    }
    send_due(false);
  }
  void advance(int ms) {
    send_due(false);
    for (int i = 0; i < ms; ++i) {
      step();
    }
  }

  Lines log;

 private:
  struct Message {
    Instant first_sent;
    Instant last_sent;
    std::uint32_t resends = 0;
    std::uint32_t timeouts = 0;
    bool written = false;
    bool at_once = false;
    bool overdue = false;  ///< at once because its timeout is over, not because of a resume
    bool sent_again = false;
  };

  /// One millisecond, in two halves where a strict deadline falls between.
  void step() {
    const Instant end = now_ + milliseconds(1);
    while (allowed_ && rules_.resend_tick == Duration{0} && !messages_.empty()) {
      const Instant deadline = head_deadline();
      if (deadline > end) {
        break;
      }
      now_ = std::max(now_, deadline);
      send_due(false);
    }
    now_ = end;
    const bool tick = first_use_ && rules_.resend_tick != Duration{0} && now_ > *first_use_ &&
                      (now_ - *first_use_) % rules_.resend_tick == Duration{0};
    send_due(tick);
  }
  Instant head_deadline() const { return deadline(messages_.begin()->second, rtt_.rto()); }
  Instant deadline(const Message& message, Duration rto) const {
    // 32 doublings of a nanosecond are more than any max_rto here.
    const Duration doubled = rto * (std::int64_t{1} << std::min(message.timeouts, 32U));
    return std::max(message.last_sent, restarted_) +
           (rules_.resend_tick == Duration{0} && message.timeouts > 0
                ? std::min(doubled, std::max(rto, rules_.max_rto))
                : rto);
  }
  void send_due(bool tick) {
    if (!allowed_) {
      return;
    }
    for (auto& [sequence, message] : messages_) {
      if (message.at_once) {
        send(sequence, message);
      }
    }
    const bool look = tick || rules_.resend_tick == Duration{0};
    if (!look || messages_.empty()) {
      return;
    }
    Message& head = messages_.begin()->second;
    // A fresh message at a tick needs more than the RTO.
    if (tick && !head.sent_again ? head_deadline() < now_ : head_deadline() <= now_) {
      send(messages_.begin()->first, head);
    }
  }
  void send(std::int64_t sequence, Message& message) {
    const bool overdue = std::exchange(message.overdue, false);
    const bool timed_out = !std::exchange(message.at_once, false) || overdue;
    message.sent_again = !message.written || rules_.resend_restarts_timer;
    if (!message.written) {
      message.first_sent = now_;
      message.last_sent = now_;
      message.written = true;
    } else {
      ++message.resends;
      message.timeouts += timed_out ? 1U : 0U;
      if (rules_.resend_restarts_timer) {
        message.last_sent = now_;
      }
    }
    log.push_back(SendWindowScript::line(now_, sequence, message.resends, false));
  }

  SendRules rules_;
  RttEstimator rtt_;
  std::map<std::int64_t, Message> messages_;
  std::int64_t next_ = 0;
  Instant now_{};
  Instant restarted_{};
  bool seemed_slow_ = false;
  std::optional<Instant> first_use_;
  bool allowed_ = true;
};

/// Random adds, acknowledgements, waits, pauses and resumes, played to both.
void compare(const SendRules& rules, std::uint64_t seed) {
  Random random(seed);
  SendWindowScript window(rules);
  NaiveWindow naive(rules);
  double now = 0;
  for (int step = 0; step < 400; ++step) {
    const auto choice = random.below(100);
    if (choice < 40) {
      ASSERT_EQ(window.window().has_room(), naive.has_room());
      if (naive.has_room()) {
        const bool written = window.window().unwritten_waiting() == 0 && random.below(10) != 0;
        window.send(now, written);
        naive.add(written);
      }
    } else if (choice < 70) {
      // Near the front mostly, so that windows drain; now and then a number that is not in flight.
      const auto reach = static_cast<std::uint64_t>(window.window().next_sequence()) + 2;
      const auto back = random.below(std::min<std::uint64_t>(reach, 2 * rules.buffer_messages));
      const auto sequence = static_cast<std::int64_t>(reach - back) - 1;
      window.acknowledge(now, sequence);
      naive.acknowledge(sequence);
    } else if (choice < 96) {
      const auto ms = static_cast<int>(random.below(choice < 90 ? 40 : 700));
      naive.advance(ms);
      now += ms;
      window.run_until(now);
    } else if (choice < 98) {
      window.suspend(now);
      naive.suspend();
    } else {
      window.resume(now);
      naive.resume();
    }
    // Both say what is due at this instant before they are compared.
    naive.advance(0);
    window.run_until(now);
    ASSERT_EQ(window.take(), naive.log) << "step " << step;
    naive.log.clear();
    ASSERT_LE(window.window().in_flight(), rules.buffer_messages);
  }
}

class SendWindowProperty : public testing::Test {
 protected:
  void run(SendRules rules, std::uint64_t seeds = 150) {
    rules.resend_limit = 0;
    rules.resend_time_limit = Duration{0};
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      // Small buffers, so that they fill up and old messages are left behind.
      rules.buffer_messages = 1 + seed % 12;
      compare(rules, seed);
      if (HasFatalFailure() || HasNonfatalFailure()) {
        std::cout << "seed " << seed << "\n";
        return;
      }
    }
  }
};

TEST_F(SendWindowProperty, plugin_window_does_what_a_naive_one_does) {
  run(find_client_profile("plugin-1.2.677")->channel.send);
}

TEST_F(SendWindowProperty, agent_window_does_what_a_naive_one_does) {
  run(find_agent_profile("agent-3.3")->channel.send);
}

TEST_F(SendWindowProperty, strict_window_does_what_a_naive_one_does) {
  run(find_client_profile("strict")->channel.send);
}

// No profile combines these, but the rules may be combined freely.
TEST_F(SendWindowProperty, every_combination_of_rules_does_what_a_naive_window_does) {
  SendRules rules = find_client_profile("strict")->channel.send;
  for (unsigned bits = 0; bits < 32; ++bits) {
    rules.when_full = (bits & 1U) != 0 ? WhenFull::drop_oldest : WhenFull::drop_newest;
    rules.resend_tick = milliseconds((bits & 2U) != 0 ? 100 : 0);
    rules.resend_restarts_timer = (bits & 4U) != 0 || rules.resend_tick == Duration{0};
    rules.resend_all_on_resume = (bits & 8U) != 0;
    rules.karn = (bits & 16U) != 0;
    run(rules, 20);
  }
}

}  // namespace
}  // namespace ssm::protocol
