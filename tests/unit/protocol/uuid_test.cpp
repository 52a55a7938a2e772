#include "ssm/protocol/uuid.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "ssm/protocol/codec.hpp"

namespace ssm::protocol {
namespace {

constexpr const char* example = "dd01e56b-ff48-483e-a508-b5f073f31b16";

TEST(Uuid, text_is_lower_case_and_hyphenated) {
  const Uuid uuid = Uuid::parse("DD01E56B-FF48-483E-A508-B5F073F31B16").value();
  EXPECT_EQ(uuid.to_string(), example);
}

TEST(Uuid, bytes_are_in_the_order_of_the_text) {
  const Uuid uuid = Uuid::parse(example).value();
  EXPECT_EQ(uuid.bytes.front(), std::byte{0xdd});
  EXPECT_EQ(uuid.bytes.back(), std::byte{0x16});
}

TEST(Uuid, write_text_fills_36_characters_and_no_more) {
  std::string text(38, '#');
  Uuid::parse(example).value().write_text(text.data() + 1);
  EXPECT_EQ(text, "#" + std::string(example) + "#");
}

TEST(Uuid, refuses_text_of_another_length) {
  for (const char* text :
       {"", "dd01e56b", "dd01e56bff48483ea508b5f073f31b16",
        "{dd01e56b-ff48-483e-a508-b5f073f31b16}", "dd01e56b-ff48-483e-a508-b5f073f31b1"}) {
    const Result<Uuid> uuid = Uuid::parse(text);
    ASSERT_FALSE(uuid.has_value()) << text;
    EXPECT_EQ(uuid.error().code, Errc::malformed_uuid);
    EXPECT_NE(uuid.error().to_string().find("expected 36 characters"), std::string::npos);
  }
}

TEST(Uuid, names_the_place_of_a_wrong_character) {
  const auto offset_of = [](std::size_t at, char c) {
    std::string text = example;
    text[at] = c;
    const Result<Uuid> uuid = Uuid::parse(text);
    EXPECT_FALSE(uuid.has_value()) << text;
    return uuid.has_value() ? SIZE_MAX : uuid.error().offset;
  };
  EXPECT_EQ(offset_of(1, 'g'), 1U);
  EXPECT_EQ(offset_of(8, '0'), 8U);
  EXPECT_EQ(offset_of(23, ' '), 23U);
  EXPECT_EQ(offset_of(35, '-'), 35U);
  EXPECT_EQ(offset_of(9, '\xff'), 9U);
}

TEST(Uuid, only_all_zero_is_nil) {
  EXPECT_TRUE(Uuid{}.is_nil());
  EXPECT_TRUE(Uuid::parse("00000000-0000-0000-0000-000000000000").value().is_nil());
  EXPECT_FALSE(Uuid::parse("00000000-0000-0000-0000-000000000001").value().is_nil());
}

TEST(Uuid, random_ones_are_version_4_and_differ) {
  Random random(1);
  Uuid last;
  for (int i = 0; i < 1000; ++i) {
    const Uuid uuid = Uuid::random_v4(random);
    const std::string text = uuid.to_string();
    EXPECT_EQ(text[14], '4') << text;
    EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos) << text;
    EXPECT_NE(uuid, last);
    EXPECT_EQ(Uuid::parse(text).value(), uuid);
    last = uuid;
  }
}

TEST(Uuid, low_half_is_first_on_the_wire) {
  const MessageHeader header{
      .type = "acknowledge", .created_date_ms = 1, .message_id = Uuid::parse(example).value()};
  const Frame frame = encode(header, as_bytes("x")).value();
  constexpr std::array<unsigned, 16> wire{0xa5, 0x08, 0xb5, 0xf0, 0x73, 0xf3, 0x1b, 0x16,
                                          0xdd, 0x01, 0xe5, 0x6b, 0xff, 0x48, 0x48, 0x3e};
  for (std::size_t i = 0; i < wire.size(); ++i) {
    EXPECT_EQ(std::to_integer<unsigned>(frame.bytes()[64 + i]), wire[i]) << "byte " << 64 + i;
  }
  EXPECT_EQ(decode(frame.bytes()).value().message_id.to_string(), example);
}

}  // namespace
}  // namespace ssm::protocol
