#include "detail/process_session.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "detail/session_processes.hpp"

namespace ssm::agent::detail {

using net::EventLoop;
using namespace std::chrono_literals;

namespace {

/// Between looks for processes that have not ended yet: doubles from the first to the last.
constexpr net::Duration first_look_interval = 5ms;
constexpr net::Duration last_look_interval = 160ms;
/// One empty look may miss a process that was born during it (session_processes.cpp).
constexpr int empty_looks_wanted = 2;

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

ProcessSession::ProcessSession(EventLoop& loop, pid_t leader, int pidfd, net::Duration stop_grace,
                               std::function<void(ExitStatus)> on_gone)
    : leader_(leader),
      stop_grace_(stop_grace),
      on_gone_(std::move(on_gone)),
      exit_watch_(std::in_place, loop, pidfd),
      timer_(loop) {
  exit_watch_->wait_readable([this] { leader_exited(); });
}

ProcessSession::~ProcessSession() {
  timer_.cancel();
  if (state_ == State::gone) {
    return;
  }
  kill_session(leader_);
  pollfd exit{.fd = exit_watch_->fd(), .events = POLLIN, .revents = 0};
  while (::poll(&exit, 1, kill_wait_ms) < 0 && errno == EINTR) {
  }
  ::waitpid(leader_, nullptr, WNOHANG);
}

void ProcessSession::signal_leader(int signal) {
  if (exit_watch_) {
    ::syscall(SYS_pidfd_send_signal, exit_watch_->fd(), signal, nullptr, 0);
  }
}

void ProcessSession::leader_exited() {
  // Not reaped yet: its number is the session's, and must stay its own while that is looked for.
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(leader_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      info.si_pid == leader_) {
    status_ = exit_status(info);
  }
  exited_ = true;
  if (state_ == State::running) {
    hang_up();
  } else if (state_ == State::ending) {
    look_for_survivors();
  }
}

void ProcessSession::hang_up() {
  if (state_ != State::running) {
    return;
  }
  state_ = State::ending;
  kill_at_ = EventLoop::now() + stop_grace_;
  look_again_ = first_look_interval;
  if (signal_session(leader_, SIGHUP) > 0) {
    // A stopped job sees the signal only when it runs again.
    signal_session(leader_, SIGCONT);
    timer_.arm(EventLoop::now() + look_again_, [this] { look_for_survivors(); });
    return;
  }
  empty_looks_ = 1;
  timer_.arm(EventLoop::now(), [this] { look_for_survivors(); });
}

void ProcessSession::look_for_survivors() {
  const bool any = signal_session(leader_, 0) > 0;
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
    kill_session(leader_);
    if (!std::exchange(killed_, true)) {
      look_again_ = first_look_interval;
    }
  }
  const net::Instant next = now + look_again_;
  timer_.arm(killed_ ? next : std::min(next, kill_at_), [this] { look_for_survivors(); });
}

void ProcessSession::reap() {
  ::waitpid(leader_, nullptr, WNOHANG);
  timer_.cancel();
  exit_watch_.reset();
  state_ = State::gone;
  // A local: the callback may destroy this object.
  const auto callback = std::move(on_gone_);
  const ExitStatus status = status_;
  callback(status);
}

}  // namespace ssm::agent::detail
