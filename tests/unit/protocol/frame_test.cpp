#include "ssm/protocol/frame.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "counting_allocator.hpp"

namespace ssm::protocol {
namespace {

TEST(Frame, default_one_is_empty_and_owns_nothing) {
  const test::AllocationCount count;
  Frame frame;
  const Frame copy = frame;
  EXPECT_TRUE(copy.empty());
  EXPECT_TRUE(frame.bytes().empty());
  EXPECT_TRUE(frame.writable().empty());
  frame.truncate(0);
  EXPECT_TRUE(Frame::with_size(0).empty());
  EXPECT_TRUE(Frame::copy_of({}).empty());
  EXPECT_EQ(count.since_start(), 0U);
}

TEST(Frame, copy_of_copies_the_bytes) {
  std::string text = "some bytes";
  const Frame frame = Frame::copy_of(as_bytes(text));
  text[0] = 'X';
  EXPECT_EQ(as_text(frame.bytes()), "some bytes");
}

TEST(Frame, is_one_allocation_and_copies_are_none) {
  const test::AllocationCount count;
  const Frame frame = Frame::with_size(1024);
  EXPECT_EQ(count.since_start(), 1U);
  const Frame copy = frame;
  Frame assigned;
  assigned = copy;
  EXPECT_EQ(count.since_start(), 1U);
}

TEST(Frame, copies_share_the_bytes) {
  const Frame frame = Frame::copy_of(as_bytes("shared"));
  const Frame copy = frame;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(copy.bytes().data(), frame.bytes().data());
}

TEST(Frame, last_handle_frees_the_bytes) {
  const test::AllocationCount count;
  {
    std::optional<Frame> first = Frame::copy_of(as_bytes("kept"));
    const Frame second = *first;
    first.reset();
    EXPECT_EQ(as_text(second.bytes()), "kept");
    EXPECT_EQ(count.freed(), 0U);
  }
  EXPECT_EQ(count.freed(), 1U);
}

TEST(Frame, moved_from_one_is_empty) {
  Frame frame = Frame::copy_of(as_bytes("moved"));
  const Frame taken = std::move(frame);
  EXPECT_TRUE(frame.empty());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(as_text(taken.bytes()), "moved");
}

TEST(Frame, self_assignment_keeps_the_bytes) {
  Frame frame = Frame::copy_of(as_bytes("self"));
  const Frame& alias = frame;
  frame = alias;
  EXPECT_EQ(as_text(frame.bytes()), "self");
}

TEST(Frame, swap_exchanges) {
  Frame a = Frame::copy_of(as_bytes("a"));
  Frame b = Frame::copy_of(as_bytes("bb"));
  a.swap(b);
  EXPECT_EQ(as_text(a.bytes()), "bb");
  EXPECT_EQ(as_text(b.bytes()), "a");
}

TEST(Frame, writable_writes_through) {
  Frame frame = Frame::with_size(3);
  for (std::byte& b : frame.writable()) {
    b = std::byte{'z'};
  }
  EXPECT_EQ(as_text(frame.bytes()), "zzz");
}

TEST(Frame, truncate_keeps_the_front) {
  Frame frame = Frame::copy_of(as_bytes("front and back"));
  frame.truncate(5);
  EXPECT_EQ(as_text(frame.bytes()), "front");
  frame.truncate(0);
  EXPECT_TRUE(frame.empty());
}

TEST(FrameDeathTest, a_shared_frame_cannot_be_changed) {
  Frame frame = Frame::copy_of(as_bytes("shared"));
  const Frame other = frame;
  EXPECT_DEATH(static_cast<void>(frame.writable()), "internal error");
  EXPECT_DEATH(frame.truncate(1), "internal error");
}

TEST(FrameDeathTest, truncate_cannot_grow) {
  Frame frame = Frame::copy_of(as_bytes("abc"));
  EXPECT_DEATH(frame.truncate(4), "internal error");
}

TEST(Frame, becomes_writable_again_when_the_others_are_gone) {
  Frame frame = Frame::copy_of(as_bytes("abc"));
  {
    const Frame other = frame;
  }
  frame.writable()[0] = std::byte{'x'};
  EXPECT_EQ(as_text(frame.bytes()), "xbc");
}

TEST(Frame, handles_may_be_dropped_in_any_thread) {
  const test::AllocationCount count;
  {
    const Frame frame = Frame::copy_of(as_bytes("between threads"));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([mine = frame] {
        for (int n = 0; n < 1000; ++n) {
          const Frame copy = mine;
          ASSERT_EQ(copy.size(), 15U);
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(as_text(frame.bytes()), "between threads");
  }
  EXPECT_EQ(count.since_start(), count.freed());
}

TEST(FrameSlice, keeps_the_frame_alive) {
  std::optional<Frame> frame = Frame::copy_of(as_bytes("header payload"));
  const FrameSlice slice(*frame, frame->bytes().subspan(7));
  frame.reset();
  EXPECT_EQ(as_text(slice.bytes()), "payload");
}

TEST(FrameSlice, of_nothing_is_empty) {
  EXPECT_TRUE(FrameSlice().bytes().empty());
  EXPECT_TRUE(FrameSlice(Frame(), {}).bytes().empty());
}

TEST(FrameSliceDeathTest, must_lie_inside_the_frame) {
  const Frame frame = Frame::copy_of(as_bytes("inside"));
  const Frame other = Frame::copy_of(as_bytes("outside"));
  EXPECT_DEATH(FrameSlice(frame, other.bytes()), "internal error");
}

}  // namespace
}  // namespace ssm::protocol
