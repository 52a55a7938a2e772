#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ssm/protocol/codec.hpp"
#include "vector_file.hpp"

namespace {

using namespace ssm::protocol;
using ssm::golden::from_hex;
using ssm::golden::load_vectors;
using ssm::golden::Vector;

struct RuleSet {
  const char* name;
  MessageRules rules;
};
constexpr std::array rule_sets{
    RuleSet{"strict", strict_message_rules}, RuleSet{"plugin", plugin_message_rules},
    RuleSet{"agent", agent_message_rules}, RuleSet{"pedantic", pedantic_message_rules}};

const char* error_name(const Error& error) {
  if (error.code.category() != protocol_category()) {
    return "error of another category";
  }
  switch (static_cast<Errc>(error.code.value())) {
    case Errc::truncated_header:
      return "truncated_header";
    case Errc::payload_out_of_bounds:
      return "payload_out_of_bounds";
    case Errc::zero_header_length:
      return "zero_header_length";
    case Errc::unknown_header_length:
      return "unknown_header_length";
    case Errc::blank_message_type:
      return "blank_message_type";
    case Errc::zero_created_date:
      return "zero_created_date";
    case Errc::unknown_schema_version:
      return "unknown_schema_version";
    case Errc::payload_length_mismatch:
      return "payload_length_mismatch";
    case Errc::digest_mismatch:
      return "digest_mismatch";
    default:
      return "error that no receiver may report";
  }
}

template <class Integer>
Integer number(const Vector& vector, const std::string& key) {
  const std::string& text = vector.at(key);
  Integer value{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
    throw std::runtime_error(vector.at("name") + ": bad number in " + key);
  }
  return value;
}

std::vector<std::byte> to_vector(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

/// Where a failure is reported: file, line and name of the vector, and the rules in use.
std::string place(const std::string& file, const Vector& vector, const char* rules = "") {
  return file + ":" + std::to_string(vector.line) + " " + vector.at("name") + " " + rules;
}

class GoldenFile : public testing::TestWithParam<const char*> {
 protected:
  GoldenFile() : path_(std::string(SSM_SOURCE_DIR "/tests/golden/") + GetParam()) {
    vectors_ = load_vectors(path_);
  }

  std::string path_;
  std::vector<Vector> vectors_;
};

TEST_P(GoldenFile, has_vectors_with_unique_names) {
  std::set<std::string> names;
  for (const Vector& vector : vectors_) {
    EXPECT_TRUE(names.insert(vector.at("name")).second) << place(path_, vector);
  }
  EXPECT_GE(names.size(), 12U);
}

TEST_P(GoldenFile, verdicts_are_as_stated_under_every_rule_set) {
  for (const Vector& vector : vectors_) {
    const auto message = from_hex(vector.at("message"));
    for (const auto& [name, rules] : rule_sets) {
      const Result<MessageView> parsed = parse(message, rules);
      EXPECT_EQ(parsed ? "accept" : error_name(parsed.error()), vector.at(name))
          << place(path_, vector, name) << (parsed ? "" : ": " + parsed.error().to_string());
    }
  }
}

void expect_fields(const Vector& vector, Bytes message, const MessageView& view, bool is_agent) {
  EXPECT_EQ(view.header_length, number<std::uint32_t>(vector, "header_length"));
  const auto type = from_hex(vector.at("message_type_hex"));
  EXPECT_EQ(view.type_text, as_text(type));
  EXPECT_EQ(view.type, message_type_from(as_text(type)));
  EXPECT_EQ(view.schema_version, number<std::uint32_t>(vector, "schema_version"));
  EXPECT_EQ(view.created_date_ms, number<std::uint64_t>(vector, "created_date"));
  EXPECT_EQ(view.sequence_number, number<std::int64_t>(vector, "sequence_number"));
  EXPECT_EQ(view.flags, number<std::uint64_t>(vector, "flags"));
  EXPECT_EQ(view.message_id.to_string(), vector.at("message_id"));
  EXPECT_EQ(view.payload_type_field, number<std::uint32_t>(vector, "payload_type"));
  const bool differs = is_agent && vector.has("payload_length_agent");
  EXPECT_EQ(view.payload_length_field,
            number<std::uint32_t>(vector, differs ? "payload_length_agent" : "payload_length"));
  EXPECT_EQ(view.payload.data() - message.data(), number<std::ptrdiff_t>(vector, "payload_offset"));
  EXPECT_EQ(view.payload.size(), number<std::size_t>(vector, "payload_size"));
  if (vector.has("digest")) {
    EXPECT_EQ(to_vector(view.digest), from_hex(vector.at("digest")));
  }
  if (vector.has("payload_sha256")) {
    EXPECT_EQ(to_vector(sha256(view.payload)), from_hex(vector.at("payload_sha256")));
  }
}

TEST_P(GoldenFile, decoded_fields_are_as_stated) {
  for (const Vector& vector : vectors_) {
    const auto message = from_hex(vector.at("message"));
    for (const auto& [name, rules] : rule_sets) {
      SCOPED_TRACE(place(path_, vector, name));
      const std::string& verdict = vector.at(name);
      const bool decodable = verdict != "truncated_header" && verdict != "payload_out_of_bounds";
      const Result<MessageView> view = decode(message, rules);
      ASSERT_EQ(view.has_value(), decodable);
      if (view) {
        expect_fields(vector, message, *view, rules == agent_message_rules);
      }
    }
  }
}

TEST_P(GoldenFile, encoder_writes_the_same_bytes) {
  std::size_t encoded = 0;
  for (const Vector& vector : vectors_) {
    if (!vector.has("encode")) {
      continue;
    }
    SCOPED_TRACE(place(path_, vector));
    const std::string& form = vector.at("encode");
    const auto has_word = [&](const char* word) { return form.find(word) != std::string::npos; };
    const auto message = from_hex(vector.at("message"));
    const auto type = from_hex(vector.at("message_type_hex"));
    const MessageHeader header{
        .type = as_text(type),
        .created_date_ms = number<std::uint64_t>(vector, "created_date"),
        .sequence_number = number<std::int64_t>(vector, "sequence_number"),
        .flags = number<std::uint64_t>(vector, "flags"),
        .message_id = Uuid::parse(vector.at("message_id")).value(),
        .payload_type = static_cast<PayloadType>(number<std::uint32_t>(vector, "payload_type"))};
    const Bytes payload = Bytes(message).subspan(number<std::size_t>(vector, "payload_offset"));
    const Result<Frame> frame =
        form == "standard" ? encode(header, payload)
                           : encode_form(header, payload,
                                         {.without_payload_type = has_word("header_112"),
                                          .nul_padding = has_word("nul_padding"),
                                          .allow_empty_payload = has_word("empty_payload")});
    ASSERT_TRUE(frame.has_value()) << frame.error().to_string();
    EXPECT_EQ(to_vector(frame->bytes()), message);
    ++encoded;
  }
  EXPECT_GE(encoded, 10U);
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenFile,
                         testing::Values("agent_message.vec", "recorded_frames.vec"),
                         [](const auto& suite) {
                           std::string name = suite.param;
                           return name.substr(0, name.find('.'));
                         });

TEST(GoldenVectors, every_receiver_verdict_occurs) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const Vector& vector : load_vectors(SSM_SOURCE_DIR "/tests/golden/agent_message.vec")) {
    for (const auto& [name, rules] : rule_sets) {
      seen.emplace(name, vector.at(name));
    }
  }
  for (const char* verdict : {"accept", "truncated_header", "payload_out_of_bounds",
                              "zero_header_length", "blank_message_type", "zero_created_date"}) {
    for (const auto& [name, rules] : rule_sets) {
      EXPECT_TRUE(seen.contains({name, verdict})) << name << " never says " << verdict;
    }
  }
  for (const char* name : {"strict", "plugin", "pedantic"}) {
    EXPECT_TRUE(seen.contains({name, "digest_mismatch"})) << name;
  }
  for (const char* verdict :
       {"unknown_header_length", "unknown_schema_version", "payload_length_mismatch"}) {
    EXPECT_TRUE(seen.contains({"pedantic", verdict})) << verdict;
  }
}

}  // namespace
