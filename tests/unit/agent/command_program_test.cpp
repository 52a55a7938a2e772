#include "ssm/agent/command_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pty_fixture.hpp"
#include "ssm/agent/shell_environment.hpp"

namespace ssm::agent {
namespace {

using net::EventLoop;
using protocol::PayloadType;
using testing::HasSubstr;
using testing::MatchesRegex;

/// A command without a data channel; checks afterwards that nothing of it is left.
class CommandProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    test::loop_until(loop_, [] { return true; });
    descriptors_before_ = test::open_descriptors();
  }
  void TearDown() override {
    program_.reset();
    EXPECT_EQ(test::open_descriptors(), descriptors_before_);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }

  void start(const std::string& commands, bool separate = true) {
    options_.program = {.argv = {},
                        .environment = shell_environment(own_environment()),
                        .directory = {},
                        .stop_grace = std::chrono::milliseconds(50)};
    options_.commands = commands;
    options_.output.separate_output = separate;
    program_ = make_command_program(loop_, options_);
    ASSERT_TRUE(program_->start({}, [] {}));
  }
  void start_script(const std::string& script, bool separate = true) {
    start("sh -c '" + script + "'", separate);
  }

  void poll() {
    while (taking_) {
      const auto output = program_->poll_output(EventLoop::now());
      if (!output) {
        break;
      }
      texts_[output->type] += protocol::as_text(output->data);
      order_.push_back(output->type);
    }
  }
  bool until(const std::function<bool()>& condition) {
    return test::loop_until(loop_, [&] {
      poll();
      return condition();
    });
  }
  bool wait_for_end() {
    return until([this] { return program_->ended().has_value(); });
  }
  bool wait_for(const std::string& text) {
    return until([&] { return out().find(text) != std::string::npos; });
  }
  void type(std::string_view text) {
    const auto frame = protocol::Frame::copy_of(protocol::as_bytes(text));
    program_->receive(PayloadType::output, protocol::FrameSlice(frame, frame.bytes()));
  }
  pid_t wait_for_pid() {
    EXPECT_TRUE(wait_for("\n"));
    return static_cast<pid_t>(std::stol("0" + out()));
  }

  std::string& out() { return texts_[PayloadType::output]; }
  std::string& err() { return texts_[PayloadType::std_err]; }
  std::string& exit_code() { return texts_[PayloadType::exit_code]; }

  EventLoop loop_;
  CommandProgramOptions options_;
  std::unique_ptr<SessionProgram> program_;
  bool taking_ = true;
  std::map<PayloadType, std::string> texts_;
  std::vector<PayloadType> order_;
  std::size_t descriptors_before_ = 0;
};

// --- separate streams ---------------------------------------------------------------------------

TEST_F(CommandProgramTest, sends_both_streams_and_then_the_exit_code) {
  start_script("echo out; echo err >&2; exit 3");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(out(), "out\n");
  EXPECT_EQ(err(), "err\n");
  EXPECT_EQ(exit_code(), "EXIT_CODE: 3");
  EXPECT_EQ(order_.back(), PayloadType::exit_code);
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::finished);
}

TEST_F(CommandProgramTest, streams_output_while_the_command_runs) {
  start_script("echo first; exec sleep 1000");
  EXPECT_TRUE(wait_for("first\n"));
  EXPECT_FALSE(program_->ended());
}

TEST_F(CommandProgramTest, puts_the_prefixes_before_lines) {
  options_.output.stdout_prefix = "O:";
  options_.output.stderr_prefix = "E:";
  start_script("echo out; echo err >&2");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(out(), "O:out\n");
  EXPECT_EQ(err(), "E:err\n");
}

TEST_F(CommandProgramTest, expands_nothing_and_has_no_input_and_no_terminal) {
  start("echo $HOME *");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(out(), "$HOME *\n");
  texts_.clear();
  start_script("cat; test -t 1 || echo no terminal");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(out(), "no terminal\n");
}

TEST_F(CommandProgramTest, carries_much_output_and_invalid_utf8_unchanged) {
  start_script("head -c 3000000 /dev/zero | tr \"\\\\0\" \"\\\\377\"; printf end");
  ASSERT_TRUE(wait_for_end());
  EXPECT_TRUE(out() == std::string(3'000'000, '\xFF') + "end") << out().size();
}

TEST_F(CommandProgramTest, lets_the_command_wait_while_nobody_takes_output) {
  taking_ = false;
  start_script("head -c 50000000 /dev/zero; echo done >&2");
  int looks = 0;
  ASSERT_TRUE(until([&] { return ++looks > 100; }));
  EXPECT_FALSE(program_->ended());
  taking_ = true;
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(out().size(), 50'000'000U);
  EXPECT_EQ(err(), "done\n");
}

TEST_F(CommandProgramTest, sends_the_signals_that_input_asks_for) {
  start_script("trap \"echo interrupted; exit 7\" INT; echo ready; while :; do sleep 0.01; done");
  ASSERT_TRUE(wait_for("ready"));
  type("text is ignored");
  type("\x03");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(out(), "ready\ninterrupted\n");
  EXPECT_EQ(exit_code(), "EXIT_CODE: 7");
}

