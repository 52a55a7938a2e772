#include "ssm/protocol/receive_window.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/random.hpp"

namespace ssm::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Place = ReceiveWindow::Place;

ReceiveRules plugin() {
  return find_client_profile("plugin-1.2.677")->channel.receive;
}
ReceiveRules agent() {
  return find_agent_profile("agent-3.3")->channel.receive;
}
ReceiveRules strict() {
  return find_client_profile("strict")->channel.receive;
}

Frame frame_of(std::string_view text) {
  return Frame::copy_of(as_bytes(text));
}

/// Receives as a role does and notes what is acknowledged ("ack 3") and handed on ("3 text").
class Receiver {
 public:
  explicit Receiver(const ReceiveRules& rules) : window(rules) {}

  std::vector<std::string> receive(std::int64_t sequence, std::string_view text) {
    std::vector<std::string> log;
    const Frame frame = frame_of(text);
    switch (window.offer(sequence, frame)) {
      case Place::in_order:
        log.push_back("ack " + std::to_string(sequence));
        hand_on(frame, log);
        while (const Frame* stored = window.next_stored()) {
          hand_on(*stored, log);
        }
        break;
      case Place::ahead:
        log.push_back("ack " + std::to_string(sequence));
        break;
      case Place::duplicate:
        log.emplace_back("duplicate");
        break;
      case Place::refused:
        log.emplace_back("refused");
        break;
    }
    return log;
  }

  ReceiveWindow window;

 private:
  void hand_on(const Frame& frame, std::vector<std::string>& log) {
    log.push_back(std::to_string(window.expected()) + " " + std::string(as_text(frame.bytes())));
    window.advance();
  }
};

//= SEQ-002
//= SEQ-003
TEST(ReceiveWindow, delivers_in_order_and_acks_what_it_holds) {
  for (const auto& rules : {plugin(), agent(), strict()}) {
    Receiver receiver(rules);
    EXPECT_THAT(receiver.receive(0, "a"), ElementsAre("ack 0", "0 a"));
    EXPECT_THAT(receiver.receive(3, "d"), ElementsAre("ack 3"));
    EXPECT_THAT(receiver.receive(2, "c"), ElementsAre("ack 2"));
    EXPECT_THAT(receiver.receive(1, "b"), ElementsAre("ack 1", "1 b", "2 c", "3 d"));
    EXPECT_EQ(receiver.window.stored(), 0U);
    EXPECT_EQ(receiver.window.stored_bytes(), 0U);
    EXPECT_EQ(receiver.window.expected(), 4);
  }
}

TEST(ReceiveWindow, stops_at_the_next_gap) {
  Receiver receiver(strict());
  receiver.receive(1, "b");
  receiver.receive(3, "d");
  EXPECT_THAT(receiver.receive(0, "a"), ElementsAre("ack 0", "0 a", "1 b"));
  EXPECT_EQ(receiver.window.expected(), 2);
  EXPECT_EQ(receiver.window.stored(), 1U);
}

//= SEQ-009
TEST(ReceiveWindow, a_number_that_was_delivered_is_a_duplicate) {
  Receiver receiver(strict());
  receiver.receive(0, "a");
  receiver.receive(1, "b");
  EXPECT_THAT(receiver.receive(0, "a"), ElementsAre("duplicate"));
  EXPECT_THAT(receiver.receive(1, "b"), ElementsAre("duplicate"));
  EXPECT_EQ(receiver.window.expected(), 2);
}

//= SEQ-011
TEST(ReceiveWindow, negative_numbers_are_duplicates) {
  Receiver receiver(strict());
  EXPECT_THAT(receiver.receive(-1, "x"), ElementsAre("duplicate"));
  EXPECT_THAT(receiver.receive(INT64_MIN, "x"), ElementsAre("duplicate"));
  EXPECT_THAT(receiver.receive(0, "a"), ElementsAre("ack 0", "0 a"));
}

