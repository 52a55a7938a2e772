#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ssm/agent/program_options.hpp"
#include "ssm/net/descriptor.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::agent {

namespace detail {
class ProcessSession;
}  // namespace detail

struct PtyHandlers {
  /// Must not destroy the PtyProcess.
  std::function<void(protocol::Bytes)> on_output;
  /// All that `write` was given went to the terminal. Must not destroy the PtyProcess.
  std::function<void()> on_input_drained;
  /// Once, last: the program ended, its output was given to `on_output` (not after `stop`), and no
  /// process of its session is left. May destroy the PtyProcess.
  std::function<void(ExitStatus)> on_end;
};

/// A program in a pseudo terminal of its own, leader of its own session (setsid) with that terminal
/// as the controlling one.
///
/// The end of the program, of its terminal, and `stop` all end the whole session: every process of
/// it gets SIGHUP, as a lost terminal gives, and after a grace period SIGKILL. That includes
/// background jobs, jobs under nohup and programs in process groups of their own; found in /proc by
/// their session id, before the leader is reaped and its number could be used again. Only what left
/// the session with setsid stays.
///
/// This process does not make itself a child subreaper: that is a property of a whole process, and
/// would turn every daemonised grandchild into a child that somebody has to wait for. Orphans go to
/// the init process, which reaps them; being found does not depend on who their parent is.
///
/// A server that is killed takes the program along: PR_SET_PDEATHSIG sends it SIGKILL when the
/// *thread* that called `start` ends, therefore `start` is called on the loop's thread. Background
/// jobs that ignore SIGHUP outlive a server that was killed with SIGKILL.
///
/// Needs Linux 5.9 (pidfd_open, close_range).
///
/// Used from the loop's thread. Destroying it kills the session at once.
class PtyProcess {
 public:
  /// Starts the program; returns when it runs or could not be started, a matter of a millisecond.
  /// Errors: the system's, with what failed in the context ("cannot start nosuch: ...").
  [[nodiscard]] static protocol::Result<std::unique_ptr<PtyProcess>> start(
      net::EventLoop& loop, const ProgramOptions& options, PtyHandlers handlers);
  ~PtyProcess();
  PtyProcess(const PtyProcess&) = delete;
  PtyProcess& operator=(const PtyProcess&) = delete;

  /// Types `input` into the terminal. What the terminal cannot take yet is queued without a limit:
  /// the caller watches `queued_input_bytes`. A terminal in canonical mode drops what goes beyond a
  /// line of 4,095 bytes, as for any program.
  void write(protocol::Bytes input);
  [[nodiscard]] std::size_t queued_input_bytes() const;

  /// While paused the program's output stays in the kernel and the program waits.
  void pause_output();
  void resume_output();
  /// The foreground job gets SIGWINCH when the size changed.
  void resize(WindowSize size);
  /// Takes the terminal away and ends the session; `on_end` follows. No more output.
  void stop();

  /// Process id, process group and session of the program.
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  PtyProcess(net::EventLoop& loop, const ProgramOptions& options, PtyHandlers handlers,
             int terminal, pid_t pid, int pidfd);

  /// draining: all processes are gone, output may be left.
  enum class State : std::uint8_t { running, draining, ended };

  void receive_output(protocol::Bytes bytes);
  void output_ended();
  void processes_gone();
  void check_silence();
  void end();

  net::Duration stop_grace_;
  PtyHandlers handlers_;
  pid_t pid_;
  std::optional<net::Descriptor> terminal_;
  std::unique_ptr<detail::ProcessSession> processes_;
  net::Timer timer_;
  State state_ = State::running;
  bool output_ended_ = false;
  bool output_paused_ = false;
  ExitStatus status_;
  std::size_t drained_bytes_ = 0;
  std::size_t drained_bytes_seen_ = 0;
  int silent_checks_ = 0;
};

}  // namespace ssm::agent
