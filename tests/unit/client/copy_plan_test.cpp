#include "ssm/client/copy_plan.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ssm::client {
namespace {

TEST(CopyPlace, a_colon_before_the_first_slash_names_a_target) {
  const auto place = parse_copy_place("i-123:/tmp/a:b");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->target, "i-123");
  EXPECT_EQ(place->path, "/tmp/a:b");
}

TEST(CopyPlace, a_colon_after_a_slash_is_part_of_a_local_path) {
  const auto place = parse_copy_place("./a:b");
  ASSERT_TRUE(place);
  EXPECT_FALSE(place->is_remote());
  EXPECT_EQ(place->path, "./a:b");
}

TEST(CopyPlace, a_target_alone_is_the_folder_where_its_programs_start) {
  ASSERT_TRUE(parse_copy_place("i-123:"));
  EXPECT_EQ(parse_copy_place("i-123:")->path, ".");
}

TEST(CopyPlace, nothing_and_no_target_are_no_places) {
  EXPECT_FALSE(parse_copy_place(""));
  EXPECT_FALSE(parse_copy_place(":/x"));
}

TEST(CopyPath, no_path_can_be_taken_for_an_option) {
  EXPECT_EQ(plain_path("-rf"), "./-rf");
  EXPECT_EQ(plain_path("a//"), "./a");
  EXPECT_EQ(plain_path("/"), "/");
  EXPECT_EQ(plain_path("/a/"), "/a");
  EXPECT_EQ(plain_path("../a"), "../a");
  EXPECT_EQ(plain_path(""), ".");
}

TEST(CopyPath, a_copy_is_called_like_the_last_part) {
  EXPECT_EQ(copy_name("/a/b/"), "b");
  EXPECT_EQ(copy_name("/"), "");
  EXPECT_EQ(copy_name(".."), "");
}

TEST(CopyPath, partial_names_differ_and_are_short) {
  EXPECT_EQ(partial_name(std::string(255, 'x')).size(), 29U);
  EXPECT_NE(partial_name("a"), partial_name("b"));
  EXPECT_EQ(partial_name("a"), partial_name("a"));
}

TEST(CopyPath, what_a_peer_lists_stays_below_what_was_asked_for) {
  EXPECT_EQ(relative_to("/a", "/a"), "");
  EXPECT_EQ(relative_to("/a", "/a/b/c"), "b/c");
  EXPECT_EQ(relative_to("/", "/b"), "b");
  EXPECT_EQ(relative_to("/a", "/ab"), std::nullopt);
  EXPECT_EQ(relative_to("/a", "/etc/passwd"), std::nullopt);
  EXPECT_EQ(relative_to("/a", "/a/../etc"), std::nullopt);
  EXPECT_EQ(relative_to("/a", "/a/b/.."), std::nullopt);
  EXPECT_EQ(relative_to("/a", "/a//b"), std::nullopt);
  EXPECT_EQ(relative_to("/a", "/a/"), std::nullopt);
}

TEST(CopyListLine, carries_kind_mode_time_size_hash_and_lengths) {
  const auto line = parse_list_line("F 755 -5 10 abc 3 0");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->entry.kind, CopyKind::file);
  EXPECT_EQ(line->entry.mode, 0755U);
  EXPECT_EQ(line->entry.mtime, -5);
  EXPECT_EQ(line->entry.size, 10U);
  EXPECT_EQ(line->entry.hash, "abc");
  EXPECT_EQ(line->path_bytes, 3U);
}

TEST(CopyListLine, anything_else_is_refused) {
  for (const char* text :
       {"", "F", "F 755 5 10 - 3", "Q 755 5 10 - 3 0", "F 8 5 10 - 3 0", "F 755 5 -1 - 3 0",
        "F 755 5 10 - 0 0", "F 755 5 10 - 99999999 0", "F 755 5 99999999999999999999999 - 3 0"}) {
    EXPECT_FALSE(parse_list_line(text)) << text;
  }
}

TEST(CopyProgressLine, shows_bytes_rate_and_what_is_left) {
  const std::string line =
      progress_line({.name = "file", .done = 50'000'000, .total = 100'000'000, .seconds = 10}, 79);
  EXPECT_NE(line.find(" 50%"), std::string::npos) << line;
  EXPECT_NE(line.find("5.0 MB/s"), std::string::npos) << line;
  EXPECT_NE(line.find("ETA 00:10"), std::string::npos) << line;
  EXPECT_LE(line.size(), 79U);
}

TEST(CopyProgressLine, fits_any_width_and_says_no_control_characters) {
  for (std::size_t columns = 1; columns < 100; ++columns) {
    const std::string line = progress_line(
        {.name = "a\x1b[2J long name of a file", .done = 1, .total = 3, .seconds = 0}, columns);
    EXPECT_LE(line.size(), columns);
    EXPECT_EQ(line.find('\x1b'), std::string::npos);
  }
}

}  // namespace
}  // namespace ssm::client
