#include "ssm/agent/shell_session.hpp"

#include <utility>
#include <variant>

#include "detail/shell_session_impl.hpp"

namespace ssm::agent {

using net::EventLoop;
using protocol::Bytes;
using protocol::Frame;
using protocol::Result;
using namespace std::chrono_literals;

namespace {

constexpr net::Duration request_timeout = 15s;

/// Longer than a dropped connection takes to write what it holds.
constexpr net::Duration drop_limit = 3s;

protocol::AgentConfig role_config(const ShellSessionOptions& options) {
  return {.profile = options.profile,
          .session_id = options.session_id,
          .instance_id = options.instance_id,
          .epoch = {.start = EventLoop::now(), .unix_ms_at_start = EventLoop::unix_ms()},
          .seed = options.seed};
}

}  // namespace

ShellSession::ShellSession(EventLoop& loop, ShellSessionOptions options, OnEnded on_ended)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(on_ended))) {}

ShellSession::~ShellSession() = default;

void ShellSession::cancel() {
  impl_->cancel();
}

ShellSession::Impl::Impl(EventLoop& loop, ShellSessionOptions options, OnEnded on_ended)
    : loop_(loop),
      options_(std::move(options)),
      on_ended_(std::move(on_ended)),
      role_(role_config(options_)),
      old_socket_timer_(loop),
      role_timer_(loop),
      boundary_(options_.profile.damages_replacement_character),
      output_timer_(loop),
      input_timer_(loop) {
  role_.start(EventLoop::now());
  advance();
}

ShellSession::Impl::~Impl() = default;

// --- driving the role ---------------------------------------------------------------------------

void ShellSession::Impl::advance() {
  if (advancing_) {
    return;
  }
  advancing_ = true;
  while (advance_once()) {
  }
  advancing_ = false;
  update_output();
  update_input();
  arm_role_timer();
  end_when_clean();
}

bool ShellSession::Impl::advance_once() {
  if (const auto output = role_.poll_output()) {
    std::visit([this](const auto& request) { perform(request); }, *output);
    return true;
  }
  if (const auto event = role_.poll_event()) {
    std::visit([this](const auto& happened) { handle(happened); }, *event);
    return true;
  }
  return send_output() || finish_when_sent();
}

void ShellSession::Impl::arm_role_timer() {
  if (const std::optional<net::Instant> deadline = role_.next_timeout()) {
    role_timer_.arm(*deadline, [this] {
      role_.on_timer(EventLoop::now());
      advance();
    });
  } else {
    role_timer_.cancel();
  }
}

void ShellSession::Impl::perform(const protocol::RequestDataChannel& request) {
  const net::Url url = create_data_channel_url(options_.endpoint, options_.session_id);
  operation_ = net::http_request(
      loop_, url, create_data_channel_request(url, request.request_id, options_.sign),
      request_timeout, [this](Result<net::HttpResponse> answer) {
        receive_answer(answer);
        advance();
      });
}

void ShellSession::Impl::receive_answer(const Result<net::HttpResponse>& answer) {
  const net::Instant now = EventLoop::now();
  if (!answer) {
    role_.channel_refused(answer.error().to_string(), now);
  } else if (const Result<std::string> token = token_from_answer(*answer); token) {
    role_.channel_created(*token, now);
  } else {
    role_.channel_refused(token.error().context, now);
  }
}

void ShellSession::Impl::perform(const protocol::OpenConnection& /*request*/) {
  //= TRANS-003
  const net::Url url = data_channel_url(options_.endpoint, options_.session_id);
  operation_ = net::connect_websocket(
      loop_, url, data_channel_headers(url, options_.sign), net::WebSocketOptions{},
      [this](Result<net::WebSocket> opened) {
        if (opened) {
          connection_open(std::move(*opened));
        } else {
          role_.connection_failed(opened.error().to_string(), EventLoop::now());
        }
        advance();
      });
}

void ShellSession::Impl::connection_open(net::WebSocket socket) {
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
  if (input_ == Input::socket_paused) {
    socket_->pause_reading();
  }
  role_.connection_opened(EventLoop::now());
}

void ShellSession::Impl::connection_ended(int number, const net::WebSocketEnd& end) {
  if (number == connection_number_ && socket_) {
    socket_.reset();
    role_.connection_lost(end.detail, EventLoop::now());
    advance();
  } else if (number == old_connection_number_) {
    forget_old_connection();
  }
}

