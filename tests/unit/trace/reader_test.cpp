#include "ssm/trace/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "ssm/trace/format.hpp"
#include "trace_fixture.hpp"

namespace ssm::trace {
namespace {

using test::Contents;
using test::read_all;
using testing::HasSubstr;
using testing::StartsWith;

/// Where each record of the sample ends, that of the header first.
std::vector<std::size_t> record_ends(const std::string& bytes) {
  std::istringstream stream(bytes);
  auto reader = Reader::open(stream).value();
  std::vector<std::size_t> ends{reader.offset()};
  while (reader.next().value()) {
    ends.push_back(reader.offset());
  }
  return ends;
}

TEST(TraceReader, reads_a_file_that_is_cut_at_any_byte) {
  const std::string whole = test::sample();
  const std::vector<std::size_t> ends = record_ends(whole);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    SCOPED_TRACE(size);
    const Contents contents = read_all(whole.substr(0, size));
    if (size < magic.size()) {
      EXPECT_THAT(contents.error, StartsWith("not a recording"));
    } else if (size < ends[0]) {
      EXPECT_THAT(contents.error, StartsWith("the recording has no header"));
    } else {
      std::size_t records = 0;
      while (records + 1 < ends.size() && ends[records + 1] <= size) {
        ++records;
      }
      EXPECT_EQ(contents.error, "");
      EXPECT_EQ(contents.records.size(), records);
      EXPECT_EQ(contents.cut_bytes, size - ends[records]);
    }
  }
}

TEST(TraceReader, notices_any_single_changed_bit) {
  const std::string whole = test::sample();
  const std::size_t records = read_all(whole).records.size();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string changed = whole;
    changed[bit / 8] =
        static_cast<char>(static_cast<unsigned char>(changed[bit / 8]) ^ (1U << (bit % 8)));
    const Contents contents = read_all(changed);
    EXPECT_TRUE(!contents.error.empty() || contents.cut_bytes > 0) << "bit " << bit;
    EXPECT_LT(contents.records.size(), records + 1);
  }
}

TEST(TraceReader, keeps_the_records_before_a_damaged_one) {
  std::string bytes = test::sample();
  const std::vector<std::size_t> ends = record_ends(bytes);
  bytes[ends[2] + 10] ^= 0x55;
  const Contents contents = read_all(bytes);
  EXPECT_EQ(contents.records.size(), 2U);
  EXPECT_EQ(contents.error, "a record is damaged (byte " + std::to_string(ends[2]) + ")");
}

TEST(TraceReader, reports_the_same_error_again) {
  std::string bytes = test::sample();
  bytes[record_ends(bytes)[0] + 10] ^= 0x55;
  std::istringstream stream(bytes);
  auto reader = Reader::open(stream).value();
  const auto first = reader.next();
  const auto second = reader.next();
  ASSERT_FALSE(first);
  ASSERT_FALSE(second);
  EXPECT_EQ(first.error().to_string(), second.error().to_string());
}

TEST(TraceReader, still_knows_of_the_cut_when_asked_again) {
  const std::string whole = test::sample();
  std::istringstream stream(whole.substr(0, whole.size() - 1));
  auto reader = Reader::open(stream).value();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(reader.next());
  }
  EXPECT_GT(reader.cut_bytes(), 0U);
}

TEST(TraceReader, refuses_a_file_that_is_no_recording) {
  EXPECT_EQ(read_all("GIF89a and more").error,
            "not a recording (byte 0): expected the file to begin with SSMTRACE");
  EXPECT_THAT(read_all("").error, StartsWith("not a recording"));
}

/// The sample's header with format version 2 in place of 1 and a checksum to match.
std::string future_recording() {
  std::string bytes = test::sample();
  const std::vector<std::size_t> ends = record_ends(bytes);
  bytes.resize(ends[0]);
  const std::size_t version = bytes.find(std::string("\x08\x01", 2), magic.size());
  EXPECT_NE(version, std::string::npos);
  bytes[version + 1] = 2;
  // CRC-32C, bit by bit: an implementation that shares nothing with the library's.
  std::uint32_t crc = ~std::uint32_t{0};
  for (std::size_t i = magic.size() + 1; i < bytes.size() - 5; ++i) {
    crc ^= static_cast<unsigned char>(bytes[i]);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
    }
  }
  crc = ~crc;
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[bytes.size() - 4 + i] = static_cast<char>((crc >> (8 * i)) & 0xFFU);
  }
  return bytes;
}

TEST(TraceReader, refuses_a_future_format_and_says_who_wrote_it) {
  EXPECT_EQ(read_all(future_recording()).error,
            "recorded in a newer format (byte 8): expected format 1 or older, seen 2 by ssmsim "
            "0.1.0; read it with that version");
}

TEST(TraceReader, refuses_records_of_impossible_size) {
  const std::string start(magic);
  EXPECT_THAT(read_all(start + "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01").error,
              StartsWith("a record claims an impossible size (byte 8)"));
  EXPECT_THAT(read_all(start + "\xFF\xFF\xFF\x7F").error,
              HasSubstr("expected at most 16777216 bytes, seen 268435455"));
}

TEST(TraceReader, a_large_length_in_a_small_file_is_a_cut) {
  const Contents contents = read_all(test::sample() +
                                     "\xFF\xFF\xFF\x07"
                                     "abc");
  EXPECT_EQ(contents.error, "");
  EXPECT_EQ(contents.cut_bytes, 7U);
}

TEST(TraceReader, refuses_an_empty_record) {
  EXPECT_THAT(read_all(test::sample() + std::string(1, '\0')).error,
              StartsWith("a record is damaged"));
}

TEST(TraceReader, reads_any_bytes_without_harm) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    std::string bytes = test::sample();
    bytes.resize(record_ends(bytes)[0]);
    const std::size_t size = random() % 2000;
    for (std::size_t i = 0; i < size; ++i) {
      bytes += static_cast<char>(random());
    }
    const Contents contents = read_all(bytes);
    EXPECT_TRUE(!contents.error.empty() || contents.cut_bytes > 0 || size == 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace ssm::trace
