#include "ssm/protocol/smux_frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "smux_fixture.hpp"

namespace ssm::protocol {
namespace {

using test::from_hex;
using test::to_hex;

struct HeaderVector {
  std::string_view hex;
  SmuxHeader header;
};

constexpr HeaderVector header_vectors[] = {
    {"0100000003000000", {1, SmuxCommand::syn, 0, 3}},
    {"0100000005000000", {1, SmuxCommand::syn, 0, 5}},
    {"0100000002000000", {1, SmuxCommand::syn, 0, 2}},
    {"0102030003000000", {1, SmuxCommand::psh, 3, 3}},
    {"0102008003000000", {1, SmuxCommand::psh, 32768, 3}},
    {"0102401c03000000", {1, SmuxCommand::psh, 7232, 3}},
    {"0101000003000000", {1, SmuxCommand::fin, 0, 3}},
    {"0103000000000000", {1, SmuxCommand::nop, 0, 0}},
    {"0200000003000000", {2, SmuxCommand::syn, 0, 3}},
    {"0204080003000000", {2, SmuxCommand::upd, 8, 3}},
    {"ff09ffffffffffff", {255, static_cast<SmuxCommand>(9), 65535, 0xffffffff}},
};

SmuxEightBytes eight(std::string_view hex) {
  SmuxEightBytes bytes{};
  std::ranges::copy(from_hex(hex), bytes.begin());
  return bytes;
}

TEST(SmuxFrame, encodes_headers_as_recorded) {
  for (const auto& [hex, header] : header_vectors) {
    EXPECT_EQ(to_hex(encode(header)), hex);
  }
}

TEST(SmuxFrame, decodes_headers_as_recorded) {
  for (const auto& [hex, header] : header_vectors) {
    EXPECT_EQ(decode_smux_header(eight(hex)), header) << hex;
  }
}

TEST(SmuxFrame, encodes_and_decodes_updates_as_recorded) {
  constexpr SmuxUpdate first{.consumed = 3, .window = 65536};
  constexpr SmuxUpdate second{.consumed = 32771, .window = 65536};
  EXPECT_EQ(to_hex(encode(first)), "0300000000000100");
  EXPECT_EQ(to_hex(encode(second)), "0380000000000100");
  EXPECT_EQ(decode_smux_update(eight("0380000000000100")), second);
}

TEST(SmuxFrame, names_commands_for_people) {
  EXPECT_EQ(name(SmuxCommand::upd), "UPD");
  EXPECT_EQ(name(static_cast<SmuxCommand>(9)), "unknown");
}

TEST(SmuxCollector, completes_eight_bytes_whatever_the_cut) {
  const auto bytes = from_hex("0102030405060708 090a");
  for (std::size_t cut = 0; cut <= 8; ++cut) {
    SmuxCollector collector;
    Bytes first = Bytes(bytes).first(cut);
    Bytes second = Bytes(bytes).subspan(cut);
    if (cut < 8) {
      EXPECT_FALSE(collector.take(first));
      EXPECT_EQ(collector.held(), cut);
      EXPECT_TRUE(collector.take(second));
      EXPECT_EQ(second.size(), 2U);
    } else {
      EXPECT_TRUE(collector.take(first));
    }
    EXPECT_EQ(to_hex(collector.bytes()), "0102030405060708");
    EXPECT_EQ(collector.held(), 0U);
  }
}

}  // namespace
}  // namespace ssm::protocol
