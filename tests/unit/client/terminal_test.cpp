#include "ssm/client/terminal.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <functional>

#include "pty_pair.hpp"

namespace ssm::client {
namespace {

using test::PtyPair;

/// Runs `body` in a child process and returns its wait status.
int in_child(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    // No core files, and no report of a sanitizer, for deaths that are meant.
    for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) {
      std::signal(signal, SIG_DFL);
    }
    close(STDERR_FILENO);
    // As from main: nothing above catches.
    [&]() noexcept { body(); }();
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

TEST(Terminal, is_raw_between_enter_and_leave) {
  const PtyPair pty;
  Terminal terminal(pty.slave);
  EXPECT_TRUE(pty.cooked());
  terminal.enter(OutputProcessing::off);
  EXPECT_TRUE(pty.raw());
  EXPECT_EQ(pty.mode().c_oflag & OPOST, 0U);
  terminal.leave();
  EXPECT_TRUE(pty.cooked());
}

TEST(Terminal, keeps_output_processing_on_request) {
  const PtyPair pty;
  Terminal terminal(pty.slave);
  terminal.enter(OutputProcessing::on);
  EXPECT_TRUE(pty.raw());
  EXPECT_NE(pty.mode().c_oflag & OPOST, 0U);
}

TEST(Terminal, is_restored_by_the_destructor) {
  const PtyPair pty;
  {
    Terminal terminal(pty.slave);
    terminal.enter(OutputProcessing::off);
  }
  EXPECT_TRUE(pty.cooked());
}

TEST(Terminal, restores_every_flag_it_found) {
  const PtyPair pty;
  termios odd = pty.mode();
  odd.c_lflag &= ~static_cast<tcflag_t>(ECHOE);
  odd.c_iflag |= IXOFF;
  odd.c_cc[VMIN] = 7;
  ASSERT_EQ(tcsetattr(pty.slave, TCSANOW, &odd), 0);
  {
    Terminal terminal(pty.slave);
    terminal.enter(OutputProcessing::off);
    terminal.enter(OutputProcessing::on);
  }
  const termios after = pty.mode();
  EXPECT_EQ(after.c_lflag, odd.c_lflag);
  EXPECT_EQ(after.c_iflag, odd.c_iflag);
  EXPECT_EQ(after.c_oflag, odd.c_oflag);
  EXPECT_EQ(after.c_cc[VMIN], odd.c_cc[VMIN]);
}

TEST(Terminal, does_nothing_to_a_pipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Terminal terminal(ends[0]);
  terminal.enter(OutputProcessing::off);
  EXPECT_FALSE(terminal.raw());
  close(ends[0]);
  close(ends[1]);
}

TEST(Terminal, is_restored_when_a_signal_kills_the_process_which_still_dies_of_it) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    const PtyPair pty;
    const int status = in_child([&] {
      Terminal terminal(pty.slave);
      terminal.enter(OutputProcessing::off);
      if (!pty.raw()) {
        _exit(9);
      }
      raise(signal);
    });
    ASSERT_TRUE(WIFSIGNALED(status)) << strsignal(signal);
    EXPECT_EQ(WTERMSIG(status), signal);
    EXPECT_TRUE(pty.cooked()) << strsignal(signal);
  }
}

TEST(Terminal, is_restored_after_abort_terminate_and_an_uncaught_exception) {
  const std::function<void()> deaths[] = {
      [] { std::abort(); },
      [] { std::terminate(); },
      [] { throw 1; },
  };
  for (const auto& death : deaths) {
    const PtyPair pty;
    const int status = in_child([&] {
      Terminal terminal(pty.slave);
      terminal.enter(OutputProcessing::off);
      death();
    });
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGABRT);
    EXPECT_TRUE(pty.cooked());
  }
}

TEST(Terminal, is_restored_at_exit_without_unwinding) {
  const PtyPair pty;
  const int status = in_child([&] {
    Terminal terminal(pty.slave);
    terminal.enter(OutputProcessing::off);
    std::exit(5);  // NOLINT(concurrency-mt-unsafe)
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 5);
  EXPECT_TRUE(pty.cooked());
}

TEST(Terminal, leaves_signals_alone_that_the_program_ignores_or_handles) {
  const PtyPair pty;
  const int status = in_child([&] {
    std::signal(SIGHUP, SIG_IGN);
    std::signal(SIGTERM, [](int) {});
    Terminal terminal(pty.slave);
    terminal.enter(OutputProcessing::off);
    raise(SIGHUP);
    raise(SIGTERM);
    if (!pty.raw()) {
      _exit(1);
    }
  });
  EXPECT_EQ(status, 0);
}

TEST(TerminalSize, is_that_of_the_terminal) {
  const PtyPair pty;
  pty.resize(123, 45);
  EXPECT_EQ(terminal_size(pty.slave), (protocol::TerminalSize{.cols = 123, .rows = 45}));
}

//= SHELL-003
TEST(TerminalSize, is_300_by_100_without_a_terminal_or_when_it_does_not_know) {
  const protocol::TerminalSize without{.cols = 300, .rows = 100};
  const PtyPair pty;
  pty.resize(0, 0);
  EXPECT_EQ(terminal_size(pty.slave), without);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(terminal_size(ends[1]), without);
  close(ends[0]);
  close(ends[1]);
  EXPECT_EQ(terminal_size(-1), without);
}

}  // namespace
}  // namespace ssm::client
