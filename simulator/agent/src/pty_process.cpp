#include "ssm/agent/pty_process.hpp"

#include <sys/ioctl.h>
#include <termios.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "detail/process_session.hpp"
#include "detail/spawn.hpp"

namespace ssm::agent {

using net::EventLoop;
using protocol::Bytes;
using protocol::Result;
using namespace std::chrono_literals;

namespace {

/// After the session's end the terminal may still be held open by a process that left it. No more
/// can lie in the kernel than its terminal buffer of 64 KiB, and that is read at once.
constexpr net::Duration silence_interval = 50ms;
constexpr int silent_checks_wanted = 2;
constexpr std::size_t drain_limit_bytes = std::size_t{256} * 1024;

}  // namespace

Result<std::unique_ptr<PtyProcess>> PtyProcess::start(EventLoop& loop,
                                                      const ProgramOptions& options,
                                                      PtyHandlers handlers) {
  Result<detail::SpawnedProgram> program = detail::spawn_in_terminal(options);
  if (!program) {
    return program.error();
  }
  return std::unique_ptr<PtyProcess>(new PtyProcess(loop, options, std::move(handlers),
                                                    program->output.release(), program->pid,
                                                    program->pidfd.release()));
}

PtyProcess::PtyProcess(EventLoop& loop, const ProgramOptions& options, PtyHandlers handlers,
                       int terminal, pid_t pid, int pidfd)
    : stop_grace_(options.stop_grace),
      handlers_(std::move(handlers)),
      pid_(pid),
      terminal_(std::in_place, loop, terminal),
      processes_(std::make_unique<detail::ProcessSession>(loop, pid, pidfd, options.stop_grace,
                                                          [this](ExitStatus status) {
                                                            status_ = status;
                                                            processes_gone();
                                                          })),
      timer_(loop) {
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
    timer_.arm(EventLoop::now() + stop_grace_, [this] { processes_->hang_up(); });
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
  processes_->hang_up();
}

void PtyProcess::processes_gone() {
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
