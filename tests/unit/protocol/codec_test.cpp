#include "ssm/protocol/codec.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "counting_allocator.hpp"
#include "ssm/protocol/random.hpp"

namespace ssm::protocol {
namespace {

constexpr std::array all_rules{strict_message_rules, plugin_message_rules, agent_message_rules,
                               pedantic_message_rules};

MessageHeader some_header() {
  return {.type = "input_stream_data",
          .created_date_ms = 1503434274948,
          .sequence_number = 1,
          .flags = 2,
          .message_id = Uuid::parse("dd01e56b-ff48-483e-a508-b5f073f31b16").value(),
          .payload_type = PayloadType::output};
}

std::vector<std::byte> to_vector(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

MessageHeader header_of(const MessageView& view) {
  return {.type = view.type_text,
          .created_date_ms = view.created_date_ms,
          .sequence_number = view.sequence_number,
          .flags = view.flags,
          .message_id = view.message_id,
          .payload_type = view.payload_type()};
}

struct Sample {
  MessageHeader header;
  std::vector<std::byte> payload;
};

Sample random_sample(Random& random) {
  Sample sample;
  sample.header = {.type = wire_name(static_cast<MessageType>(1 + random.below(11))),
                   .created_date_ms = random.next() | 1U,
                   .sequence_number = static_cast<std::int64_t>(random.next()),
                   .flags = random.next(),
                   .message_id = Uuid::random_v4(random),
                   .payload_type = static_cast<PayloadType>(random.below(14))};
  sample.payload.resize(1 + random.below(300));
  for (std::byte& b : sample.payload) {
    b = static_cast<std::byte>(random.below(256));
  }
  return sample;
}

/// Prints how to run a failing seed again.
class CodecProperty : public testing::TestWithParam<std::uint64_t> {
 protected:
  CodecProperty() : random_(GetParam()) { RecordProperty("seed", std::to_string(GetParam())); }
  ~CodecProperty() override {
    if (HasFailure()) {
      std::printf("seed %llu; again: codec_tests --gtest_filter='%s.%s'\n",
                  static_cast<unsigned long long>(GetParam()),
                  testing::UnitTest::GetInstance()->current_test_info()->test_suite_name(),
                  testing::UnitTest::GetInstance()->current_test_info()->name());
    }
  }
  CodecProperty(const CodecProperty&) = delete;
  CodecProperty& operator=(const CodecProperty&) = delete;

  Random random_;
};

INSTANTIATE_TEST_SUITE_P(Seeds, CodecProperty, testing::Range(std::uint64_t{1}, std::uint64_t{9}));

TEST_P(CodecProperty, encode_decode_encode_is_stable) {
  for (int i = 0; i < 200; ++i) {
    const Sample sample = random_sample(random_);
    const Frame frame = encode(sample.header, sample.payload).value();
    for (const MessageRules& rules : all_rules) {
      const Result<MessageView> view = parse(frame.bytes(), rules);
      ASSERT_TRUE(view.has_value()) << view.error().to_string();
      ASSERT_EQ(to_vector(view->payload), sample.payload);
      const Frame again = encode(header_of(*view), view->payload).value();
      ASSERT_EQ(to_vector(again.bytes()), to_vector(frame.bytes()));
    }
  }
}

TEST_P(CodecProperty, forms_decode_to_what_was_encoded) {
  for (int i = 0; i < 100; ++i) {
    Sample sample = random_sample(random_);
    sample.payload.resize(sample.payload.size() + 4);
    for (unsigned bits = 0; bits < 4; ++bits) {
      const EncodeForm form{.without_payload_type = (bits & 1U) != 0,
                            .nul_padding = (bits & 2U) != 0};
      const Frame frame = encode_form(sample.header, sample.payload, form).value();
      const MessageView view = parse(frame.bytes(), pedantic_message_rules).value();
      ASSERT_EQ(view.type_text, sample.header.type);
      ASSERT_EQ(to_vector(view.payload), sample.payload);
      ASSERT_EQ(view.payload_type(),
                form.without_payload_type ? PayloadType::none : sample.header.payload_type);
    }
  }
}

TEST_P(CodecProperty, any_changed_byte_decodes_or_fails) {
  const Sample sample = random_sample(random_);
  const Frame frame = encode(sample.header, sample.payload).value();
  std::vector<std::byte> bytes = to_vector(frame.bytes());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::byte original = bytes[i];
    bytes[i] ^= static_cast<std::byte>(1 + random_.below(255));
    for (const MessageRules& rules : all_rules) {
      const Result<MessageView> view = decode(bytes, rules);
      if (view) {
        ASSERT_LE(view->payload.data() + view->payload.size(), bytes.data() + bytes.size());
        static_cast<void>(validate(*view, rules));
      } else {
        ASSERT_EQ(view.error().code, Errc::payload_out_of_bounds) << "byte " << i;
      }
    }
    // The digest covers exactly itself and the payload.
    const bool digested = (i >= 80 && i < 112) || i >= payload_offset;
    if (digested) {
      const Result<MessageView> strict = parse(bytes, strict_message_rules);
      ASSERT_FALSE(strict.has_value());
      ASSERT_EQ(strict.error().code, Errc::digest_mismatch) << "byte " << i;
    }
    bytes[i] = original;
  }
}

TEST_P(CodecProperty, every_truncation_decodes_or_fails) {
  const Sample sample = random_sample(random_);
  const Frame frame = encode(sample.header, sample.payload).value();
  for (std::size_t size = 0; size < frame.size(); ++size) {
    // A copy of exactly this size, so that a sanitizer sees a read beyond it.
    const std::vector<std::byte> cut = to_vector(frame.bytes().first(size));
    for (const MessageRules& rules : all_rules) {
      const std::size_t least = rules.length_field_needs_payload ? 117 : 116;
      const Result<MessageView> view = decode(cut, rules);
      ASSERT_EQ(view.has_value(), size >= payload_offset) << size;
      if (!view) {
        ASSERT_EQ(view.error().code,
                  size < least ? Errc::truncated_header : Errc::payload_out_of_bounds)
            << size;
      }
    }
    ASSERT_FALSE(parse(cut, strict_message_rules).has_value());
  }
}

TEST_P(CodecProperty, arbitrary_bytes_never_crash) {
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::byte> bytes(random_.below(200));
    for (std::byte& b : bytes) {
      b = static_cast<std::byte>(random_.below(256));
    }
    if (bytes.size() >= 4 && random_.below(2) == 0) {
      store_big_endian(bytes, 0, static_cast<std::uint32_t>(random_.below(260)) - 8U);
    }
    for (const MessageRules& rules : all_rules) {
      const Result<MessageView> view = parse(bytes, rules);
      if (!view) {
        ASSERT_FALSE(view.error().to_string().empty());
      }
    }
  }
}

// --- encode ---------------------------------------------------------------------------------

TEST(Encode, refuses_an_empty_payload) {
  std::array<std::byte, 200> out{};
  EXPECT_EQ(encode(some_header(), {}, out).error().code, Errc::empty_payload);
  EXPECT_EQ(encode(some_header(), {}).error().code, Errc::empty_payload);
  EXPECT_EQ(encode_form(some_header(), {}, {}).error().code, Errc::empty_payload);
}

TEST(Encode, refuses_a_type_of_33_bytes_and_takes_32) {
  MessageHeader header = some_header();
  const std::string type(33, 't');
  header.type = type;
  const Result<Frame> refused = encode(header, as_bytes("x"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::message_type_too_long);
  EXPECT_NE(refused.error().to_string().find("expected at most 32 bytes, seen 33"),
            std::string::npos);
  header.type.remove_suffix(1);
  EXPECT_EQ(decode(encode(header, as_bytes("x")).value().bytes()).value().type_text, header.type);
}

TEST(Encode, refuses_the_nil_uuid) {
  MessageHeader header = some_header();
  header.message_id = {};
  EXPECT_EQ(encode(header, as_bytes("x")).error().code, Errc::nil_message_id);
}

TEST(Encode, refuses_a_buffer_one_byte_too_small) {
  std::array<std::byte, 124> out{};
  const Bytes payload = as_bytes("12345");
  const Result<std::size_t> refused = encode(some_header(), payload, out);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::buffer_too_small);
  EXPECT_EQ(refused.error().context, "expected 125 bytes, seen 124");
  EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST(Encode, leaves_the_rest_of_a_larger_buffer_alone) {
  std::vector<std::byte> out(200, std::byte{0xEE});
  EXPECT_EQ(encode(some_header(), as_bytes("12345"), out).value(), 125U);
  EXPECT_TRUE(
      std::all_of(out.begin() + 125, out.end(), [](std::byte b) { return b == std::byte{0xEE}; }));
}

TEST(Encode, of_a_payload_in_place_is_the_same_as_of_a_copy) {
  const std::string payload = "already where it belongs";
  std::vector<std::byte> out(encoded_size(payload.size()));
  std::copy_n(as_bytes(payload).begin(), payload.size(), out.begin() + payload_offset);
  const Bytes in_place = Bytes(out).subspan(payload_offset);
  ASSERT_EQ(encode(some_header(), in_place, out).value(), out.size());
  EXPECT_EQ(out, to_vector(encode(some_header(), as_bytes(payload)).value().bytes()));
}

TEST(Encode, moves_a_payload_from_elsewhere_in_the_buffer) {
  const std::string payload = "overlaps the header and its own new place";
  std::vector<std::byte> out(encoded_size(payload.size()));
  for (const std::size_t from : {std::size_t{0}, std::size_t{100}, std::size_t{119}}) {
    std::copy_n(as_bytes(payload).begin(), payload.size(),
                out.begin() + static_cast<std::ptrdiff_t>(from));
    const Bytes part = Bytes(out).subspan(from, payload.size());
    ASSERT_EQ(encode(some_header(), part, out).value(), out.size());
    EXPECT_EQ(out, to_vector(encode(some_header(), as_bytes(payload)).value().bytes())) << from;
  }
}

TEST(Encode, form_without_payload_type_has_header_length_112) {
  const Frame frame = encode_form(some_header(), as_bytes("{}..."),
                                  {.without_payload_type = true, .nul_padding = true})
                          .value();
  EXPECT_EQ(frame.size(), 121U);
  const MessageView view = parse(frame.bytes(), pedantic_message_rules).value();
  EXPECT_EQ(view.header_length, 112U);
  EXPECT_EQ(view.payload_type(), PayloadType::none);
  EXPECT_EQ(view.payload_type_field, 5U);  // the length, which stands where PayloadType would
  EXPECT_EQ(frame.bytes()[35], std::byte{0});
}

TEST(Encode, form_may_have_an_empty_payload) {
  const Frame frame = encode_form(some_header(), {}, {.allow_empty_payload = true}).value();
  EXPECT_EQ(frame.size(), payload_offset);
  EXPECT_TRUE(parse(frame.bytes(), pedantic_message_rules).has_value());
}

// --- validation: one rule set against another --------------------------------------------------

TEST(Validate, plugin_exempts_publication_control_and_the_agent_does_not) {
  MessageHeader header = some_header();
  header.created_date_ms = 0;
  for (const char* type : {"pause_publication", "start_publication"}) {
    header.type = type;
    const Frame frame = encode(header, as_bytes("x")).value();
    EXPECT_TRUE(parse(frame.bytes(), plugin_message_rules).has_value());
    EXPECT_EQ(parse(frame.bytes(), agent_message_rules).error().code, Errc::zero_created_date);
    EXPECT_EQ(parse(frame.bytes(), strict_message_rules).error().code, Errc::zero_created_date);
  }
}

TEST(Validate, digest_error_says_what_was_expected_and_seen) {
  std::vector<std::byte> bytes =
      to_vector(encode(some_header(), as_bytes("payload")).value().bytes());
  bytes[80] = std::byte{0};
  const Error error = parse(bytes, strict_message_rules).error();
  EXPECT_EQ(error.offset, 80U);
  EXPECT_EQ(error.to_string(),
            "PayloadDigest is not the SHA-256 of the payload at byte 80: expected "
            "239f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e5 for 7 payload bytes, "
            "seen 009f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e5");
}

TEST(Decode, out_of_bounds_error_says_what_was_expected_and_seen) {
  std::vector<std::byte> bytes =
      to_vector(encode(some_header(), as_bytes("payload")).value().bytes());
  store_big_endian(bytes, 0, std::uint32_t{124});
  const Error error = decode(bytes).error();
  EXPECT_EQ(error.code, Errc::payload_out_of_bounds);
  EXPECT_EQ(error.context,
            "expected HeaderLength of at most 123 in a message of 127 bytes, seen 124");
}

TEST(Error, conditions_are_portable) {
  EXPECT_EQ(Error(Errc::digest_mismatch).code, Condition::malformed);
  EXPECT_EQ(Error(Errc::unknown_schema_version).code, Condition::protocol_violation);
  EXPECT_EQ(Error(Errc::buffer_too_small).code, Condition::retryable);
  EXPECT_NE(Error(Errc::limit_reached).code, Condition::malformed);
}

TEST(Error, value_of_a_failed_result_throws_the_text) {
  try {
    static_cast<void>(Uuid::parse("x").value());
    FAIL() << "did not throw";
  } catch (const boost::system::system_error& error) {
    EXPECT_EQ(error.code(), Errc::malformed_uuid);
    EXPECT_NE(std::string(error.what()).find("expected 36 characters, seen 1"), std::string::npos);
  }
}

TEST(Error, every_code_has_a_text_of_its_own) {
  std::vector<std::string> texts;
  for (int value = 1; value <= static_cast<int>(Errc::bad_tag); ++value) {
    texts.push_back(make_error_code(static_cast<Errc>(value)).message());
    EXPECT_EQ(texts.back().find("unknown protocol error"), std::string::npos) << value;
  }
  std::sort(texts.begin(), texts.end());
  EXPECT_EQ(std::adjacent_find(texts.begin(), texts.end()), texts.end());
}

TEST(MessageType, names_map_both_ways) {
  for (int value = 1; value <= static_cast<int>(MessageType::data_channel_ready); ++value) {
    const auto type = static_cast<MessageType>(value);
    EXPECT_EQ(message_type_from(wire_name(type)), type);
  }
  EXPECT_EQ(message_type_from("bogus_type"), MessageType::unknown);
  EXPECT_EQ(message_type_from("ACKNOWLEDGE"), MessageType::unknown);
  EXPECT_EQ(message_type_from(""), MessageType::unknown);
  EXPECT_EQ(wire_name(MessageType::unknown), "");
}

TEST(PayloadType, has_a_name_for_people) {
  EXPECT_EQ(name(PayloadType::handshake_request), "handshake_request");
  EXPECT_EQ(name(static_cast<PayloadType>(13)), "unknown");
}

// --- cost -----------------------------------------------------------------------------------

TEST(CodecCost, encode_decode_and_validate_allocate_nothing) {
  ASSERT_TRUE(test::openssl_is_counted());
  const std::vector<std::byte> payload(1024, std::byte{0x5A});
  std::vector<std::byte> out(encoded_size(payload.size()));
  const MessageHeader header = some_header();
  ASSERT_TRUE(encode(header, payload, out).has_value());  // the thread's context is made once
  const test::AllocationCount count;
  for (int i = 0; i < 100; ++i) {
    const bool ok =
        encode(header, payload, out).has_value() && parse(out, strict_message_rules).has_value();
    if (!ok) {
      FAIL();
    }
  }
  EXPECT_EQ(count.since_start(), 0U);
}

TEST(CodecCost, frame_of_an_encoded_message_is_one_allocation) {
  const MessageHeader header = some_header();
  static_cast<void>(encode(header, as_bytes("payload")));
  const test::AllocationCount count;
  const Result<Frame> frame = encode(header, as_bytes("payload"));
  EXPECT_EQ(count.since_start(), 1U);
  EXPECT_TRUE(frame.has_value());
}

}  // namespace
}  // namespace ssm::protocol
