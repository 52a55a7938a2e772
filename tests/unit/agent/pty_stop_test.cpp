#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <string>

#include "pty_fixture.hpp"
#include "ssm/agent/pty_process.hpp"

/// How sessions end: the fixture checks after every test that no process, zombie or descriptor is
/// left.

namespace ssm::agent {
namespace {

using PtyStop = test::PtyTest;

TEST_F(PtyStop, hangs_up_first) {
  start_script("trap 'exit 7' HUP; echo ready; sleep 1000 & wait");
  ASSERT_TRUE(wait_for_output("ready"));
  program_->stop();
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_->code, 7);
}

TEST_F(PtyStop, kills_a_program_that_ignores_the_hangup) {
  start_script("trap '' HUP; echo ready; while :; do sleep 1000; done");
  ASSERT_TRUE(wait_for_output("ready"));
  program_->stop();
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_->signal, SIGKILL);
}

TEST_F(PtyStop, ends_background_jobs) {
  start_script("sleep 1000 & echo $!; wait");
  const pid_t job = wait_for_pid();
  program_->stop();
  ASSERT_TRUE(wait_for_end());
  EXPECT_TRUE(wait_until_gone(job));
}

TEST_F(PtyStop, ends_jobs_under_nohup) {
  start_script("nohup sleep 1000 >/dev/null 2>&1 & echo $!; wait");
  const pid_t job = wait_for_pid();
  program_->stop();
  ASSERT_TRUE(wait_for_end());
  EXPECT_TRUE(wait_until_gone(job));
}

TEST_F(PtyStop, ends_jobs_in_process_groups_of_their_own) {
  start_script("set -m; (trap '' HUP; exec sleep 1000) & echo $!; wait");
  const pid_t job = wait_for_pid();
  EXPECT_EQ(::getpgid(job), job);
  program_->stop();
  ASSERT_TRUE(wait_for_end());
  EXPECT_TRUE(wait_until_gone(job));
}

TEST_F(PtyStop, ends_stopped_jobs) {
  start_script("sleep 1000 & kill -STOP $!; echo $!; wait");
  const pid_t job = wait_for_pid();
  program_->stop();
  ASSERT_TRUE(wait_for_end());
  EXPECT_TRUE(wait_until_gone(job));
}

TEST_F(PtyStop, ends_orphans_that_stayed_in_the_session) {
  start_script("(sh -c 'trap \"\" HUP; echo $$; exec sleep 1000' &); sleep 1000");
  const pid_t orphan = wait_for_pid();
  program_->stop();
  ASSERT_TRUE(wait_for_end());
  EXPECT_TRUE(wait_until_gone(orphan));
}

TEST_F(PtyStop, may_be_called_twice) {
  start_script("echo ready; sleep 1000");
  ASSERT_TRUE(wait_for_output("ready"));
  program_->stop();
  program_->stop();
  program_->write(protocol::as_bytes("too late"));
  program_->resize({});
  ASSERT_TRUE(wait_for_end());
}

TEST_F(PtyStop, needs_nothing_from_a_program_that_left_its_terminal) {
  start_script("echo $$; exec </dev/null >/dev/null 2>&1; exec sleep 1000");
  const pid_t program = wait_for_pid();
  ASSERT_TRUE(wait_for_end());
  EXPECT_TRUE(wait_until_gone(program));
}

TEST_F(PtyStop, gives_a_program_that_left_its_terminal_time_to_exit) {
  grace_ = std::chrono::hours(1);
  start_script("exec </dev/null >/dev/null 2>&1; sleep 0.1; exit 3");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_->code, 3);
}

TEST_F(PtyStop, a_normal_exit_leaves_no_background_job) {
  start_script("nohup sleep 1000 >/dev/null 2>&1 & echo $!; exit 3");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_->code, 3);
  EXPECT_TRUE(wait_until_gone(wait_for_pid()));
}

