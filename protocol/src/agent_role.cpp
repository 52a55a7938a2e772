#include "ssm/protocol/agent_role.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "detail/channel_status.hpp"
#include "detail/outgoing.hpp"
#include "detail/receive_stream.hpp"
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
      reconnect_(config_.profile.channel.reconnect),
      handshake_({.rules = config_.profile.handshake,
                  .agent_version = std::string(config_.profile.version),
                  .session_id = config_.session_id,
                  .instance_id = config_.instance_id,
                  .session = config_.session,
                  .secret = config_.secret}) {}

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
  ping_at_.reset();
  pong_deadline_.reset();
  if (listener_dead_) {
    //= RESUME-020
    state_ = State::lost;
    return;
  }
  //= TRANS-024
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
    handshake_.start(now);
    follow_handshake(now);
    return;
  }
  //= FLOW-008
  //= RESUME-009
  //= RESUME-010
  publication_.on_reconnect();
  after_pause(true, now);
}

void AgentRole::follow_handshake(Instant now) {
  while (auto step = handshake_.poll_step()) {
    if (auto* const send = std::get_if<AgentHandshake::Send>(&*step)) {
      //= HS-018
      transmit(send->type, as_bytes(send->payload), now);
    } else if (auto* const key = std::get_if<DecryptDataKey>(&*step)) {
      outputs_.push(std::move(*key));
    } else if (const auto* const failed = std::get_if<AgentHandshake::Failed>(&*step)) {
      //= HS-029
      fail("Encountered error while initiating handshake. " + failed->text, now);
    } else {
      connected_ = true;
      events_.push(AgentConnected{handshake_.client_version()});
    }
  }
}

void AgentRole::pong_received(Instant now) {
  //= TRANS-021
  if (pong_deadline_) {
    pong_deadline_ = now + config_.profile.pong_wait;
  }
}

// --- receiving ----------------------------------------------------------------------------------

