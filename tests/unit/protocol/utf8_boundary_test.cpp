#include "ssm/protocol/utf8_boundary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/protocol/random.hpp"

namespace ssm::protocol {
namespace {

using namespace std::string_view_literals;
using testing::ElementsAre;

constexpr bool as_agent = true;
constexpr bool as_strict = false;

/// What each append gives, then what flush gives.
std::vector<std::string> cut(bool damages, const std::vector<std::string>& reads) {
  Utf8Boundary boundary(damages);
  std::vector<std::string> messages;
  const auto note = [&](const std::vector<std::byte>& out) { messages.emplace_back(as_text(out)); };
  for (const std::string& read : reads) {
    std::vector<std::byte> out;
    boundary.append(as_bytes(read), out);
    note(out);
  }
  std::vector<std::byte> out;
  boundary.flush(out);
  note(out);
  EXPECT_EQ(boundary.held_back(), 0U);
  return messages;
}

TEST(Utf8Boundary, plain_text_passes) {
  for (const bool damages : {as_agent, as_strict}) {
    EXPECT_THAT(cut(damages, {"hello\n", ""}), ElementsAre("hello\n", "", ""));
  }
}

//= SHELL-013
TEST(Utf8Boundary, a_character_cut_by_a_read_waits_for_its_rest) {
  for (const bool damages : {as_agent, as_strict}) {
    EXPECT_THAT(cut(damages, {"a\xe2\x82", "\xac z"}), ElementsAre("a", "\xe2\x82\xac z", ""));
    EXPECT_THAT(cut(damages, {"\xf0", "\x9f", "\x98", "\x80"}),
                ElementsAre("", "", "", "\xf0\x9f\x98\x80", ""));
    EXPECT_THAT(cut(damages, {"\xc3", "\xa9\xc3"}),
                ElementsAre("", "\xc3\xa9", damages ? "" : "\xc3"));
  }
}

//= SHELL-014
TEST(Utf8Boundary, an_invalid_byte_passes_alone_when_four_bytes_are_left) {
  for (const bool damages : {as_agent, as_strict}) {
    EXPECT_THAT(cut(damages, {"\x48\xc8\x6c\x6c\x6f"}), ElementsAre("\x48\xc8\x6c\x6c\x6f", ""));
    EXPECT_THAT(cut(damages, {"\xff\xff\xff\xff\xff"}),
                ElementsAre("\xff\xff", damages ? "" : "\xff\xff\xff"));
  }
}

//= SHELL-015
TEST(Utf8Boundary, up_to_three_bytes_from_an_invalid_one_wait_for_more) {
  for (const bool damages : {as_agent, as_strict}) {
    EXPECT_THAT(cut(damages, {"abc\xff", "defg"}), ElementsAre("abc",
                                                               "\xff"
                                                               "defg",
                                                               ""));
    EXPECT_THAT(cut(damages, {"abc\xff"
                              "de",
                              "f"}),
                ElementsAre("abc",
                            "\xff"
                            "def",
                            ""));
  }
}

//= SHELL-016
TEST(Utf8Boundary, agent_damages_a_replacement_character_and_strict_does_not) {
  EXPECT_THAT(cut(as_agent, {"a\xef\xbf\xbd"
                             "bcd"}),
              ElementsAre("a\xef"
                          "bcd",
                          ""));
  EXPECT_THAT(cut(as_agent, {"a\xef\xbf\xbd", "bcd"}), ElementsAre("a",
                                                                   "\xef"
                                                                   "bcd",
                                                                   ""));
  EXPECT_THAT(cut(as_strict, {"a\xef\xbf\xbd"
                              "bcd"}),
              ElementsAre("a\xef\xbf\xbd"
                          "bcd",
                          ""));
  EXPECT_THAT(cut(as_strict, {"a\xef\xbf\xbd"}), ElementsAre("a\xef\xbf\xbd", ""));
}

TEST(Utf8Boundary, agent_loses_what_is_held_back_at_the_end_and_strict_does_not) {
  EXPECT_THAT(cut(as_agent, {"a\xe2\x82"}), ElementsAre("a", ""));
  EXPECT_THAT(cut(as_strict, {"a\xe2\x82"}), ElementsAre("a", "\xe2\x82"));
}

TEST(Utf8Boundary, knows_what_is_no_character) {
  // Overlong forms, surrogates, above U+10FFFF, lone continuation: each passes byte by byte, so
  // that the three last bytes are held back.
  for (const std::string_view text :
       {"\xc0\x80"sv, "\xe0\x80\x80"sv, "\xf0\x80\x80\x80"sv, "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv,
        "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\x80\x80"sv}) {
    const std::string read = "abcd" + std::string(text);
    Utf8Boundary boundary(as_strict);
    std::vector<std::byte> out;
    boundary.append(as_bytes(read), out);
    EXPECT_EQ(boundary.held_back(), std::min<std::size_t>(text.size(), 3)) << read;
  }
  // The first and last of each length, and the neighbours of the surrogates.
  for (const std::string_view text :
       {"\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xef\xbf\xbf"sv, "\xed\x9f\xbf"sv,
        "\xee\x80\x80"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv, "\x00"sv, "\x7f"sv}) {
    Utf8Boundary boundary(as_strict);
    std::vector<std::byte> out;
    boundary.append(as_bytes(text), out);
    EXPECT_EQ(boundary.held_back(), 0U);
  }
}

TEST(Utf8Boundary, appends_to_what_is_in_the_output_already) {
  Utf8Boundary boundary(as_agent);
  std::vector<std::byte> out;
  boundary.append(as_bytes("one "), out);
  boundary.append(as_bytes("\xef\xbf\xbd two"), out);
  EXPECT_EQ(as_text(out), "one \xef two");
}

// ---- properties ---------------------------------------------------------------------------------

/// Bytes that make characters whole, cut, invalid and U+FFFD about equally often.
std::string random_output(Random& random, std::size_t pieces) {
  constexpr std::string_view kinds[] = {
      "a",        "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbd", "\xff",
      "\xe2\x82", "\xf0\x9f", "\xc1",         "\xed\xa0\x80"};
  std::string text;
  for (std::size_t i = 0; i < pieces; ++i) {
    text += kinds[random.below(std::size(kinds))];
  }
  return text;
}

std::vector<std::string> random_reads(Random& random, std::string_view text) {
  std::vector<std::string> reads;
  while (!text.empty()) {
    const auto size = std::min<std::size_t>(text.size(), 1 + random.below(9));
    reads.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return reads;
}

TEST(Utf8Boundary, strict_output_is_the_input_for_any_bytes_in_any_reads) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    Random random(seed);
    const std::string text = random_output(random, 1 + random.below(40));
    std::string joined;
    for (const std::string& message : cut(as_strict, random_reads(random, text))) {
      joined += message;
    }
    ASSERT_EQ(joined, text) << "seed " << seed;
  }
}

TEST(Utf8Boundary, no_valid_character_is_split_between_messages) {
  constexpr std::string_view characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xef\xbf\xbe",
                                             "\xf0\x9f\x98\x80"};
  for (const bool damages : {as_agent, as_strict}) {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
      Random random(seed);
      std::string text;
      std::vector<std::size_t> starts;  // of characters: the only places to cut at
      for (std::size_t i = 1 + random.below(40); i > 0; --i) {
        starts.push_back(text.size());
        text += characters[random.below(std::size(characters))];
      }
      starts.push_back(text.size());
      std::size_t position = 0;
      for (const std::string& message : cut(damages, random_reads(random, text))) {
        position += message.size();
        ASSERT_TRUE(std::ranges::binary_search(starts, position)) << "seed " << seed;
      }
      ASSERT_EQ(position, text.size()) << "seed " << seed;
    }
  }
}

