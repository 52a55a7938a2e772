// Memory of the windows, whatever the peer does: counted in blocks, of which a deque needs one for
// every few messages.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "counting_allocator.hpp"
#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/receive_window.hpp"
#include "ssm/protocol/send_window.hpp"

namespace ssm::protocol {
namespace {

std::size_t blocks_in_use() {
  return test::allocations() - test::deallocations();
}

TEST(WindowMemory, a_peer_that_never_acknowledges_one_message_cannot_make_the_window_grow) {
  for (const WhenFull when_full : {WhenFull::drop_oldest, WhenFull::drop_newest}) {
    SendRules rules = find_agent_profile("agent-3.3")->channel.send;
    rules.when_full = when_full;
    rules.buffer_messages = 100;
    const Frame frame = Frame::with_size(1);
    const std::size_t before = blocks_in_use();
    SendWindow window(rules);
    window.add(frame, Instant{}, true);
    for (int i = 0; i < 100'000; ++i) {
      const std::int64_t sequence = window.next_sequence();
      window.add(frame, Instant{}, true);
      window.acknowledge(sequence, Instant{});
    }
    EXPECT_EQ(window.in_flight(), 1U);
    EXPECT_LT(blocks_in_use() - before, 50U);
  }
}

TEST(WindowMemory, messages_that_are_never_acknowledged_are_bounded) {
  for (const WhenFull when_full : {WhenFull::drop_oldest, WhenFull::drop_newest}) {
    SendRules rules = find_agent_profile("agent-3.3")->channel.send;
    rules.when_full = when_full;
    rules.buffer_messages = 100;
    const Frame frame = Frame::with_size(1);
    const std::size_t before = blocks_in_use();
    SendWindow window(rules);
    for (int i = 0; i < 100'000; ++i) {
      window.add(frame, Instant{}, true);
    }
    EXPECT_EQ(window.in_flight(), 100U);
    EXPECT_LT(blocks_in_use() - before, 200U);
  }
}

TEST(WindowMemory, acknowledged_frames_are_released) {
  const std::size_t before = blocks_in_use();
  SendWindow window(find_client_profile("strict")->channel.send);
  const std::size_t empty = blocks_in_use();
  for (int i = 0; i < 1000; ++i) {
    window.add(Frame::with_size(100), Instant{}, true);
  }
  EXPECT_GE(blocks_in_use() - before, 1000U);
  for (std::int64_t i = 999; i > 0; --i) {
    window.acknowledge(i, Instant{});
  }
  EXPECT_LT(blocks_in_use() - empty, 100U) << "although the oldest is still there";
}

//= SEQ-006
TEST(WindowMemory, a_number_far_ahead_costs_as_much_as_a_near_one) {
  const Frame frame = Frame::with_size(1);
  ReceiveWindow window(find_client_profile("strict")->channel.receive);
  const std::size_t before = blocks_in_use();
  window.offer(1, frame);
  const std::size_t near = blocks_in_use() - before;
  window.offer(INT64_MAX, frame);
  EXPECT_EQ(blocks_in_use() - before, 2 * near);
}

TEST(WindowMemory, a_receiver_holds_no_more_than_its_limit) {
  ReceiveRules rules = find_client_profile("strict")->channel.receive;
  rules.buffer_messages = 100;
  const std::size_t before = blocks_in_use();
  ReceiveWindow window(rules);
  for (std::int64_t i = 1; i <= 10'000; ++i) {
    window.offer(i * 1'000'003, Frame::with_size(1));
  }
  EXPECT_EQ(window.stored(), 100U);
  EXPECT_LE(blocks_in_use() - before, 200U);
}

}  // namespace
}  // namespace ssm::protocol
