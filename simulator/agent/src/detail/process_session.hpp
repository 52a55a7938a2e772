#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "ssm/agent/program_options.hpp"
#include "ssm/net/descriptor.hpp"
#include "ssm/net/event_loop.hpp"

namespace ssm::agent::detail {

/// A program that leads a session of its own, and every process in it, until none is left.
///
/// Once the leader ends, or at `hang_up`, every process of the session gets SIGHUP, as a lost
/// terminal gives, and after a grace period SIGKILL. They are found in /proc by their session id,
/// before the leader is reaped and its number could be used again.
///
/// Used from the loop's thread. Destroying it kills the session at once.
class ProcessSession {
 public:
  /// `on_gone`: once, last; the leader was reaped, and no process of its session is left. May
  /// destroy the ProcessSession.
  ProcessSession(net::EventLoop& loop, pid_t leader, int pidfd, net::Duration stop_grace,
                 std::function<void(ExitStatus)> on_gone);
  ~ProcessSession();
  ProcessSession(const ProcessSession&) = delete;
  ProcessSession& operator=(const ProcessSession&) = delete;

  void hang_up();
  /// To the leader alone.
  void signal_leader(int signal);

 private:
  /// running -> ending (SIGHUP sent, SIGKILL later) -> gone
  enum class State : std::uint8_t { running, ending, gone };

  void leader_exited();
  void look_for_survivors();
  void reap();

  pid_t leader_;
  net::Duration stop_grace_;
  std::function<void(ExitStatus)> on_gone_;
  std::optional<net::Descriptor> exit_watch_;
  net::Timer timer_;
  State state_ = State::running;
  bool exited_ = false;
  bool killed_ = false;
  ExitStatus status_;
  net::Instant kill_at_{};
  net::Duration look_again_{0};
  int empty_looks_ = 0;
};

}  // namespace ssm::agent::detail
