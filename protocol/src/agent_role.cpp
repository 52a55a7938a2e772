#include "ssm/protocol/agent_role.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "detail/channel_status.hpp"
#include "detail/outgoing.hpp"
#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/agent_session_state.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/open_data_channel.hpp"

namespace ssm::protocol {
namespace {

constexpr std::string_view already_terminated = "Session is already terminated";

/// The service ended the session, or the program did not run: hardly anybody waits for output.
constexpr Duration unwanted_output_limit = std::chrono::seconds(2);

}  // namespace

std::string_view name(AgentEnd end) {
  switch (end) {
    case AgentEnd::success:
      return "success";
    case AgentEnd::cancelled:
      return "cancelled";
    case AgentEnd::failed:
      return "failed";
  }
  return "unknown";
}

AgentRole::AgentRole(AgentConfig config)
    : config_(std::move(config)),
      random_(config_.seed),
      send_(config_.profile.channel.send),
      receive_(config_.profile.channel.receive),
      reconnect_(config_.profile.channel.reconnect) {}

// --- connection ---------------------------------------------------------------------------------

void AgentRole::start(Instant now) {
  SSM_ASSERT(state_ == State::idle);
  reconnect_.start();
  request_id_ = Uuid::random_v4(random_).to_string();
  try_again("not tried", now);
}

void AgentRole::request_channel(Instant /*now*/) {
  //= TRANS-025
  //= RESUME-011
  //= RESUME-015
  state_ = State::requesting;
  outputs_.push(RequestDataChannel{request_id_});
}

void AgentRole::channel_created(std::string_view token, Instant /*now*/) {
  if (state_ != State::requesting) {
    return;
  }
  token_ = token;
  state_ = State::opening;
  outputs_.push(OpenConnection{});
}

void AgentRole::channel_refused(std::string_view detail, Instant now) {
  if (state_ != State::requesting) {
    return;
  }
  //= RESUME-013
  if (detail.find(already_terminated) != std::string_view::npos) {
    give_up(AgentEnd::cancelled, detail, now);
    return;
  }
  try_again(detail, now);
}

void AgentRole::connection_failed(std::string_view detail, Instant now) {
  if (state_ == State::opening) {
    try_again(detail, now);
  }
}

void AgentRole::connection_lost(std::string_view detail, Instant now) {
  if (state_ != State::open) {
    return;
  }
  //= TRANS-024
  ping_at_.reset();
  pong_deadline_.reset();
  if (ending_ && *ending_ != AgentEnd::success) {
    complete_end(now);
    return;
  }
  reconnect_.start();
  request_id_ = Uuid::random_v4(random_).to_string();
  try_again(detail, now);
}

void AgentRole::try_again(std::string_view detail, Instant now) {
  //= RESUME-012
  //= RESUME-014
  const bool first_open_failed =
      !was_open_ && reconnect_.tries() > config_.profile.channel.reconnect.first_open_retries;
  const std::optional<Duration> delay =
      first_open_failed ? std::nullopt : reconnect_.next_delay(random_);
  if (!delay) {
    give_up(AgentEnd::failed, detail, now);
  } else if (*delay == Duration::zero()) {
    request_channel(now);
  } else {
    state_ = State::waiting;
    retry_at_ = now + *delay;
  }
}

void AgentRole::give_up(AgentEnd reason, std::string_view detail, Instant now) {
  state_ = State::lost;
  if (ending_) {
    complete_end(now);
  } else if (was_open_) {
    // The reference leaves its program running without a channel; ours is told to stop.
    given_up_ = AgentEnded{reason, "The data channel was lost: " + std::string(detail)};
    events_.push(ChannelClosedByService{given_up_->text});
  } else {
    begin_end(
        AgentEnd::failed,
        "Setting up data channel with id " + config_.session_id + " failed: " + std::string(detail),
        now);
  }
}

void AgentRole::connection_opened(Instant now) {
  if (state_ != State::opening) {
    return;
  }
  state_ = State::open;
  //= TRANS-009
  outputs_.push(SendText{serialize(OpenDataChannel{
      .request_id = Uuid::random_v4(random_).to_string(),
      .token_value = token_,
      .client_instance_id = config_.instance_id,
      .client_id = "",
      .client_version = std::nullopt,
  })});
  //= TRANS-019
  ping_at_ = now + config_.profile.ping_interval;
  if (config_.profile.pong_wait > Duration::zero()) {
    //= TRANS-020
    pong_deadline_ = now + config_.profile.ping_interval + config_.profile.pong_wait;
  }
  if (!std::exchange(was_open_, true)) {
    //= HS-005
    send_state("Connected", now);
    events_.push(AgentConnected{});
    return;
  }
  //= FLOW-008
  //= RESUME-009
  //= RESUME-010
  publication_.on_reconnect();
  after_pause(true, now);
}

void AgentRole::pong_received(Instant now) {
  //= TRANS-021
  if (pong_deadline_) {
    pong_deadline_ = now + config_.profile.pong_wait;
  }
}

// --- receiving ----------------------------------------------------------------------------------

void AgentRole::receive(const Frame& message, Instant now) {
  if (state_ != State::open) {
    return;
  }
  //= FLOW-004
  const Result<MessageView> parsed = parse(message.bytes(), config_.profile.channel.message);
  if (!parsed) {
    return;
  }
  switch (parsed->type) {
    case MessageType::input_stream_data:
      //= FLOW-003
      after_pause(publication_.on_input(), now);
      receive_input(*parsed, message, now);
      return;
    case MessageType::acknowledge:
      receive_acknowledge(*parsed, now);
      return;
    case MessageType::pause_publication:
      //= FLOW-001
      publication_.on_pause();
      output_blocked_ = true;
      return;
    case MessageType::start_publication:
      //= FLOW-002
      after_pause(publication_.on_start(), now);
      return;
    case MessageType::channel_closed:
      //= CLOSE-005
      //= SHELL-023
      //= SHELL-025
      if (parse_channel_closed(parsed->payload) && !ending_) {
        events_.push(ChannelClosedByService{{}});
      }
      return;
    default:
      //= WIRE-021
      return;
  }
}

void AgentRole::receive_input(const MessageView& message, const Frame& frame, Instant now) {
  switch (receive_.offer(message.sequence_number, frame)) {
    case ReceiveWindow::Place::in_order:
      if (handle_input(message, frame)) {
        //= ACK-008
        acknowledge(message, now);
        receive_.advance();
        drain_stored();
      }
      return;
    case ReceiveWindow::Place::ahead:
      //= SEQ-003
      acknowledge(message, now);
      return;
    case ReceiveWindow::Place::refused:
      //= SEQ-005
      return;
    case ReceiveWindow::Place::duplicate:
      //= SEQ-007
      if (config_.profile.channel.receive.ack_duplicates) {
        acknowledge(message, now);
      }
      return;
  }
}

void AgentRole::drain_stored() {
  while (const Frame* stored = receive_.next_stored()) {
    const Frame frame = *stored;
    const Result<MessageView> message = decode(frame.bytes(), config_.profile.channel.message);
    SSM_ASSERT(message.has_value());
    if (!handle_input(*message, frame)) {
      return;
    }
    receive_.advance();
  }
}

void AgentRole::set_input_ready(bool ready) {
  input_ready_ = ready;
  if (ready) {
    drain_stored();
  }
}

bool AgentRole::handle_input(const MessageView& message, const Frame& frame) {
  //= SEQ-012
  if (!input_ready_) {
    return false;
  }
  //= SEQ-023
  if (message.payload.empty()) {
    return true;
  }
  switch (message.payload_type()) {
    case PayloadType::size: {
      //= SHELL-004
      //= SHELL-005
      const Result<TerminalSize> size = parse_terminal_size(message.payload);
      if (!size) {
        return false;
      }
      events_.push(TerminalResized{*size});
      return true;
    }
    case PayloadType::output:
    case PayloadType::flag:
      events_.push(InputReceived{message.payload_type(), FrameSlice(frame, message.payload)});
      return true;
    default:
      //= SHELL-028
      return true;
  }
}

void AgentRole::acknowledge(const MessageView& message, Instant now) {
  //= ACK-001
  //= FLOW-009
  outputs_.push(SendBinary{detail::make_acknowledge(
      message, static_cast<std::uint64_t>(config_.epoch.unix_ms(now)), random_)});
}

void AgentRole::receive_acknowledge(const MessageView& message, Instant now) {
  //= ACK-013
  const bool pause_ended = publication_.on_acknowledge();
  //= ACK-003
  if (const Result<std::int64_t> sequence = parse_acknowledged_sequence(message.payload)) {
    send_.acknowledge(*sequence, now);
  }
  after_pause(pause_ended, now);
  note_room();
  resend(now);
  if (drain_until_ && send_.in_flight() == 0) {
    complete_end(now);
  }
}

void AgentRole::after_pause(bool ended, Instant now) {
  if (ended) {
    // The client was away: what its old connection swallowed is sent again.
    send_.on_resume(now);
    resend(now);
    note_room();
  }
}

// --- sending ------------------------------------------------------------------------------------

bool AgentRole::can_send() const {
  return was_open_ && !ending_ && state_ != State::ended && !publication_.paused() &&
         send_.has_room();
}

void AgentRole::send_output(PayloadType type, Bytes data, Instant now) {
  SSM_ASSERT(can_send());
  SSM_ASSERT(!data.empty());
  //= SEQ-019
  //= WIRE-024
  const std::int64_t sequence = send_.next_sequence();
  Frame frame =
      detail::make_stream({.type = MessageType::output_stream_data,
                           .payload_type = type,
                           .sequence_number = sequence,
                           .flags = sequence == 0 ? flag_syn : 0},
                          data, static_cast<std::uint64_t>(config_.epoch.unix_ms(now)), random_);
  //= SEQ-021
  const bool written = state_ == State::open && send_.unwritten_waiting() == 0;
  if (written) {
    outputs_.push(SendBinary{frame});
  }
  send_.add(std::move(frame), now, written);
  output_blocked_ = !send_.has_room();
}

void AgentRole::send_state(std::string_view session_state, Instant now) {
  //= SHELL-022
  const std::string payload = serialize(AgentSessionState{
      .schema_version = 1,
      .session_state = std::string(session_state),
      .session_id = config_.session_id,
  });
  outputs_.push(SendBinary{
      detail::make_control(MessageType::agent_session_state, as_bytes(payload), flag_syn | flag_fin,
                           static_cast<std::uint64_t>(config_.epoch.unix_ms(now)), random_)});
}

void AgentRole::note_room() {
  if (output_blocked_ && can_send()) {
    output_blocked_ = false;
    events_.push(OutputPossible{});
  }
}

void AgentRole::resend(Instant now) {
  //= RTX-015
  if (state_ != State::open || publication_.paused()) {
    return;
  }
  //= RTX-001
  while (std::optional<SendWindow::Resend> due = send_.resend_due(now)) {
    outputs_.push(SendBinary{std::move(due->frame)});
  }
}

// --- end ----------------------------------------------------------------------------------------

void AgentRole::finish(Instant now) {
  begin_end(AgentEnd::success, {}, now);
}

void AgentRole::cancelled(Instant now) {
  if (given_up_) {
    begin_end(given_up_->reason, given_up_->text, now);
  } else {
    begin_end(AgentEnd::cancelled, {}, now);
  }
}

void AgentRole::fail(std::string_view text, Instant now) {
  begin_end(AgentEnd::failed, text, now);
}

void AgentRole::begin_end(AgentEnd reason, std::string_view text, Instant now) {
  if (ending_ || state_ == State::ended) {
    return;
  }
  ending_ = reason;
  end_text_ = text;
  //= SHELL-020
  //= SHELL-021
  drain_until_ = now + (reason == AgentEnd::success
                            ? config_.profile.drain_limit
                            : std::min(config_.profile.drain_limit, unwanted_output_limit));
  const bool nobody_listens = state_ != State::open && reason != AgentEnd::success;
  if (send_.in_flight() == 0 || nobody_listens || state_ == State::lost) {
    complete_end(now);
  }
}

void AgentRole::complete_end(Instant now) {
  drain_until_.reset();
  retry_at_.reset();
  ping_at_.reset();
  pong_deadline_.reset();
  if (state_ == State::open) {
    //= SHELL-020
    //= SHELL-024
    if (*ending_ == AgentEnd::success) {
      send_state("Terminating", now);
    }
    //= CLOSE-009
    //= TRANS-023
    outputs_.push(DropConnection{});
  }
  state_ = State::ended;
  events_.push(AgentEnded{*ending_, end_text_});
}

// --- time and polls -----------------------------------------------------------------------------

void AgentRole::on_timer(Instant now) {
  if (state_ == State::ended) {
    return;
  }
  if (drain_until_ && now >= *drain_until_) {
    if (config_.profile.reports_lost_output && *ending_ == AgentEnd::success) {
      ending_ = AgentEnd::failed;
      end_text_ = "The last output was not acknowledged by the client; some of it may be lost.";
    }
    complete_end(now);
    return;
  }
  if (retry_at_ && now >= *retry_at_) {
    retry_at_.reset();
    request_channel(now);
  }
  if (state_ != State::open) {
    return;
  }
  if (pong_deadline_ && now >= *pong_deadline_) {
    //= TRANS-020
    outputs_.push(DropConnection{});
    connection_lost("no pong", now);
    return;
  }
  if (ping_at_ && now >= *ping_at_) {
    outputs_.push(SendPing{});
    ping_at_ = now + config_.profile.ping_interval;
  }
  resend(now);
}

std::optional<Instant> AgentRole::next_timeout() const {
  if (state_ == State::ended) {
    return std::nullopt;
  }
  std::optional<Instant> next = earliest(drain_until_, retry_at_);
  if (state_ == State::open) {
    next = earliest(earliest(next, ping_at_), pong_deadline_);
    if (!publication_.paused()) {
      next = earliest(next, send_.next_timeout());
    }
  }
  return next;
}

ChannelStatus AgentRole::status() const {
  return detail::channel_status(state_, send_, receive_);
}

}  // namespace ssm::protocol
