#include "ssm/protocol/acknowledge.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "counting_allocator.hpp"
#include "mutation.hpp"

namespace ssm::protocol {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view id_text = "dd01e56b-ff48-483e-a508-b5f073f31b16";
constexpr std::string_view example =
    R"({"AcknowledgedMessageType":"output_stream_data",)"
    R"("AcknowledgedMessageId":"dd01e56b-ff48-483e-a508-b5f073f31b16",)"
    R"("AcknowledgedMessageSequenceNumber":2,"IsSequentialMessage":true})";

Acknowledge example_value() {
  Acknowledge value;
  value.message_type = "output_stream_data";
  value.message_id = id_text;
  value.sequence_number = 2;
  return value;
}

std::string write(std::string_view type, std::int64_t sequence) {
  std::array<std::byte, acknowledge_size_max> buffer{};
  const std::size_t size = write_acknowledge(type, Uuid::parse(id_text).value(), sequence, buffer);
  return std::string(as_text(Bytes(buffer).first(size)));
}

/// The same payload in a form that only the general parser takes: a space is put in front.
std::string slow_form(std::string_view payload) {
  return " " + std::string(payload);
}

void expect_agreement(std::string_view payload) {
  const Result<Acknowledge> fast = parse_acknowledge(as_bytes(payload));
  const Result<Acknowledge> slow = parse_acknowledge(as_bytes(slow_form(payload)));
  const Result<std::int64_t> sequence = parse_acknowledged_sequence(as_bytes(payload));
  ASSERT_EQ(fast.has_value(), slow.has_value()) << payload;
  ASSERT_EQ(fast.has_value(), sequence.has_value()) << payload;
  if (fast) {
    EXPECT_EQ(*fast, *slow) << payload;
    EXPECT_EQ(fast->sequence_number, *sequence) << payload;
  } else {
    EXPECT_EQ(fast.error().code, slow.error().code) << payload;
    EXPECT_EQ(fast.error().code, sequence.error().code) << payload;
  }
}

//= ACK-002
TEST(Acknowledge, is_written_as_the_references_write_it) {
  EXPECT_EQ(example.size(), 176U);
  EXPECT_EQ(serialize(example_value()), example);
  EXPECT_EQ(write("output_stream_data", 2), example);
}

TEST(Acknowledge, is_read_as_written) {
  const Result<Acknowledge> acknowledge = parse_acknowledge(as_bytes(example));
  ASSERT_TRUE(acknowledge);
  EXPECT_EQ(*acknowledge, example_value());
}

TEST(Acknowledge, gives_its_sequence_number_alone) {
  const Result<std::int64_t> sequence = parse_acknowledged_sequence(as_bytes(example));
  ASSERT_TRUE(sequence);
  EXPECT_EQ(*sequence, 2);
}

TEST(Acknowledge, is_read_with_other_member_order_and_spaces) {
  const Result<Acknowledge> acknowledge = parse_acknowledge(
      as_bytes(R"({"isSequentialMessage": true, "AcknowledgedMessageSequenceNumber": 2, )"
               R"("AcknowledgedMessageId": "dd01e56b-ff48-483e-a508-b5f073f31b16", )"
               R"("AcknowledgedMessageType": "output_stream_data"})"));
  ASSERT_TRUE(acknowledge) << acknowledge.error().to_string();
  EXPECT_EQ(*acknowledge, example_value());
}

TEST(Acknowledge, without_members_is_for_number_zero_and_not_sequential) {
  const Result<Acknowledge> acknowledge = parse_acknowledge(as_bytes("{}"));
  ASSERT_TRUE(acknowledge);
  EXPECT_EQ(acknowledge->sequence_number, 0);
  EXPECT_FALSE(acknowledge->is_sequential);
}

TEST(Acknowledge, names_the_field_that_is_wrong) {
  const Result<std::int64_t> sequence =
      parse_acknowledged_sequence(as_bytes(R"({"AcknowledgedMessageSequenceNumber":2.0})"));
  ASSERT_TRUE(sequence.has_error());
  EXPECT_EQ(sequence.error().code, make_error_code(Errc::malformed_field));
  EXPECT_EQ(sequence.error().context.substr(0, 34), "AcknowledgedMessageSequenceNumber:");
}

TEST(Acknowledge, written_without_allocation_equals_serialize_for_all_numbers_and_types) {
  const std::string every_byte_escaped(message_type_size, '\x01');
  for (const std::string& type :
       {std::string("input_stream_data"), std::string(), std::string("<&>\"\\"), every_byte_escaped,
        std::string("\xFF\u2028")}) {
    for (const std::int64_t sequence :
         {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max(),
          std::numeric_limits<std::int64_t>::min()}) {
      Acknowledge value = example_value();
      value.message_type = type;
      value.sequence_number = sequence;
      EXPECT_EQ(write(type, sequence), serialize(value));
    }
  }
}

TEST(Acknowledge, is_written_without_allocating) {
  std::array<std::byte, acknowledge_size_max> buffer{};
  const Uuid id = Uuid::parse(id_text).value();
  const test::AllocationCount count;
  const std::size_t size = write_acknowledge("output_stream_data", id, 2, buffer);
  EXPECT_EQ(count.since_start(), 0U);
  EXPECT_EQ(size, example.size());
}

TEST(Acknowledge, gives_its_sequence_number_without_allocating) {
  const test::AllocationCount count;
  const Result<std::int64_t> sequence = parse_acknowledged_sequence(as_bytes(example));
  EXPECT_EQ(count.since_start(), 0U);
  EXPECT_EQ(*sequence, 2);
}

TEST(Acknowledge, needs_all_its_stated_room_for_the_longest_case) {
  const std::string every_byte_escaped(message_type_size, '\x01');
  EXPECT_EQ(write(every_byte_escaped, std::numeric_limits<std::int64_t>::min()).size(),
            acknowledge_size_max);
}

TEST(AcknowledgeDeathTest, refuses_a_buffer_that_might_be_too_small) {
  std::array<std::byte, acknowledge_size_max - 1> buffer{};
  EXPECT_DEATH(write_acknowledge("output_stream_data", Uuid{}, 0, buffer), "internal error");
}

TEST(Acknowledge, numbers_near_the_limits_read_the_same_either_way) {
  for (const char* const number :
       {"0", "-0", "00", "01", "-01", "-1", "-", "", "+1", "1.0", "1e0", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "null", "true",
        "\"2\"", "99999999999999999999999999"}) {
    std::string payload(example);
    payload.replace(payload.find(":2,"), 3, ":" + std::string(number) + ",");
    expect_agreement(payload);
  }
}

TEST(Acknowledge, truncated_at_any_byte_is_malformed_either_way) {
  for (std::size_t size = 0; size < example.size(); ++size) {
    const std::string_view payload = example.substr(0, size);
    expect_agreement(payload);
    EXPECT_TRUE(parse_acknowledge(as_bytes(payload)).has_error()) << payload;
  }
}

TEST(Acknowledge, with_any_byte_replaced_reads_the_same_either_way) {
  constexpr std::string_view replacements = "\"\\{}[],: 019-+.eEat'/\n\t\0\x1F\x7F\x80\xC3\xFF"sv;
  for (std::size_t at = 0; at < example.size(); ++at) {
    for (const char replacement : replacements) {
      std::string payload(example);
      payload[at] = replacement;
      expect_agreement(payload);
    }
  }
}

TEST(Acknowledge, damaged_at_random_reads_the_same_either_way) {
  test::Mutation mutation({"\"",
                           "\\",
                           "\\\"",
                           "\\u0041",
                           "\\ud800",
                           "{",
                           "}",
                           "[",
                           "]",
                           ",",
                           ":",
                           "0",
                           "-",
                           "1",
                           "e",
                           ".",
                           " ",
                           "true",
                           "false",
                           "null",
                           "\xFF",
                           "\xC5\xBF",
                           "\"AcknowledgedMessageSequenceNumber\":7,",
                           "\"acknowledgedmessagetype\":\"x\",",
                           ",\"IsSequentialMessage\":false"});
  for (int run = 0; run < 10'000 && !testing::Test::HasFailure(); ++run) {
    expect_agreement(mutation.apply(std::string(example)));
  }
}

}  // namespace
}  // namespace ssm::protocol