void ShellSession::Impl::perform(const protocol::DropConnection& /*request*/) {
  //= CLOSE-009
  if (!socket_) {
    return;
  }
  old_socket_ = std::exchange(socket_, std::nullopt);
  old_connection_number_ = connection_number_;
  old_socket_->drop();
  old_socket_timer_.arm(EventLoop::now() + drop_limit, [this] { forget_old_connection(); });
}

void ShellSession::Impl::forget_old_connection() {
  old_socket_timer_.cancel();
  old_socket_.reset();
  advance();
}

void ShellSession::Impl::perform(const protocol::SendText& request) {
  if (socket_) {
    socket_->send_text(request.text);
  }
}

void ShellSession::Impl::perform(const protocol::SendBinary& request) {
  if (socket_) {
    socket_->send_binary(request.frame);
  }
}

void ShellSession::Impl::perform(const protocol::SendPing& /*request*/) {
  if (socket_) {
    socket_->send_ping("keepalive");
  }
}

void ShellSession::Impl::perform(const protocol::DecryptDataKey& /*request*/) {
  // Not asked for: sessions of this driver have no key.
  role_.data_key_failed("there is no KMS access", EventLoop::now());
}

// --- the program --------------------------------------------------------------------------------

void ShellSession::Impl::handle(const protocol::AgentConnected& /*event*/) {
  const PtyOptions pty{.argv = std::move(options_.argv),
                       .environment = std::move(options_.environment),
                       .directory = {},
                       .size = {},
                       .chunk_bytes = options_.profile.chunk_bytes,
                       .stop_grace = options_.stop_grace};
  Result<std::unique_ptr<PtyProcess>> started =
      PtyProcess::start(loop_, pty,
                        {.on_output =
                             [this](Bytes bytes) {
                               boundary_.append(bytes, output_);
                               advance();
                             },
                         .on_input_drained = [this] { read_input_again(); },
                         .on_end = [this](ExitStatus status) { program_ended(status); }});
  if (!started) {
    role_.fail("Unable to start shell: " + started.error().to_string(), EventLoop::now());
    return;
  }
  program_ = std::move(*started);
  program_state_ = Program::running;
  role_.set_input_ready(true, EventLoop::now());
  //= SHELL-017
  if (options_.profile.first_output_wait > net::Duration::zero()) {
    output_waits_ = true;
    output_timer_.arm(EventLoop::now() + options_.profile.first_output_wait, [this] {
      output_waits_ = false;
      advance();
    });
  }
}

void ShellSession::Impl::handle(const protocol::InputReceived& event) {
  //= SHELL-018
  if (program_ && event.type == protocol::PayloadType::output) {
    program_->write(event.data.bytes());
  }
}

void ShellSession::Impl::handle(const protocol::TerminalResized& event) {
  //= SHELL-004
  if (program_) {
    // The reference cuts both to 16 bits, too.
    program_->resize({.columns = static_cast<std::uint16_t>(event.size.cols),
                      .rows = static_cast<std::uint16_t>(event.size.rows)});
  }
}

void ShellSession::Impl::handle(const protocol::ChannelClosedByService& /*event*/) {
  cancel();
}

void ShellSession::Impl::handle(const protocol::OutputPossible& /*event*/) {}

void ShellSession::Impl::cancel() {
  //= SHELL-023
  if (ended_) {
    return;
  }
  if (program_state_ == Program::running) {
    stop_program();
  } else if (program_state_ != Program::stopping) {
    program_state_ = Program::done;
    role_.cancelled(EventLoop::now());
  }
  advance();
}

void ShellSession::Impl::stop_program() {
  program_state_ = Program::stopping;
  output_.clear();
  refuse_input();
  program_->stop();
}

void ShellSession::Impl::program_ended(ExitStatus /*status*/) {
  refuse_input();
  program_.reset();
  if (program_state_ == Program::stopping) {
    program_state_ = Program::done;
    role_.cancelled(EventLoop::now());
  } else {
    program_state_ = Program::ended;
    boundary_.flush(output_);
  }
  advance();
}

// --- end ----------------------------------------------------------------------------------------

void ShellSession::Impl::handle(const protocol::AgentEnded& event) {
  ended_ = event;
  operation_ = {};
  if (program_state_ == Program::running) {
    stop_program();
  }
}

void ShellSession::Impl::end_when_clean() {
  if (!ended_ || reported_ || program_ != nullptr) {
    return;
  }
  if (old_socket_) {
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
