#include "ssm/agent/agent_session.hpp"

#include <sys/random.h>

#include <utility>
#include <variant>

#include "detail/agent_session_impl.hpp"
#include "ssm/protocol/assert.hpp"

namespace ssm::agent {

using net::EventLoop;
using protocol::Bytes;
using protocol::Frame;
using protocol::Result;
using namespace std::chrono_literals;

namespace {

/// Longer than a dropped connection takes to write what it holds.
constexpr net::Duration drop_limit = 3s;

protocol::SecretSeed fresh_secret() {
  protocol::SecretSeed seed{};
  const ssize_t count = ::getrandom(seed.data(), seed.size(), 0);
  SSM_ASSERT(count == static_cast<ssize_t>(seed.size()));
  return seed;
}

protocol::AgentConfig role_config(const AgentSessionOptions& options) {
  return {.profile = options.profile,
          .session_id = options.session_id,
          .instance_id = options.instance_id,
          .session = options.description,
          .epoch = {.start = EventLoop::now(), .unix_ms_at_start = EventLoop::unix_ms()},
          .seed = options.seed,
          .secret = fresh_secret()};
}

}  // namespace

AgentSession::AgentSession(EventLoop& loop, AgentSessionOptions options,
                           std::unique_ptr<SessionProgram> program, OnEnded on_ended)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(program),
                                   std::move(on_ended))) {}

AgentSession::~AgentSession() = default;

void AgentSession::cancel() {
  impl_->cancel();
}

void AgentSession::set_stalled(bool stalled) {
  impl_->set_stalled(stalled);
}

AgentSession::Impl::Impl(EventLoop& loop, AgentSessionOptions options,
                         std::unique_ptr<SessionProgram> program, OnEnded on_ended)
    : loop_(loop),
      options_(std::move(options)),
      program_(std::move(program)),
      on_ended_(std::move(on_ended)),
      role_(role_config(options_)),
      old_socket_timer_(loop),
      role_timer_(loop),
      output_timer_(loop),
      input_timer_(loop) {
  role_.start(EventLoop::now());
  advance();
}

AgentSession::Impl::~Impl() = default;

// --- driving the role ---------------------------------------------------------------------------

void AgentSession::Impl::advance() {
  if (advancing_ || stalled_) {
    return;
  }
  advancing_ = true;
  do {
    while (advance_once()) {
    }
  } while (update_input());
  advancing_ = false;
  arm_role_timer();
  end_when_clean();
}

bool AgentSession::Impl::advance_once() {
  if (const auto output = role_.poll_output()) {
    std::visit([this](const auto& request) { perform(request); }, *output);
    return true;
  }
  if (const auto event = role_.poll_event()) {
    std::visit([this](const auto& happened) { handle(happened); }, *event);
    return true;
  }
  return send_output() || notice_end();
}

void AgentSession::Impl::set_stalled(bool stalled) {
  if (std::exchange(stalled_, stalled) == stalled) {
    return;
  }
  if (stalled) {
    role_timer_.cancel();
    if (socket_) {
      socket_->pause_reading();
    }
    return;
  }
  if (socket_ && input_ != Input::socket_paused) {
    socket_->resume_reading();
  }
  role_.on_timer(EventLoop::now());
  advance();
}

void AgentSession::Impl::arm_role_timer() {
  if (stalled_) {
    return;
  }
  if (const std::optional<net::Instant> deadline = role_.next_timeout()) {
    role_timer_.arm(*deadline, [this] {
      role_.on_timer(EventLoop::now());
      advance();
    });
  } else {
    role_timer_.cancel();
  }
}

void AgentSession::Impl::perform(const protocol::RequestDataChannel& request) {
  const net::Url url = create_data_channel_url(options_.endpoint, options_.session_id);
  operation_ = net::http_request(
      loop_, url, create_data_channel_request(url, request.request_id, options_.sign),
      detail::request_timeout, [this](const Result<net::HttpResponse>& answer) {
        detail::give_token(role_, answer);
        advance();
      });
}

void AgentSession::Impl::perform(const protocol::OpenConnection& /*request*/) {
  //= TRANS-003
  const net::Url url = data_channel_url(options_.endpoint, options_.session_id);
  operation_ = net::connect_websocket(
      loop_, url, data_channel_headers(url, options_.sign), net::WebSocketOptions{},
      [this](Result<net::WebSocket> opened) {
        detail::give_connection(role_, std::move(opened), [this](net::WebSocket socket) {
          connection_open(std::move(socket));
        });
        advance();
      });
}

