#include "detail/delayed_messages.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace ssm::service::detail {
namespace {

using namespace std::chrono_literals;
using protocol::Frame;
using protocol::Instant;
using protocol::Side;

Frame frame_of(std::string_view text) {
  return Frame::copy_of(std::as_bytes(std::span(text)));
}

/// What leaves at that time, in order.
std::string take_all(DelayedMessages& held, Instant now) {
  std::string text;
  while (const auto message = held.take_due(now)) {
    for (const auto byte : message->frame.bytes()) {
      text += static_cast<char>(byte);
    }
  }
  return text;
}

TEST(DelayedMessages, leave_at_their_time_and_not_before) {
  DelayedMessages held;
  const Instant start{};
  held.hold(Side::client, frame_of("a"), start + 2s);
  EXPECT_EQ(held.next(), start + 2s);
  EXPECT_EQ(take_all(held, start + 2s - 1ns), "");
  EXPECT_EQ(take_all(held, start + 2s), "a");
  EXPECT_EQ(held.next(), std::nullopt);
}

TEST(DelayedMessages, leave_by_time_and_then_as_they_came) {
  DelayedMessages held;
  const Instant start{};
  held.hold(Side::client, frame_of("c"), start + 2s);
  held.hold(Side::client, frame_of("a"), start + 1s);
  held.hold(Side::agent, frame_of("d"), start + 2s);
  held.hold(Side::client, frame_of("b"), start + 1s);
  EXPECT_EQ(take_all(held, start + 5s), "abcd");
}

TEST(DelayedMessages, are_full_by_number_for_each_end) {
  DelayedMessages held;
  for (std::size_t i = 0; i < DelayedMessages::max_messages; ++i) {
    ASSERT_FALSE(held.full(Side::agent));
    held.hold(Side::agent, {}, Instant{} + 1s);
  }
  EXPECT_TRUE(held.full(Side::agent));
  EXPECT_FALSE(held.full(Side::client));
  ASSERT_TRUE(held.take_due(Instant{} + 1s));
  EXPECT_FALSE(held.full(Side::agent));
}

TEST(DelayedMessages, are_full_by_size_for_each_end) {
  DelayedMessages held;
  const Frame half = Frame::with_size(DelayedMessages::max_bytes / 2);
  held.hold(Side::client, half, Instant{} + 1s);
  EXPECT_FALSE(held.full(Side::client));
  held.hold(Side::client, half, Instant{} + 1s);
  EXPECT_TRUE(held.full(Side::client));
  EXPECT_FALSE(held.full(Side::agent));
  ASSERT_TRUE(held.take_due(Instant{} + 1s));
  EXPECT_FALSE(held.full(Side::client));
}

}  // namespace
}  // namespace ssm::service::detail
