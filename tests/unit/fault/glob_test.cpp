#include <gtest/gtest.h>

#include <string>

#include "ssm/fault/engine.hpp"

namespace ssm::fault {
namespace {

TEST(Glob, matches_exact_text) {
  EXPECT_TRUE(glob_matches("user-1", "user-1"));
  EXPECT_FALSE(glob_matches("user-1", "user-10"));
  EXPECT_FALSE(glob_matches("user-10", "user-1"));
  EXPECT_TRUE(glob_matches("", ""));
  EXPECT_FALSE(glob_matches("", "a"));
}

TEST(Glob, star_stands_for_any_text) {
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_TRUE(glob_matches("user-*", "user-"));
  EXPECT_TRUE(glob_matches("*-x-*", "a-x-b-x-c"));
  EXPECT_TRUE(glob_matches("*ab", "aab"));
  EXPECT_FALSE(glob_matches("user-*", "admin-1"));
}

TEST(Glob, question_mark_stands_for_one_character) {
  EXPECT_TRUE(glob_matches("user-?", "user-1"));
  EXPECT_FALSE(glob_matches("user-?", "user-"));
  EXPECT_FALSE(glob_matches("user-?", "user-12"));
}

TEST(Glob, many_stars_do_not_take_exponential_time) {
  std::string pattern;
  for (int i = 0; i < 64; ++i) {
    pattern += "*a";
  }
  EXPECT_FALSE(glob_matches(pattern + "b", std::string(200, 'a')));
}

}  // namespace
}  // namespace ssm::fault
