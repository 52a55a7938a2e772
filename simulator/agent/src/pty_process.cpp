#include "ssm/agent/pty_process.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "detail/session_processes.hpp"
#include "detail/spawn.hpp"

namespace ssm::agent {

using net::EventLoop;
using protocol::Bytes;
using protocol::Result;
using namespace std::chrono_literals;

namespace {

/// Between looks for processes that have not ended yet: doubles from the first to the last.
constexpr net::Duration first_look_interval = 5ms;
constexpr net::Duration last_look_interval = 160ms;
/// One empty look may miss a process that was born during it (session_processes.cpp).
constexpr int empty_looks_wanted = 2;

/// After the session's end the terminal may still be held open by a process that left it. No more
/// can lie in the kernel than its terminal buffer of 64 KiB, and that is read at once.
constexpr net::Duration silence_interval = 50ms;
constexpr int silent_checks_wanted = 2;
constexpr std::size_t drain_limit_bytes = std::size_t{256} * 1024;

/// The destructor waits this long at most for a killed program, which may hang in the kernel.
constexpr int kill_wait_ms = 2000;

ExitStatus exit_status(const siginfo_t& info) {
  ExitStatus status;
  if (info.si_code == CLD_EXITED) {
    status.code = info.si_status;
  } else {
    status.signal = info.si_status;
  }
  return status;
}

}  // namespace

Result<std::unique_ptr<PtyProcess>> PtyProcess::start(EventLoop& loop, const PtyOptions& options,
                                                      PtyHandlers handlers) {
  Result<detail::SpawnedProgram> program = detail::spawn_in_terminal(options);
  if (!program) {
    return program.error();
  }
  return std::unique_ptr<PtyProcess>(new PtyProcess(loop, options, std::move(handlers),
                                                    program->terminal.release(), program->pid,
                                                    program->pidfd.release()));
}

PtyProcess::PtyProcess(EventLoop& loop, const PtyOptions& options, PtyHandlers handlers,
                       int terminal, pid_t pid, int pidfd)
    : stop_grace_(options.stop_grace),
      handlers_(std::move(handlers)),
      pid_(pid),
      terminal_(std::in_place, loop, terminal),
      exit_watch_(std::in_place, loop, pidfd),
      timer_(loop) {
  exit_watch_->wait_readable([this] { program_exited(); });
  terminal_->on_drained([this] {
    if (handlers_.on_input_drained) {
      handlers_.on_input_drained();
    }
  });
  terminal_->start_reading(
      options.chunk_bytes, [this](Bytes bytes) { receive_output(bytes); },
      [this](boost::system::error_code) { output_ended(); });
}

PtyProcess::~PtyProcess() {
  timer_.cancel();
  terminal_.reset();
  if (reaped_) {
    return;
  }
  detail::kill_session(pid_);
  pollfd exit{.fd = exit_watch_->fd(), .events = POLLIN, .revents = 0};
  while (::poll(&exit, 1, kill_wait_ms) < 0 && errno == EINTR) {
  }
  ::waitpid(pid_, nullptr, WNOHANG);
}

void PtyProcess::write(Bytes input) {
  if (terminal_ && !input.empty()) {
    terminal_->write(input);
  }
}

std::size_t PtyProcess::queued_input_bytes() const {
  return terminal_ ? terminal_->queued_bytes() : 0;
}

void PtyProcess::pause_output() {
  if (!std::exchange(output_paused_, true) && terminal_) {
    terminal_->pause();
  }
}

void PtyProcess::resume_output() {
  if (std::exchange(output_paused_, false) && terminal_) {
    terminal_->resume();
  }
}

void PtyProcess::resize(WindowSize size) {
  if (!terminal_) {
    return;
  }
  winsize window{};
  window.ws_col = size.columns;
  window.ws_row = size.rows;
  // Fails only for a terminal that is gone.
  ::ioctl(terminal_->fd(), TIOCSWINSZ, &window);
}

void PtyProcess::receive_output(Bytes bytes) {
  if (state_ == State::draining) {
    drained_bytes_ += bytes.size();
  }
  handlers_.on_output(bytes);
}

void PtyProcess::output_ended() {
  // The terminal stays open: closing it would be a hangup.
  output_ended_ = true;
  if (state_ == State::draining) {
    end();
  } else if (state_ == State::running) {
    // Usually the program's exit, which closes its descriptors before it is reported. Otherwise it
    // has closed its terminal and goes on without: it gets the same time to end as after a SIGHUP.
    timer_.arm(EventLoop::now() + stop_grace_, [this] { hang_up(); });
  }
}

void PtyProcess::stop() {
  if (state_ == State::ended) {
    return;
  }
  terminal_.reset();
  if (state_ == State::draining) {
    // Not from inside the call: the caller may not expect on_end to destroy this object here.
    timer_.arm(EventLoop::now(), [this] { end(); });
    return;
  }
  hang_up();
}

void PtyProcess::program_exited() {
  // Not reaped yet: its number is the session's, and must stay its own while that is looked for.
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      info.si_pid == pid_) {
    status_ = exit_status(info);
  }
  exited_ = true;
  if (state_ == State::running) {
    hang_up();
  } else if (state_ == State::ending) {
    look_for_survivors();
  }
}