void AgentSession::Impl::connection_open(net::WebSocket socket) {
  socket_ = std::move(socket);
  // A dropped connection still reports its end; the number tells it from its successor.
  const int number = ++connection_number_;
  socket_->start({
      .on_message =
          [this, number](const Frame& message, bool /*is_text*/) {
            //= TRANS-015
            if (number == connection_number_ && socket_) {
              role_.receive(message, EventLoop::now());
              advance();
            }
          },
      .on_end = [this, number](const net::WebSocketEnd& end) { connection_ended(number, end); },
      .on_writable = [this] { advance(); },
      .on_ping = nullptr,
      .on_pong =
          [this, number](std::string_view) {
            if (number == connection_number_) {
              role_.pong_received(EventLoop::now());
              arm_role_timer();
            }
          },
  });
  if (stalled_ || input_ == Input::socket_paused) {
    socket_->pause_reading();
  }
  role_.connection_opened(EventLoop::now());
}

void AgentSession::Impl::connection_ended(int number, const net::WebSocketEnd& end) {
  if (number == connection_number_ && socket_) {
    socket_.reset();
    role_.connection_lost(end.detail, EventLoop::now());
    advance();
  } else if (number == old_connection_number_) {
    forget_old_connection();
  }
}

void AgentSession::Impl::perform(const protocol::DropConnection& /*request*/) {
  //= CLOSE-009
  if (!socket_) {
    return;
  }
  old_socket_ = std::exchange(socket_, std::nullopt);
  old_connection_number_ = connection_number_;
  old_socket_->drop();
  old_socket_timer_.arm(EventLoop::now() + drop_limit, [this] { forget_old_connection(); });
}

void AgentSession::Impl::forget_old_connection() {
  old_socket_timer_.cancel();
  old_socket_.reset();
  advance();
}

void AgentSession::Impl::perform(const protocol::DecryptDataKey& /*request*/) {
  // Not asked for: sessions of this driver have no key.
  role_.data_key_failed("there is no KMS access", EventLoop::now());
}

// --- the program --------------------------------------------------------------------------------

void AgentSession::Impl::handle(const protocol::AgentConnected& event) {
  if (program_state_ != Program::none) {
    return;
  }
  const Result<> started = program_->start(event, [this] { advance(); });
  if (!started) {
    program_state_ = Program::ended;
    role_.fail(started.error().context, EventLoop::now());
    return;
  }
  program_state_ = Program::running;
  if (program_->takes_input()) {
    read_input_again();
  }
}

void AgentSession::Impl::handle(const protocol::InputReceived& event) {
  if (program_state_ == Program::running || program_state_ == Program::stopping) {
    program_->receive(event.type, event.data);
  }
}

void AgentSession::Impl::handle(const protocol::TerminalResized& event) {
  //= SHELL-004
  if (program_state_ == Program::running) {
    program_->resize(event.size);
  }
}

void AgentSession::Impl::handle(const protocol::ChannelClosedByService& /*event*/) {
  cancel();
}

void AgentSession::Impl::handle(const protocol::OutputPossible& /*event*/) {}

void AgentSession::Impl::cancel() {
  //= SHELL-023
  if (ended_) {
    return;
  }
  if (program_state_ == Program::running) {
    stop_program();
  } else if (program_state_ != Program::stopping) {
    program_state_ = Program::ended;
    role_.cancelled(EventLoop::now());
  }
  advance();
}

void AgentSession::Impl::stop_program() {
  program_state_ = Program::stopping;
  refuse_input();
  program_->stop();
}

bool AgentSession::Impl::notice_end() {
  if (program_state_ != Program::running && program_state_ != Program::stopping) {
    return false;
  }
  const std::optional<ProgramEnd> end = program_->ended();
  if (!end) {
    return false;
  }
  program_state_ = Program::ended;
  refuse_input();
  const net::Instant now = EventLoop::now();
  switch (end->kind) {
    case ProgramEnd::Kind::finished:
      //= SHELL-021
      role_.finish(now);
      break;
    case ProgramEnd::Kind::failed:
      role_.fail(end->text, now);
      break;
    case ProgramEnd::Kind::dismissed:
      dismissed_ = true;
      role_.cancelled(now);
      break;
    case ProgramEnd::Kind::cancelled:
      role_.cancelled(now);
      break;
  }
  return true;
}

// --- end ----------------------------------------------------------------------------------------

void AgentSession::Impl::handle(const protocol::AgentEnded& event) {
  ended_ = event;
  if (dismissed_ && ended_->reason == protocol::AgentEnd::cancelled) {
    ended_->reason = protocol::AgentEnd::success;
  }
  operation_ = {};
  if (program_state_ == Program::running) {
    stop_program();
  }
}

void AgentSession::Impl::end_when_clean() {
  const bool program_left =
      program_state_ == Program::running || program_state_ == Program::stopping;
  if (!ended_ || reported_ || program_left || old_socket_) {
    return;
  }
  socket_.reset();
  reported_ = true;
  // Posted: the callback may destroy this object, whose functions are still running.
  loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) {
      return;
    }
    const auto callback = std::move(on_ended_);
    callback(ended_->reason, std::move(ended_->text));
  });
}

}  // namespace ssm::agent