TEST_F(CommandProgramTest, has_exit_code_minus_one_when_a_signal_ends_the_command) {
  start("sh -c 'echo ready; ulimit -c 0; exec sleep 1000'");
  ASSERT_TRUE(wait_for("ready"));
  // The shell may not have become sleep yet.
  ASSERT_TRUE(until([this] {
    type("\x1C");
    return program_->ended().has_value();
  }));
  EXPECT_EQ(exit_code(), "EXIT_CODE: -1");
}

TEST_F(CommandProgramTest, ends_what_the_command_left_behind) {
  start_script("trap \"\" HUP; sleep 1000 & echo $!");
  const pid_t left = wait_for_pid();
  ASSERT_TRUE(wait_for_end());
  EXPECT_TRUE(test::process_gone(left));
  EXPECT_EQ(exit_code(), "EXIT_CODE: 0");
}

TEST_F(CommandProgramTest, does_not_wait_for_what_left_the_session_with_its_pipe) {
  start_script("setsid sleep 3 & sleep 0.1; echo done");
  const net::Instant begin = EventLoop::now();
  ASSERT_TRUE(wait_for_end());
  EXPECT_LT(EventLoop::now() - begin, std::chrono::seconds(2));
  EXPECT_EQ(out(), "done\n");
}

// --- one stream ---------------------------------------------------------------------------------

TEST_F(CommandProgramTest, sends_nothing_before_the_end_without_separate_streams) {
  start_script("echo out; echo err >&2; sleep 0.1; echo last", false);
  bool early = false;
  ASSERT_TRUE(until([&] {
    early = early || (!out().empty() && out().find("last") == std::string::npos);
    return program_->ended().has_value();
  }));
  EXPECT_FALSE(early);
  EXPECT_EQ(out(), "out\nerr\nlast\n");
  EXPECT_TRUE(err().empty());
  EXPECT_TRUE(exit_code().empty());
}

TEST_F(CommandProgramTest, keeps_more_than_memory_would_hold_for_the_end) {
  start_script("head -c 20000000 /dev/zero", false);
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(out().size(), 20'000'000U);
}

TEST_F(CommandProgramTest, fails_a_command_that_writes_more_than_the_limit) {
  options_.spool_limit_bytes = 100'000;
  start_script("head -c 200000 /dev/zero; exec sleep 1000", false);
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::failed);
  EXPECT_THAT(program_->ended()->text, HasSubstr("more than 100000 bytes"));
  EXPECT_TRUE(out().empty());
}

// --- start failures -----------------------------------------------------------------------------

TEST_F(CommandProgramTest, tells_on_stderr_that_a_command_does_not_exist) {
  start("no-such-command now");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(err(), "exec: \"no-such-command\": executable file not found in $PATH");
  EXPECT_EQ(exit_code(), "EXIT_CODE: 1");
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::failed);
}

TEST_F(CommandProgramTest, tells_on_stderr_that_a_command_cannot_be_split) {
  start("echo 'open");
  ASSERT_TRUE(wait_for_end());
  EXPECT_THAT(err(), HasSubstr("Unable to start command: Failed to parse commands input"));
  EXPECT_TRUE(exit_code().empty());
}

TEST_F(CommandProgramTest, waits_with_the_error_text_where_the_reference_does) {
  options_.output.rules.start_failure_wait = std::chrono::milliseconds(50);
  const net::Instant begin = EventLoop::now();
  start("/no/such/command");
  ASSERT_TRUE(wait_for_end());
  EXPECT_GE(EventLoop::now() - begin, std::chrono::milliseconds(50));
  EXPECT_THAT(err(), HasSubstr("/no/such/command"));
}

// --- cancellation -------------------------------------------------------------------------------

TEST_F(CommandProgramTest, kills_a_command_that_ignores_the_hangup) {
  start_script("trap \"\" HUP; echo $$; while :; do sleep 1000; done");
  const pid_t command = wait_for_pid();
  program_->stop();
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::cancelled);
  EXPECT_TRUE(test::process_gone(command));
  EXPECT_TRUE(exit_code().empty());
}

TEST_F(CommandProgramTest, sends_what_there_was_after_a_cancellation_where_the_reference_does) {
  options_.sends_output_after_cancel = true;
  start_script("echo kept; exec sleep 1000", false);
  int looks = 0;
  ASSERT_TRUE(until([&] { return ++looks > 100; }));
  program_->stop();
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::finished);
  EXPECT_EQ(out(), "kept\n");
}

TEST_F(CommandProgramTest, kills_the_command_when_destroyed) {
  start_script("trap \"\" HUP; echo $$; while :; do sleep 1000; done");
  const pid_t command = wait_for_pid();
  program_.reset();
  EXPECT_TRUE(test::process_gone(command));
}

}  // namespace
}  // namespace ssm::agent