void PtyProcess::hang_up() {
  if (state_ != State::running) {
    return;
  }
  state_ = State::ending;
  kill_at_ = EventLoop::now() + stop_grace_;
  look_again_ = first_look_interval;
  if (detail::signal_session(pid_, SIGHUP) > 0) {
    // A stopped job sees the signal only when it runs again.
    detail::signal_session(pid_, SIGCONT);
    timer_.arm(EventLoop::now() + look_again_, [this] { look_for_survivors(); });
    return;
  }
  empty_looks_ = 1;
  timer_.arm(EventLoop::now(), [this] { look_for_survivors(); });
}

void PtyProcess::look_for_survivors() {
  const bool any = detail::signal_session(pid_, 0) > 0;
  empty_looks_ = any ? 0 : empty_looks_ + 1;
  if (exited_ && empty_looks_ >= empty_looks_wanted) {
    reap();
    return;
  }
  const net::Instant now = EventLoop::now();
  if (exited_ && !any) {
    timer_.arm(now, [this] { look_for_survivors(); });
    return;
  }
  look_again_ = std::min(2 * look_again_, last_look_interval);
  if (now >= kill_at_) {
    detail::kill_session(pid_);
    if (!std::exchange(killed_, true)) {
      look_again_ = first_look_interval;
    }
  }
  const net::Instant next = now + look_again_;
  timer_.arm(killed_ ? next : std::min(next, kill_at_), [this] { look_for_survivors(); });
}

void PtyProcess::reap() {
  ::waitpid(pid_, nullptr, WNOHANG);
  reaped_ = true;
  exit_watch_.reset();
  state_ = State::draining;
  if (!terminal_ || output_ended_) {
    end();
    return;
  }
  timer_.arm(EventLoop::now() + silence_interval, [this] { check_silence(); });
}

void PtyProcess::check_silence() {
  const bool silent = drained_bytes_ == drained_bytes_seen_ && !output_paused_;
  silent_checks_ = silent ? silent_checks_ + 1 : 0;
  drained_bytes_seen_ = drained_bytes_;
  if (silent_checks_ >= silent_checks_wanted || drained_bytes_ >= drain_limit_bytes) {
    end();
    return;
  }
  timer_.arm(EventLoop::now() + silence_interval, [this] { check_silence(); });
}

void PtyProcess::end() {
  state_ = State::ended;
  timer_.cancel();
  terminal_.reset();
  // A local: the callback may destroy this object and itself with it.
  const auto callback = std::move(handlers_.on_end);
  const ExitStatus status = status_;
  callback(status);
}

}  // namespace ssm::agent