//= SEQ-010
TEST(ReceiveWindow, a_second_copy_replaces_the_first_and_adjusts_the_bytes) {
  for (const auto& rules : {plugin(), agent(), strict()}) {
    Receiver receiver(rules);
    EXPECT_THAT(receiver.receive(1, "first"), ElementsAre("ack 1"));
    EXPECT_EQ(receiver.window.stored_bytes(), 5U);
    EXPECT_THAT(receiver.receive(1, "the second"), ElementsAre("ack 1"));
    EXPECT_EQ(receiver.window.stored_bytes(), 10U);
    EXPECT_EQ(receiver.window.stored(), 1U);
    EXPECT_THAT(receiver.receive(0, "a"), ElementsAre("ack 0", "0 a", "1 the second"));
  }
}

TEST(ReceiveWindow, the_expected_message_itself_wins_over_a_stored_copy) {
  ReceiveWindow window(strict());
  window.offer(1, frame_of("stored"));
  window.offer(0, frame_of("a"));
  window.advance();
  // Its handler was not ready, and the peer sent it again.
  EXPECT_EQ(window.offer(1, frame_of("again")), Place::in_order);
  window.advance();
  EXPECT_EQ(window.stored(), 0U);
  EXPECT_EQ(window.stored_bytes(), 0U);
  EXPECT_EQ(window.next_stored(), nullptr);
}

//= SEQ-015
TEST(ReceiveWindow, a_message_whose_handler_is_not_ready_stays_stored) {
  ReceiveWindow window(agent());
  window.offer(1, frame_of("b"));
  window.advance();
  ASSERT_NE(window.next_stored(), nullptr);
  ASSERT_NE(window.next_stored(), nullptr);
  EXPECT_EQ(as_text(window.next_stored()->bytes()), "b");
  EXPECT_EQ(window.stored(), 1U);
}

//= SEQ-006
TEST(ReceiveWindow, holds_a_number_any_distance_ahead) {
  Receiver receiver(strict());
  EXPECT_THAT(receiver.receive(5000, "x"), ElementsAre("ack 5000"));
  EXPECT_EQ(receiver.window.offer(INT64_MAX, frame_of("y")), Place::ahead);
  EXPECT_EQ(receiver.window.offer(INT64_MAX - 1, frame_of("z")), Place::ahead);
  EXPECT_EQ(receiver.window.stored(), 3U);
  EXPECT_THAT(receiver.receive(0, "a"), ElementsAre("ack 0", "0 a"));
}