TEST_F(PtyStop, a_normal_exit_does_not_wait_for_jobs_that_hold_the_terminal) {
  start_script("(trap '' HUP; exec sleep 1000) & echo $!; exit 3");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_->code, 3);
  EXPECT_TRUE(wait_until_gone(wait_for_pid()));
}

TEST_F(PtyStop, spares_what_left_the_session_and_does_not_wait_for_it) {
  start_script("setsid sh -c 'echo $$; exec sleep 1000' & read line; echo bye; exit 0");
  const pid_t daemon = wait_for_pid();
  program_->write(protocol::as_bytes("\n"));
  ASSERT_TRUE(wait_for_end());
  EXPECT_TRUE(output_.ends_with("bye\r\n")) << output_;
  EXPECT_FALSE(test::process_gone(daemon));
  ::kill(daemon, SIGKILL);
  EXPECT_TRUE(wait_until_gone(daemon));
}

TEST_F(PtyStop, does_not_read_for_ever_what_a_daemon_writes) {
  start_script("setsid sh -c 'echo $$; exec yes' & read line; exit 0");
  const pid_t daemon = wait_for_pid();
  program_->write(protocol::as_bytes("\n"));
  EXPECT_TRUE(wait_for_end());
  ::kill(daemon, SIGKILL);
  EXPECT_TRUE(wait_until_gone(daemon));
}

TEST_F(PtyStop, destroying_kills_at_once) {
  start_script("trap '' HUP; nohup sleep 1000 >/dev/null 2>&1 & echo $!; wait");
  const pid_t job = wait_for_pid();
  const pid_t program = program_->pid();
  program_.reset();
  EXPECT_TRUE(test::process_gone(program));
  EXPECT_TRUE(wait_until_gone(job));
  EXPECT_FALSE(end_);
}

TEST_F(PtyStop, destroying_while_stopping_kills_at_once) {
  grace_ = std::chrono::hours(1);
  start_script("trap '' HUP; echo $$; while :; do sleep 1000; done");
  const pid_t program = wait_for_pid();
  program_->stop();
  program_.reset();
  EXPECT_TRUE(test::process_gone(program));
}

TEST_F(PtyStop, catches_up_with_a_program_that_keeps_forking) {
  start_script("trap '' HUP; while :; do (exec sleep 1000) & echo $!; done");
  ASSERT_TRUE(test::loop_until(
      loop_, [this] { return std::count(output_.begin(), output_.end(), '\n') > 50; }));
  program_.reset();
}

/// Runs in a process of its own: starts a program, reports its id once it ignores the hangup, and
/// waits to be killed.
[[noreturn]] void be_a_server(int report) {
  net::EventLoop loop;
  bool ready = false;
  auto program = agent::PtyProcess::start(
      loop,
      {.argv = {"/bin/sh", "-c", "trap '' HUP; echo ready; exec sleep 1000"},
       .environment = {"PATH=/usr/bin:/bin"},
       .directory = {},
       .size = {},
       .chunk_bytes = 1024,
       .stop_grace = std::chrono::hours(1)},
      {.on_output = [&](protocol::Bytes) { ready = true; },
       .on_input_drained = {},
       .on_end = [](auto) {}});
  const bool started = program && test::loop_until(loop, [&] { return ready; });
  const pid_t pid = started ? (*program)->pid() : 0;
  if (::write(report, &pid, sizeof pid) != sizeof pid) {
    ::_exit(1);
  }
  while (true) {
    ::pause();
  }
}

TEST_F(PtyStop, a_killed_server_takes_its_programs_along) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t server = ::fork();
  if (server == 0) {
    be_a_server(ends[1]);
  }
  pid_t program = 0;
  ASSERT_EQ(::read(ends[0], &program, sizeof program), static_cast<ssize_t>(sizeof program));
  ASSERT_GT(program, 0);
  EXPECT_FALSE(test::process_gone(program));
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_TRUE(wait_until_gone(program));
}

}  // namespace
}  // namespace ssm::agent