/// The agent's rule, said once more and differently: on whole strings, character by character.
std::string agent_message(std::string& pending) {
  std::string message;
  while (!pending.empty()) {
    const auto lead = static_cast<unsigned char>(pending[0]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    // Of the pieces of random_output only these five are valid.
    const std::string_view start = std::string_view(pending).substr(0, size);
    const bool valid = start == "a" || start == "\xc3\xa9" || start == "\xe2\x82\xac" ||
                       start == "\xf0\x9f\x98\x80";
    const bool replacement = start == "\xef\xbf\xbd";
    if (!valid && pending.size() < 4) {
      break;
    }
    message += valid ? start : start.substr(0, 1);
    pending.erase(0, valid || replacement ? size : 1);
  }
  return message;
}

TEST(Utf8Boundary, agent_cuts_as_a_naive_version_does) {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    Random random(seed);
    Utf8Boundary boundary(as_agent);
    std::string pending;
    for (const std::string& read : random_reads(random, random_output(random, 30))) {
      pending += read;
      std::vector<std::byte> out;
      boundary.append(as_bytes(read), out);
      ASSERT_EQ(as_text(out), agent_message(pending)) << "seed " << seed;
      ASSERT_EQ(boundary.held_back(), pending.size()) << "seed " << seed;
      ASSERT_LE(boundary.held_back(), 3U);
    }
  }
}

}  // namespace
}  // namespace ssm::protocol
