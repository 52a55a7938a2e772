#include <utility>

#include "detail/agent_session_impl.hpp"

/// Who may be read: the program and the service's socket, so that neither direction
/// holds more than its limit and neither can stop the other for ever.

namespace ssm::agent {

using net::EventLoop;
using namespace std::chrono_literals;

namespace {

/// A source held back through TCP is looked at this often, and not held longer than so many looks:
/// what ends a session, or keeps it alive, comes through the same socket.
constexpr net::Duration input_check_interval = 1s;
constexpr int max_input_checks = 10;

}  // namespace

// --- output: program to socket ------------------------------------------------------------------

bool AgentSession::Impl::output_possible() const {
  return role_.can_send() && !(socket_ && socket_->congested());
}

bool AgentSession::Impl::send_output() {
  if (program_state_ != Program::running && program_state_ != Program::stopping) {
    return false;
  }
  if (std::exchange(paused_, role_.paused()) != role_.paused() && role_.paused()) {
    program_->paused();
  }
  const bool possible = !output_waits_ && output_possible();
  program_->set_output_possible(possible);
  if (!possible) {
    return false;
  }
  const net::Instant now = EventLoop::now();
  const std::optional<ProgramOutput> output = program_->poll_output(now);
  if (!output) {
    return false;
  }
  role_.send_output(output->type, output->data, now);
  if (options_.profile.send_pause > net::Duration::zero()) {
    output_waits_ = true;
    output_timer_.arm(now + options_.profile.send_pause, [this] {
      output_waits_ = false;
      advance();
    });
  }
  return true;
}

// --- input: socket to program -------------------------------------------------------------------

bool AgentSession::Impl::update_input() {
  if (program_state_ != Program::running) {
    return false;
  }
  const bool takes = program_->takes_input();
  if (takes && input_ != Input::flowing) {
    read_input_again();
    return true;
  }
  if (!takes && input_ == Input::flowing) {
    hold_input();
  }
  // Output that waits for what the service sends would keep the program from reading its input.
  if (input_ == Input::socket_paused && !output_possible()) {
    refuse_input();
  }
  return false;
}

void AgentSession::Impl::hold_input() {
  input_ = Input::socket_paused;
  input_checks_ = 0;
  input_progress_seen_ = program_->input_progress();
  set_reading(false);
  input_timer_.arm(EventLoop::now() + input_check_interval, [this] { check_input_progress(); });
}

void AgentSession::Impl::check_input_progress() {
  const std::uint64_t progress = program_->input_progress();
  if (progress == input_progress_seen_ || ++input_checks_ >= max_input_checks) {
    refuse_input();
    arm_role_timer();
    return;
  }
  input_progress_seen_ = progress;
  input_timer_.arm(EventLoop::now() + input_check_interval, [this] { check_input_progress(); });
}

void AgentSession::Impl::read_input_again() {
  input_timer_.cancel();
  if (std::exchange(input_, Input::flowing) == Input::socket_paused) {
    set_reading(true);
  }
  role_.set_input_ready(true, EventLoop::now());
}

void AgentSession::Impl::refuse_input() {
  //= SEQ-012
  input_timer_.cancel();
  if (std::exchange(input_, Input::unacknowledged) == Input::socket_paused) {
    set_reading(true);
  }
  role_.set_input_ready(false, EventLoop::now());
}

/// The role waits for pongs, which come only while the socket is read.
void AgentSession::Impl::set_reading(bool reading) {
  role_.set_reading(reading, EventLoop::now());
  if (socket_ && reading && !stalled_) {
    socket_->resume_reading();
  } else if (socket_ && !reading) {
    socket_->pause_reading();
  }
}

}  // namespace ssm::agent