//= SEQ-004
TEST(ReceiveWindow, client_holds_10000_and_refuses_the_next) {
  for (const auto& rules : {plugin(), strict()}) {
    Receiver receiver(rules);
    for (std::int64_t i = 1; i <= 10'000; ++i) {
      ASSERT_EQ(receiver.window.offer(i, frame_of("x")), Place::ahead);
    }
    EXPECT_THAT(receiver.receive(10'001, "x"), ElementsAre("refused"));
    EXPECT_EQ(receiver.window.stored(), 10'000U);
    EXPECT_EQ(receiver.receive(0, "a").size(), 1 + 10'001U);
    EXPECT_THAT(receiver.receive(10'001, "x"), ElementsAre("ack 10001", "10001 x"));
  }
}

//= SEQ-005
TEST(ReceiveWindow, agent_holds_100000_and_refuses_the_next) {
  for (const auto& rules : {agent(), find_agent_profile("strict")->channel.receive}) {
    ReceiveWindow window(rules);
    for (std::int64_t i = 1; i <= 100'000; ++i) {
      ASSERT_EQ(window.offer(i, frame_of("x")), Place::ahead);
    }
    EXPECT_EQ(window.offer(100'001, frame_of("x")), Place::refused);
  }
}

TEST(ReceiveWindow, full_references_refuse_copies_and_strict_acks_them_again) {
  for (ReceiveRules rules : {plugin(), agent(), strict()}) {
    rules.buffer_messages = 2;
    ReceiveWindow window(rules);
    window.offer(1, frame_of("b"));
    window.offer(2, frame_of("c"));
    const Place expected = rules.refuse_copies_when_full ? Place::refused : Place::ahead;
    EXPECT_EQ(window.offer(1, frame_of("b")), expected);
    EXPECT_EQ(window.offer(3, frame_of("d")), Place::refused);
    EXPECT_EQ(window.offer(0, frame_of("a")), Place::in_order) << "the gap can always be filled";
  }
}

TEST(ReceiveWindow, strict_holds_a_bounded_number_of_bytes) {
  ReceiveRules rules = strict();
  rules.buffer_bytes = 10;
  ReceiveWindow window(rules);
  EXPECT_EQ(window.offer(1, frame_of("12345")), Place::ahead);
  EXPECT_EQ(window.offer(2, frame_of("123456")), Place::refused);
  EXPECT_EQ(window.offer(2, frame_of("12345")), Place::ahead);
  EXPECT_EQ(window.offer(3, frame_of("1")), Place::refused);
  EXPECT_EQ(window.offer(2, frame_of("123456")), Place::refused) << "a larger copy";
  EXPECT_EQ(window.offer(2, frame_of("54321")), Place::ahead) << "a copy of the same size";
  EXPECT_EQ(window.stored_bytes(), 10U);
  EXPECT_EQ(window.offer(0, frame_of(std::string(100, 'x'))), Place::in_order)
      << "the expected message needs no room";
}

TEST(ReceiveWindow, references_have_no_limit_in_bytes) {
  const Frame large = Frame::with_size(1024 * 1024);
  for (const auto& rules : {plugin(), agent()}) {
    ReceiveWindow window(rules);
    for (std::int64_t i = 1; i <= 64; ++i) {
      ASSERT_EQ(window.offer(i, large), Place::ahead);
    }
  }
}

//= RESUME-018
TEST(ReceiveWindow, keeps_what_a_stored_frame_was_given_as) {
  ReceiveWindow window(strict());
  {
    Frame frame = frame_of("kept");
    window.offer(1, frame);
    frame = frame_of("over");
  }
  window.advance();
  ASSERT_NE(window.next_stored(), nullptr);
  EXPECT_EQ(as_text(window.next_stored()->bytes()), "kept");
}

/// A peer that loses, repeats and reorders within a few hundred numbers of the front.
void deliver_a_shuffled_stream(std::uint64_t seed) {
  Random random(seed);
  ReceiveRules rules = strict();
  rules.buffer_messages = 1 + random.below(50);
  rules.buffer_bytes = 1 + random.below(600);
  Receiver receiver(rules);
  constexpr std::int64_t messages = 500;
  std::vector<std::string> delivered;
  std::map<std::int64_t, std::size_t> held;
  while (receiver.window.expected() < messages) {
    const std::int64_t expected = receiver.window.expected();
    const auto sequence = expected - 5 + static_cast<std::int64_t>(random.below(25));
    if (sequence >= messages) {
      continue;
    }
    const std::string text = std::to_string(sequence) + std::string(random.below(20), '.');
    const auto log = receiver.receive(sequence, text);
    if (log.front() == "ack " + std::to_string(sequence) && sequence > expected) {
      held[sequence] = text.size();
    }
    for (std::size_t i = 1; i < log.size(); ++i) {
      delivered.push_back(log[i]);
    }
    std::erase_if(held,
                  [&](const auto& entry) { return entry.first < receiver.window.expected(); });
    std::size_t bytes = 0;
    for (const auto& entry : held) {
      bytes += entry.second;
    }
    ASSERT_EQ(receiver.window.stored(), held.size());
    ASSERT_EQ(receiver.window.stored_bytes(), bytes);
    ASSERT_LE(held.size(), rules.buffer_messages);
    ASSERT_LE(bytes, rules.buffer_bytes);
  }
  ASSERT_EQ(delivered.size(), static_cast<std::size_t>(messages));
  for (std::int64_t i = 0; i < messages; ++i) {
    const std::string number = std::to_string(i);
    ASSERT_TRUE(delivered[static_cast<std::size_t>(i)].starts_with(number + " " + number));
  }
}

TEST(ReceiveWindow, every_shuffled_stream_arrives_once_and_in_order) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    deliver_a_shuffled_stream(seed);
    if (testing::Test::HasFailure()) {
      std::cout << "seed " << seed << "\n";
      return;
    }
  }
}

}  // namespace
}  // namespace ssm::protocol
