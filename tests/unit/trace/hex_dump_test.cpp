#include "hex_dump.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ssmsim {
namespace {

/// The bytes as text, or the problem.
std::string parse(std::string_view dump) {
  const HexDump parsed = parse_hex_dump(dump);
  return parsed.problem.empty()
             ? std::string(reinterpret_cast<const char*>(parsed.bytes.data()), parsed.bytes.size())
             : parsed.problem;
}

TEST(HexDump, reads_bare_digits) {
  EXPECT_EQ(parse("48656c6C6F"), "Hello");
  EXPECT_EQ(parse("48 65 6c 6c 6f\n"), "Hello");
  EXPECT_EQ(parse("4865\r\n6c6c\r\n6f\r\n"), "Hello");
  EXPECT_EQ(parse("48:65:6c:6c:6f"), "Hello");
  EXPECT_EQ(parse("0x48, 0x65, 0x6c,\n0x6c, 0x6f"), "Hello");
  EXPECT_EQ(parse("\\x48\\x65\\x6c\\x6c\\x6f"), "Hello");
}

TEST(HexDump, reads_xxd) {
  EXPECT_EQ(parse("00000000: 4865 6c6c 6f20 776f 726c 642c 2061 6263  Hello world, abc\n"
                  "00000010: 6465                                     de\n"),
            "Hello world, abcde");
}

TEST(HexDump, reads_hexdump) {
  EXPECT_EQ(parse("00000000  48 65 6c 6c 6f 20 77 6f  72 6c 64 2c 20 61 62 63  |Hello world, abc|\n"
                  "00000010  64 65                                             |de|\n"
                  "00000012\n"),
            "Hello world, abcde");
}

TEST(HexDump, reads_wireshark) {
  EXPECT_EQ(parse("0000   48 65 6c 6c 6f 20 77 6f  72 6c 64 2c 20 61 62 63   Hello world, abc\n"
                  "0010   64 65                                              de\n"),
            "Hello world, abcde");
}

TEST(HexDump, takes_no_offset_that_is_not_the_number_of_bytes) {
  EXPECT_EQ(parse("4865 6c6c\n6f21"), "Hello!");
  EXPECT_EQ(parse("48656c6c  6f"), "Hello");
}

TEST(HexDump, says_where_it_is_wrong) {
  EXPECT_EQ(parse("4865\n6g"), "line 2: expected pairs of hex digits, seen 'g'");
  EXPECT_EQ(parse("486"), "line 1: expected pairs of hex digits, seen '6'");
  EXPECT_EQ(parse("48\x1b"), "line 1: expected pairs of hex digits, seen byte 0x1b");
  EXPECT_EQ(parse(""), "expected hex digits, seen none");
  EXPECT_EQ(parse("\n \n"), "expected hex digits, seen none");
}

}  // namespace
}  // namespace ssmsim
