#include <utility>

#include "detail/shell_session_impl.hpp"

/// Who may be read: the program's terminal and the service's socket, so that neither direction
/// holds more than its limit and neither can stop the other for ever.

namespace ssm::agent {

using net::EventLoop;
using namespace std::chrono_literals;

namespace {

/// Input that may wait for the terminal before its source is held back.
constexpr std::size_t input_queue_limit_bytes = std::size_t{64} * 1024;
/// A source held back through TCP is looked at this often, and not held longer than so many looks:
/// what ends a session, or keeps it alive, comes through the same socket.
constexpr net::Duration input_check_interval = 1s;
constexpr int max_input_checks = 10;

}  // namespace

// --- output: terminal to socket -----------------------------------------------------------------

bool ShellSession::Impl::output_possible() const {
  return role_.can_send() && !(socket_ && socket_->congested());
}

bool ShellSession::Impl::send_output() {
  if (output_.empty() || output_waits_ || !output_possible()) {
    return false;
  }
  role_.send_output(protocol::PayloadType::output, output_, EventLoop::now());
  output_.clear();
  if (options_.profile.send_pause > net::Duration::zero()) {
    output_waits_ = true;
    output_timer_.arm(EventLoop::now() + options_.profile.send_pause, [this] {
      output_waits_ = false;
      advance();
    });
  }
  return true;
}

bool ShellSession::Impl::finish_when_sent() {
  //= SHELL-021
  if (program_state_ != Program::ended || !output_.empty()) {
    return false;
  }
  program_state_ = Program::done;
  role_.finish(EventLoop::now());
  return true;
}

void ShellSession::Impl::update_output() {
  if (program_ == nullptr) {
    return;
  }
  if (output_.empty() && !output_waits_ && output_possible()) {
    program_->resume_output();
  } else {
    program_->pause_output();
  }
}

// --- input: socket to terminal ------------------------------------------------------------------

void ShellSession::Impl::update_input() {
  const bool full = program_ != nullptr && program_->queued_input_bytes() > input_queue_limit_bytes;
  if (input_ == Input::flowing && full) {
    input_ = Input::socket_paused;
    input_checks_ = 0;
    input_queue_seen_ = program_->queued_input_bytes();
    if (socket_) {
      socket_->pause_reading();
    }
    input_timer_.arm(EventLoop::now() + input_check_interval, [this] { check_input_progress(); });
  }
  // Output that waits for what the service sends would keep the program from reading its input.
  if (input_ == Input::socket_paused && program_ != nullptr && !output_possible()) {
    refuse_input();
  }
}

void ShellSession::Impl::check_input_progress() {
  const std::size_t queued = program_ ? program_->queued_input_bytes() : 0;
  const bool progress = queued < input_queue_seen_;
  input_queue_seen_ = queued;
  if (!progress || ++input_checks_ >= max_input_checks) {
    refuse_input();
    return;
  }
  input_timer_.arm(EventLoop::now() + input_check_interval, [this] { check_input_progress(); });
}

void ShellSession::Impl::read_input_again() {
  input_timer_.cancel();
  if (std::exchange(input_, Input::flowing) == Input::socket_paused && socket_) {
    socket_->resume_reading();
  }
  role_.set_input_ready(true, EventLoop::now());
  advance();
}

void ShellSession::Impl::refuse_input() {
  //= SEQ-012
  input_timer_.cancel();
  if (std::exchange(input_, Input::unacknowledged) == Input::socket_paused && socket_) {
    socket_->resume_reading();
  }
  role_.set_input_ready(false, EventLoop::now());
}

}  // namespace ssm::agent
