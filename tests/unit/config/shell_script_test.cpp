#include "ssm/config/shell_script.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ssm::config {
namespace {

using testing::HasSubstr;

std::string problems(std::string_view text) {
  const auto loaded = parse_shell_script(text, "s.yaml");
  EXPECT_FALSE(loaded);
  return loaded ? std::string() : loaded.error().to_string();
}

TEST(ShellScript, has_defaults_for_everything) {
  const auto script = parse_shell_script("{}", "s.yaml");
  ASSERT_TRUE(script);
  EXPECT_EQ(script->prompt, "sh-5.2$ ");
  EXPECT_TRUE(script->echo);
  EXPECT_TRUE(script->answers.empty());
}

TEST(ShellScript, reads_answers) {
  const auto script = parse_shell_script(R"yaml(
greeting: "hello\n"
prompt: "> "
echo: false
answers:
  - when: uptime
    say: "up\n"
    delay_ms: 250
  - when_regex: "cat (.*)"
    say: "\\1\n"
    exit: 2
)yaml",
                                         "s.yaml");
  ASSERT_TRUE(script) << script.error().to_string();
  EXPECT_EQ(script->greeting, "hello\n");
  EXPECT_EQ(script->prompt, "> ");
  EXPECT_FALSE(script->echo);
  ASSERT_EQ(script->answers.size(), 2U);
  EXPECT_EQ(script->answers[0].when, "uptime");
  EXPECT_FALSE(script->answers[0].is_regex);
  EXPECT_EQ(script->answers[0].delay, std::chrono::milliseconds(250));
  EXPECT_FALSE(script->answers[0].exit);
  EXPECT_TRUE(script->answers[1].is_regex);
  EXPECT_EQ(script->answers[1].say, "\\1\n");
  EXPECT_EQ(script->answers[1].exit, 2);
}

TEST(ShellScript, names_what_is_wrong_and_where) {
  EXPECT_THAT(problems("answers:\n  - say: x\n"), HasSubstr("s.yaml:2:5: answers[0]"));
  EXPECT_THAT(problems("answers: [{when: a, when_regex: b}]"), HasSubstr("seen both"));
  EXPECT_THAT(problems("answers: [{when_regex: '('}]"), HasSubstr("answers[0].when_regex"));
  EXPECT_THAT(problems("answers: [{when_regex: 'a', say: '\\1'}]"), HasSubstr("answers[0].say"));
  EXPECT_THAT(problems("answers: [{when: a, exit: 256}]"), HasSubstr("answers[0].exit"));
  EXPECT_THAT(problems("promt: x"), HasSubstr("promt"));
}

}  // namespace
}  // namespace ssm::config
