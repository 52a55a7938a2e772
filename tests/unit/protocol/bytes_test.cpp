#include "ssm/protocol/bytes.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "ssm/protocol/random.hpp"
#include "ssm/protocol/sha256.hpp"

namespace ssm::protocol {
namespace {

std::vector<unsigned> values(Bytes bytes) {
  std::vector<unsigned> out;
  for (const std::byte b : bytes) {
    out.push_back(std::to_integer<unsigned>(b));
  }
  return out;
}

template <class Integer>
std::vector<unsigned> stored(Integer value) {
  std::array<std::byte, sizeof(Integer)> bytes{};
  store_big_endian(bytes, 0, value);
  return values(bytes);
}

template <class Integer>
Integer loaded(std::initializer_list<unsigned> bytes) {
  std::vector<std::byte> raw;
  for (const unsigned b : bytes) {
    raw.push_back(static_cast<std::byte>(b));
  }
  return load_big_endian<Integer>(raw, 0);
}

using List = std::vector<unsigned>;

// The byte arrays of both programs' own unit tests (messageparser_test.go, agentmessage_test.go).
TEST(BigEndian, stores_the_integers_of_the_reference_tests) {
  EXPECT_EQ(stored(std::int64_t{5747283}), (List{0, 0, 0, 0, 0, 0x57, 0xb2, 0x53}));
  EXPECT_EQ(stored(std::int64_t{92837273}), (List{0, 0, 0, 0, 0x05, 0x88, 0x95, 0x99}));
  EXPECT_EQ(stored(std::int32_t{324}), (List{0, 0, 0x01, 0x44}));
  EXPECT_EQ(stored(std::int32_t{520392}), (List{0, 0x07, 0xf0, 0xc8}));
}

TEST(BigEndian, loads_the_integer_of_the_reference_tests) {
  EXPECT_EQ(loaded<std::int64_t>({0, 0, 0, 0, 0, 0x5a, 0x05, 0x66}), 5899622);
}

TEST(BigEndian, keeps_the_sign) {
  EXPECT_EQ(stored(std::int64_t{-1}), List(8, 0xff));
  EXPECT_EQ(loaded<std::int64_t>({0x80, 0, 0, 0, 0, 0, 0, 0}),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(loaded<std::uint64_t>({0x80, 0, 0, 0, 0, 0, 0, 0}), std::uint64_t{1} << 63U);
  EXPECT_EQ(loaded<std::int32_t>({0xff, 0xff, 0xff, 0xfe}), -2);
}

TEST(BigEndian, touches_only_the_bytes_of_the_field) {
  std::array<std::byte, 8> bytes{};
  store_big_endian(bytes, 3, std::uint16_t{0xffff});
  EXPECT_EQ(values(bytes), (List{0, 0, 0, 0xff, 0xff, 0, 0, 0}));
  EXPECT_EQ(load_big_endian<std::uint8_t>(bytes, 4), 0xff);
  EXPECT_EQ(load_big_endian<std::uint32_t>(bytes, 1), 0x0000ffffU);
}

TEST(BigEndianDeathTest, refuses_a_field_that_does_not_fit) {
  std::array<std::byte, 8> bytes{};
  EXPECT_DEATH(static_cast<void>(load_big_endian<std::uint32_t>(bytes, 5)), "internal error");
  EXPECT_DEATH(store_big_endian(bytes, 1, std::uint64_t{0}), "internal error");
}

TEST(Bytes, text_and_back_is_the_same) {
  const std::string_view text("a\0b", 3);
  EXPECT_EQ(as_text(as_bytes(text)), text);
  EXPECT_EQ(values(as_bytes(text)), (List{'a', 0, 'b'}));
}

// FIPS 180-2 appendix B, and the empty message.
TEST(Sha256, gives_the_published_digests) {
  const auto head = [](std::string_view text) {
    return load_big_endian<std::uint64_t>(sha256(as_bytes(text)), 0);
  };
  EXPECT_EQ(head(""), 0xe3b0c44298fc1c14U);
  EXPECT_EQ(head("abc"), 0xba7816bf8f01cfeaU);
  EXPECT_EQ(head("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), 0x248d6a61d20638b8U);
  EXPECT_EQ(head("abc"), 0xba7816bf8f01cfeaU);  // nothing is left over from the call before
}

// First numbers of the authors' C code (prng.di.unimi.it), seeded with splitmix64(0).
TEST(Random, gives_the_numbers_of_the_published_generator) {
  Random random(0);
  EXPECT_EQ(random.next(), 0x99ec5f36cb75f2b4U);
  EXPECT_EQ(random.next(), 0xbf6e1f784956452aU);
  EXPECT_EQ(random.next(), 0x1a5f849d4933e6e0U);
}

TEST(Random, same_seed_gives_the_same_numbers) {
  Random first(42);
  Random second(42);
  Random other(43);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t value = first.next();
    EXPECT_EQ(value, second.next());
    differs = differs || value != other.next();
  }
  EXPECT_TRUE(differs);
}

TEST(Random, below_stays_below_and_reaches_every_value) {
  Random random(7);
  std::array<int, 6> count{};
  for (int i = 0; i < 6000; ++i) {
    const std::uint64_t value = random.below(count.size());
    ASSERT_LT(value, count.size());
    ++count[value];
  }
  for (const int n : count) {
    EXPECT_GT(n, 850);
    EXPECT_LT(n, 1150);
  }
  EXPECT_EQ(random.below(1), 0U);
  EXPECT_LT(random.below((std::uint64_t{1} << 63U) + 1), (std::uint64_t{1} << 63U) + 1);
}

}  // namespace
}  // namespace ssm::protocol
