#include "detail/escape_filter.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace ssm::client::detail {
namespace {

/// Feeds reads in turn; what passed, and a '!' where the escape was found.
std::string passed(std::initializer_list<std::string_view> reads) {
  EscapeFilter filter;
  std::string all;
  for (const std::string_view read : reads) {
    const EscapeFilter::Passed result = filter.read(read);
    all += result.bytes;
    if (result.escaped) {
      all += '!';
    }
  }
  return all;
}

TEST(EscapeFilter, finds_tilde_dot_at_the_start) {
  EXPECT_EQ(passed({"~", "."}), "!");
}

TEST(EscapeFilter, finds_tilde_dot_after_enter) {
  EXPECT_EQ(passed({"a", "\r", "~", "."}), "a\r!");
}

TEST(EscapeFilter, finds_both_keys_in_one_read) {
  EXPECT_EQ(passed({"ls\r", "~."}), "ls\r!");
}

TEST(EscapeFilter, passes_tilde_dot_inside_a_line) {
  EXPECT_EQ(passed({"cp ", "~", ".", "~."}), "cp ~.~.");
}

TEST(EscapeFilter, passes_tilde_dot_in_pasted_text) {
  EXPECT_EQ(passed({"first\r~.\rlast", "\r~.\r"}), "first\r~.\rlast\r~.\r");
}

TEST(EscapeFilter, gives_a_held_tilde_with_the_next_read) {
  EXPECT_EQ(passed({"\r", "~", "/bin\r"}), "\r~/bin\r");
}

TEST(EscapeFilter, passes_two_tildes) {
  EXPECT_EQ(passed({"~", "~", "."}), "~~.");
}

TEST(EscapeFilter, is_at_a_line_start_again_after_a_held_tilde_and_enter) {
  EXPECT_EQ(passed({"~", "\r", "~", "."}), "~\r!");
}

}  // namespace
}  // namespace ssm::client::detail
