#include "ssm/agent/pty_process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "pty_fixture.hpp"
#include "ssm/protocol/random.hpp"
#include "ssm/protocol/sha256.hpp"

namespace ssm::agent {
namespace {

using protocol::as_bytes;
using protocol::Bytes;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using PtyProcess = test::PtyTest;

std::string hexadecimal(Bytes bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text.push_back(digits[std::to_integer<std::size_t>(byte) >> 4U]);
    text.push_back(digits[std::to_integer<std::size_t>(byte) & 15U]);
  }
  return text;
}

TEST_F(PtyProcess, has_a_terminal_for_input_output_and_errors) {
  start_script("test -t 0 && test -t 1 && test -t 2 && tty");
  ASSERT_TRUE(wait_for_end());
  EXPECT_THAT(output_, StartsWith("/dev/pts/"));
  EXPECT_EQ(end_->code, 0);
}

TEST_F(PtyProcess, has_it_as_controlling_terminal) {
  start_script("echo text >/dev/tty");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(output_, "text\r\n");
}

TEST_F(PtyProcess, leads_a_session_and_a_group_of_its_own) {
  start(options({"cat"}));
  EXPECT_EQ(::getsid(program_->pid()), program_->pid());
  EXPECT_EQ(::getpgid(program_->pid()), program_->pid());
}

TEST_F(PtyProcess, receives_input_and_the_terminal_echoes_it) {
  start(options({"cat"}));
  program_->write(as_bytes("hello\n\x04"));
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(output_, "hello\r\nhello\r\n");
}

TEST_F(PtyProcess, is_interrupted_by_the_key) {
  start_script("echo ready; exec sleep 1000");
  ASSERT_TRUE(wait_for_output("ready"));
  program_->write(as_bytes("\x03"));
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_->signal, SIGINT);
}

TEST_F(PtyProcess, starts_with_the_size_given) {
  ProgramOptions program = options({"stty", "size"});
  program.size = {.columns = 132, .rows = 43};
  start(program);
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(output_, "43 132\r\n");
}

TEST_F(PtyProcess, is_told_when_the_size_changes) {
  start_script("trap 'stty size; exit' WINCH; echo ready; sleep 1000 & wait");
  ASSERT_TRUE(wait_for_output("ready"));
  program_->resize({.columns = 300, .rows = 100});
  ASSERT_TRUE(wait_for_end());
  EXPECT_THAT(output_, HasSubstr("100 300\r\n"));
}

TEST_F(PtyProcess, reports_the_exit_code) {
  start_script("exit 3");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_->code, 3);
  EXPECT_EQ(end_->signal, std::nullopt);
}

TEST_F(PtyProcess, reports_the_signal_that_killed_it) {
  start_script("kill -KILL $$");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_->code, std::nullopt);
  EXPECT_EQ(end_->signal, SIGKILL);
}

TEST_F(PtyProcess, sees_only_the_environment_given) {
  ProgramOptions program = options({"/usr/bin/env"});
  program.environment = {"ONE=1", "TWO=2"};
  start(program);
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(output_, "ONE=1\r\nTWO=2\r\n");
}

TEST_F(PtyProcess, runs_in_the_directory_given) {
  ProgramOptions program = options({"/bin/pwd"});
  program.directory = "/usr/bin";
  start(program);
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(output_, "/usr/bin\r\n");
}

TEST_F(PtyProcess, inherits_no_descriptor) {
  const int leaked = ::fcntl(STDERR_FILENO, F_DUPFD, 77);
  start_script("for fd in /proc/$$/fd/*; do echo $fd; done");
  EXPECT_TRUE(wait_for_end());
  EXPECT_THAT(output_, HasSubstr("/fd/2\r\n"));
  EXPECT_THAT(output_, Not(HasSubstr("/fd/" + std::to_string(leaked))));
  ::close(leaked);
}

TEST_F(PtyProcess, inherits_no_ignored_and_no_blocked_signal) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t mask_before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &mask_before);
  start_script("grep -E '^Sig(Ign|Blk)' /proc/self/status");
  ::pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
  std::signal(SIGPIPE, before);
  ASSERT_TRUE(wait_for_end());
  EXPECT_THAT(output_, HasSubstr("SigBlk:\t0000000000000000"));
  EXPECT_THAT(output_, HasSubstr("SigIgn:\t0000000000000000"));
}

TEST_F(PtyProcess, that_is_not_found_is_an_error) {
  EXPECT_THAT(start_error(options({"no-such-program"})),
              testing::AllOf(HasSubstr("cannot start no-such-program"),
                             HasSubstr("No such file or directory")));
}

TEST_F(PtyProcess, that_is_not_executable_is_an_error) {
  EXPECT_THAT(start_error(options({"/etc/passwd"})), HasSubstr("Permission denied"));
}

TEST_F(PtyProcess, in_a_missing_directory_is_an_error) {
  ProgramOptions program = options({"sh"});
  program.directory = "/no/such/place";
  EXPECT_THAT(start_error(program), HasSubstr("cannot change to directory /no/such/place"));
}

TEST_F(PtyProcess, gives_all_output_before_its_end) {
  start_script("seq 1 20000");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(output_.size(), 9 * 3U + 90 * 4U + 900 * 5U + 9000 * 6U + 10001 * 7U);
  EXPECT_TRUE(output_.ends_with("\r\n20000\r\n"));
}

TEST_F(PtyProcess, waits_with_its_end_until_paused_output_was_taken) {
  start_script("seq 1 2000");
  program_->pause_output();
  const pid_t pid = program_->pid();
  ASSERT_TRUE(wait_until_gone(pid));
  EXPECT_FALSE(end_);
  EXPECT_EQ(output_, "");
  program_->resume_output();
  ASSERT_TRUE(wait_for_end());
  EXPECT_TRUE(output_.ends_with("\r\n2000\r\n"));
}

/// Takes one chunk, pauses, and goes on when the loop has nothing else to do.
class SlowReader : public test::PtyTest {
 protected:
  void receive(Bytes bytes) override {
    EXPECT_FALSE(paused_);
    received_ += bytes.size();
    if (++chunks_ % 64 == 0) {
      paused_ = true;
      program_->pause_output();
      loop_.post([this] {
        paused_ = false;
        program_->resume_output();
      });
    }
  }

  bool paused_ = false;
  std::size_t chunks_ = 0;
  std::size_t received_ = 0;
};

TEST_F(SlowReader, gets_a_flood_whole_and_nothing_while_paused) {
  ProgramOptions program = options({"/bin/sh", "-c", "head -c 50000000 /dev/zero"});
  program.chunk_bytes = 4096;
  start(program);
  ASSERT_TRUE(
      test::loop_until(loop_, [this] { return end_.has_value(); }, std::chrono::seconds(50)));
  EXPECT_EQ(received_, 50'000'000U);
}

TEST_F(PtyProcess, receives_a_megabyte_of_input_unchanged) {
  constexpr std::size_t size = std::size_t{1} << 20U;
  std::vector<std::byte> input(size);
  protocol::Random random(1);
  for (std::byte& byte : input) {
    byte = static_cast<std::byte>(random.next());
  }
  start_script("stty raw -echo; echo ready; head -c 1048576 | sha256sum");
  ASSERT_TRUE(wait_for_output("ready"));
  program_->write(input);
  ASSERT_TRUE(wait_for_end());
  EXPECT_THAT(output_, HasSubstr(hexadecimal(protocol::sha256(input))));
  EXPECT_GE(drained_, 1);
}

}  // namespace
}  // namespace ssm::agent
