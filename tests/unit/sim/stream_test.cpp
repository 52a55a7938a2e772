#include "ssm/sim/stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace ssm::sim {
namespace {

using testing::HasSubstr;
using testing::Optional;

/// The text from `offset`, exactly `size` bytes.
std::string text_at(const StreamText& text, std::uint64_t offset, std::size_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    bytes += protocol::as_text(text.at(offset + bytes.size(), size - bytes.size()));
  }
  return bytes;
}

TEST(StreamText, is_printable_and_without_line_feeds) {
  const std::string bytes = text_at(StreamText(1), 0, 200'000);
  EXPECT_TRUE(std::all_of(bytes.begin(), bytes.end(), [](char c) { return c > ' ' && c <= '~'; }));
}

TEST(StreamText, is_the_same_in_whatever_pieces_it_is_read) {
  const StreamText text(1);
  const std::string whole = text_at(text, 0, 150'000);
  for (std::uint64_t offset = 0; offset + 1000 < whole.size(); offset += 997) {
    ASSERT_EQ(text_at(text, offset, 1000), whole.substr(offset, 1000)) << offset;
  }
}

TEST(StreamText, gives_at_least_one_byte_at_every_offset) {
  const StreamText text(1);
  for (std::uint64_t offset = 0; offset < 70'000; ++offset) {
    ASSERT_GE(text.at(offset, 10).size(), 1U) << offset;
  }
}

TEST(StreamText, of_two_keys_differs_early) {
  EXPECT_NE(text_at(StreamText(1), 0, 16), text_at(StreamText(2), 0, 16));
}

struct StreamCheckOf : testing::Test {
  StreamText text{7};
  StreamCheck check{text};

  std::optional<std::string> receive(std::uint64_t offset, std::size_t size) {
    return receive_text(text_at(text, offset, size));
  }
  std::optional<std::string> receive_text(const std::string& bytes) {
    return check.received(protocol::as_bytes(bytes));
  }
};

TEST_F(StreamCheckOf, the_right_bytes_has_nothing_to_say) {
  EXPECT_EQ(receive(0, 1), std::nullopt);
  EXPECT_EQ(receive(1, 99'999), std::nullopt);
  EXPECT_EQ(check.bytes(), 100'000U);
}

TEST_F(StreamCheckOf, a_duplicate_says_so) {
  receive(0, 3000);
  const auto wrong = receive(2000, 1000);
  EXPECT_THAT(wrong, Optional(HasSubstr("at offset 3000,")));
  EXPECT_THAT(wrong, Optional(HasSubstr("belongs at 2000: delivered again")));
  EXPECT_EQ(check.bytes(), 3000U);
}

TEST_F(StreamCheckOf, a_gap_says_so) {
  receive(0, 3000);
  const auto wrong = receive(4024, 1024);
  EXPECT_THAT(wrong, Optional(HasSubstr("at offset 3000,")));
  EXPECT_THAT(wrong, Optional(HasSubstr("belongs at 4024: something before it is missing")));
}

TEST_F(StreamCheckOf, foreign_bytes_says_so) {
  receive(0, 3000);
  EXPECT_THAT(receive_text("\r\ncommand not found\r\n"),
              Optional(HasSubstr("at offset 3000, seen bytes that were not sent")));
}

TEST_F(StreamCheckOf, an_error_inside_a_message_names_its_place) {
  // 100 right bytes, then the text goes on 50 bytes later.
  EXPECT_THAT(receive_text(text_at(text, 0, 100) + text_at(text, 150, 100)),
              Optional(HasSubstr("at offset 100, seen what belongs at 150: something")));
  EXPECT_EQ(check.bytes(), 100U);
}

TEST_F(StreamCheckOf, one_changed_byte_inside_a_message_is_not_taken_for_another_place) {
  std::string bytes = text_at(text, 0, 1000);
  bytes[500] = '\n';
  EXPECT_THAT(receive_text(bytes),
              Optional(HasSubstr("at offset 500, seen bytes that were not sent")));
}

TEST_F(StreamCheckOf, a_wrong_piece_too_short_to_place_says_that) {
  receive(0, 100);
  EXPECT_THAT(receive_text("\n"), Optional(HasSubstr("at offset 100, seen other bytes")));
}

TEST_F(StreamCheckOf, errors_tells_the_first_only) {
  EXPECT_NE(receive_text("\n\n\n\n\n\n\n\n\n\n"), std::nullopt);
  EXPECT_EQ(receive_text("\n\n\n\n\n\n\n\n\n\n"), std::nullopt);
  EXPECT_EQ(receive(0, 100), std::nullopt);
}

}  // namespace
}  // namespace ssm::sim
