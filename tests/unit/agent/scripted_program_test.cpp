#include "ssm/agent/scripted_program.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "loop_until.hpp"

namespace ssm::agent {
namespace {

using protocol::PayloadType;

class ScriptedProgramTest : public testing::Test {
 protected:
  void start(ScriptedProgramOptions options) {
    program_ = make_scripted_program(loop_, std::move(options));
    ASSERT_TRUE(program_->start({}, [] {}));
    poll();
  }
  void start_default() { start({.script = default_shell_script("i-1")}); }
  void type(std::string_view text) {
    const auto frame = protocol::Frame::copy_of(protocol::as_bytes(text));
    program_->receive(PayloadType::output, protocol::FrameSlice(frame, frame.bytes()));
    poll();
  }
  void poll() {
    while (const auto output = program_->poll_output(net::EventLoop::now())) {
      EXPECT_LE(output->data.size(), 1027U);
      (output->type == PayloadType::output ? output_ : exit_code_) +=
          protocol::as_text(output->data);
    }
  }
  bool until(const std::function<bool()>& condition) {
    return test::loop_until(loop_, [&] {
      poll();
      return condition();
    });
  }

  net::EventLoop loop_;
  std::unique_ptr<SessionProgram> program_;
  std::string output_;
  std::string exit_code_;
};

TEST_F(ScriptedProgramTest, plays_a_shell_with_a_prompt_and_an_echo) {
  start_default();
  type("whoami\r");
  type("echo  two  words\n");
  type("hostname\r\n");
  EXPECT_EQ(output_,
            "sh-5.2$ whoami\r\nssm-user\r\nsh-5.2$ echo  two  words\r\ntwo  words\r\n"
            "sh-5.2$ hostname\r\ni-1\r\nsh-5.2$ ");
  EXPECT_FALSE(program_->ended());
}

TEST_F(ScriptedProgramTest, ends_at_exit_and_at_the_end_of_file) {
  start_default();
  type("exit\r");
  ASSERT_TRUE(program_->ended());
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::finished);
  start_default();
  type("x\x04");
  EXPECT_FALSE(program_->ended());
  type("\x7F\x04");
  EXPECT_TRUE(program_->ended());
}

TEST_F(ScriptedProgramTest, knows_no_other_commands) {
  start_default();
  output_.clear();
  type("ls -l\r");
  EXPECT_EQ(output_, "ls -l\r\nsh: ls: command not found\r\nsh-5.2$ ");
}

TEST_F(ScriptedProgramTest, edits_the_line) {
  start({.script = {.echo = false, .answers = {{.when = "b\xC3\xA4", .say = "yes\n"}}}});
  output_.clear();
  type(
      "xx\x15"
      "bz\x7F\xC3\xA4\r");
  EXPECT_EQ(output_, "yes\r\nsh-5.2$ ");
  output_.clear();
  type("half\x03");
  EXPECT_EQ(output_, "sh-5.2$ ");
}

TEST_F(ScriptedProgramTest, gives_groups_of_an_expression_back) {
  start({.script = {.greeting = "hello\n",
                    .prompt = "> ",
                    .echo = false,
                    .answers = {{.when = "add ([0-9]+) ([0-9]+)",
                                 .is_regex = true,
                                 .say = "\\2 and \\1 of \\0\n"}}}});
  type("  add 1 22 \r");
  EXPECT_EQ(output_, "hello\r\n> 22 and 1 of add 1 22\r\n> ");
}

TEST_F(ScriptedProgramTest, waits_before_an_answer_and_keeps_the_order) {
  start({.script = {
             .prompt = "",
             .echo = false,
             .answers = {{.when = "slow", .say = "slow\n", .delay = std::chrono::milliseconds(30)},
                         {.when = "fast", .say = "fast\n"}}}});
  type("slow\rfast\r");
  EXPECT_EQ(output_, "");
  ASSERT_TRUE(until([this] { return output_ == "slow\r\nfast\r\n"; }));
}

TEST_F(ScriptedProgramTest, answers_one_command_and_ends_with_its_code) {
  start({.script = {.answers = {{.when = "fail", .say = "a\nb\n", .exit = 3}}},
         .command = "fail",
         .terminal = false,
         .exit_code = true});
  EXPECT_EQ(output_, "a\nb\n");
  EXPECT_EQ(exit_code_, "EXIT_CODE: 3");
  EXPECT_TRUE(program_->ended());
}

TEST_F(ScriptedProgramTest, has_no_other_commands_either_when_there_is_but_one) {
  start({.script = {}, .command = "nope now", .terminal = true, .exit_code = true});
  EXPECT_EQ(output_, "sh: nope: command not found\r\n");
  EXPECT_EQ(exit_code_, "EXIT_CODE: 127");
}

TEST_F(ScriptedProgramTest, takes_no_more_input_than_it_can_answer) {
  start({.script = {.answers = {{.when = "much", .say = std::string(10'000, 'x')}}}});
  std::string lines;
  for (int i = 0; i < 100; ++i) {
    lines += "much\r";
  }
  const auto frame = protocol::Frame::copy_of(protocol::as_bytes(lines));
  program_->receive(PayloadType::output, protocol::FrameSlice(frame, frame.bytes()));
  EXPECT_FALSE(program_->takes_input());
  poll();
  EXPECT_TRUE(program_->takes_input());
}

TEST_F(ScriptedProgramTest, splits_no_character_between_messages) {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += "\xE2\x82\xAC";
  }
  start({.script = {.prompt = text}});
  EXPECT_EQ(output_, text);
}

TEST_F(ScriptedProgramTest, is_cancelled_at_once) {
  start_default();
  program_->stop();
  ASSERT_TRUE(program_->ended());
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::cancelled);
}

}  // namespace
}  // namespace ssm::agent