void AgentRole::receive(const Frame& message, Instant now) {
  if (state_ != State::open || listener_dead_) {
    return;
  }
  //= FLOW-004
  const Result<MessageView> parsed = parse(message.bytes(), config_.profile.channel.message);
  if (!parsed) {
    //= WIRE-019
    if (parsed.error().code == Errc::payload_out_of_bounds) {
      (void)listener_dies();
    }
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
  detail::receive_stream(
      receive_, config_.profile.channel.message, config_.profile.channel.receive, message, frame,
      [&](const MessageView& next, const Frame& its_frame, bool /*stored*/) {
        return handle_input(next, its_frame, now);
      },
      //= ACK-008
      [&](const MessageView& taken) { acknowledge(taken, now); });
  follow_handshake(now);
}

void AgentRole::drain_stored(Instant now) {
  detail::drain_stored(receive_, config_.profile.channel.message,
                       [&](const MessageView& next, const Frame& its_frame, bool /*stored*/) {
                         return handle_input(next, its_frame, now);
                       });
  follow_handshake(now);
}

void AgentRole::set_input_ready(bool ready, Instant now) {
  input_ready_ = ready;
  if (ready) {
    drain_stored(now);
  }
}

detail::Taken AgentRole::handle_input(const MessageView& message, const Frame& frame, Instant now) {
  const PayloadType type = message.payload_type();
  //= SEQ-017
  if (type == PayloadType::handshake_response ||
      type == PayloadType::encryption_challenge_response) {
    return handle_handshake(message, frame, now);
  }
  if (!connected_) {
    if (handshake_.encrypted() && type == PayloadType::output &&
        (handshake_.cipher() == nullptr || message.payload.size() < nonce_size) &&
        listener_dies()) {
      return detail::Taken::no;
    }
    //= ACK-010
    return detail::Taken::yes;
  }
  //= SEQ-012
  if (!input_ready_) {
    return detail::Taken::no;
  }
  const std::optional<FrameSlice> data = plaintext(message, frame);
  if (!data) {
    return detail::Taken::no;
  }
  //= SEQ-023
  if (data->bytes().empty()) {
    return detail::Taken::yes;
  }
  switch (type) {
    case PayloadType::size: {
      //= SHELL-004
      //= SHELL-005
      const Result<TerminalSize> size = parse_terminal_size(data->bytes());
      if (!size) {
        return detail::Taken::no;
      }
      events_.push(TerminalResized{*size});
      return detail::Taken::yes;
    }
    case PayloadType::output:
    case PayloadType::flag:
      events_.push(InputReceived{type, *data});
      return detail::Taken::yes;
    default:
      //= SHELL-028
      return detail::Taken::yes;
  }
}

detail::Taken AgentRole::handle_handshake(const MessageView& message, const Frame& frame,
                                          Instant now) {
  switch (handshake_.receive(message.payload_type(), message.payload, now)) {
    case AgentHandshake::Received::taken:
      return detail::Taken::yes;
    case AgentHandshake::Received::later:
      awaits_key_ = frame;
      return detail::Taken::no;
    case AgentHandshake::Received::refused:
      return detail::Taken::no;
    case AgentHandshake::Received::unexpected:
      return listener_dies() ? detail::Taken::no : detail::Taken::yes;
  }
  return detail::Taken::no;
}

std::optional<FrameSlice> AgentRole::plaintext(const MessageView& message, const Frame& frame) {
  SessionCipher* const cipher = handshake_.cipher();
  //= ENC-011
  if (cipher == nullptr || !is_encrypted_by(CipherEnd::client, message.payload_type())) {
    return FrameSlice(frame, message.payload);
  }
  Result<Frame> decrypted = cipher->decrypt(message.payload);
  if (!decrypted) {
    //= ENC-022
    if (message.payload.size() < nonce_size) {
      (void)listener_dies();
    }
    return std::nullopt;
  }
  const Bytes whole = decrypted->bytes();
  return FrameSlice(std::move(*decrypted), whole);
}

bool AgentRole::listener_dies() {
  listener_dead_ = listener_dead_ || config_.profile.channel.listener_can_die;
  if (listener_dead_) {
    pong_deadline_.reset();
  }
  return listener_dead_;
}

void AgentRole::data_key_decrypted(Bytes plaintext, Instant now) {
  handshake_.data_key_decrypted(plaintext, now);
  continue_after_key(now);
}

void AgentRole::data_key_failed(std::string_view cause, Instant now) {
  handshake_.data_key_failed(cause, now);
  continue_after_key(now);
}

void AgentRole::continue_after_key(Instant now) {
  //= ACK-008
  if (const auto frame = std::exchange(awaits_key_, std::nullopt); frame && !ended()) {
    const Result<MessageView> message = decode(frame->bytes(), config_.profile.channel.message);
    SSM_ASSERT(message.has_value());
    if (state_ == State::open) {
      acknowledge(*message, now);
    }
    receive_.advance();
    drain_stored(now);
  }
  follow_handshake(now);
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
  return connected_ && !ending_ && state_ != State::ended && !publication_.paused() &&
         send_.has_room();
}

void AgentRole::send_output(PayloadType type, Bytes data, Instant now) {
  SSM_ASSERT(can_send());
  SSM_ASSERT(!data.empty());
  transmit(type, data, now);
}

void AgentRole::transmit(PayloadType type, Bytes data, Instant now) {
  //= SEQ-019
  //= WIRE-024
  const std::int64_t sequence = send_.next_sequence();
  const detail::StreamMessage message{.type = MessageType::output_stream_data,
                                      .payload_type = type,
                                      .sequence_number = sequence,
                                      .flags = sequence == 0 ? flag_syn : 0};
  //= ENC-009
  SessionCipher* const cipher =
      is_encrypted_by(CipherEnd::agent, type) ? handshake_.cipher() : nullptr;
  Frame frame = detail::make_stream(
      message, data, cipher, static_cast<std::uint64_t>(config_.epoch.unix_ms(now)), random_);
  //= SEQ-021
  const bool written =
      state_ == State::open && !publication_.paused() && send_.unwritten_waiting() == 0;
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
  if (!ending_) {
    handshake_.on_timer(now);
    follow_handshake(now);
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
  if (!ending_) {
    next = earliest(next, handshake_.next_timeout());
  }
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
