#include <utility>

#include "detail/outgoing.hpp"
#include "detail/plaintext.hpp"
#include "detail/receive_stream.hpp"
#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/agent_role.hpp"
#include "ssm/protocol/agent_session_state.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/codec.hpp"

/// Messages: what is received on an open connection, and what is sent on it.

namespace ssm::protocol {

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
      watched_copy_.reset();
      watch_stragglers(now);
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
  //= ENC-011
  const std::optional<FrameSlice> data =
      detail::plaintext(handshake_.cipher(), CipherEnd::client, message, frame);
  if (!data) {
    if (message.payload.size() < nonce_size) {
      (void)listener_dies();
    }
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

bool AgentRole::listener_dies() {
  listener_dead_ = listener_dead_ || config_.profile.channel.listener_can_die;
  if (listener_dead_) {
    keepalive_.stop_waiting();
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
    note_acknowledged(*sequence, send_.acknowledge(*sequence, now).known);
  }
  after_pause(pause_ended, now);
  note_room();
  resend(now);
  if (drain_until_ && send_.in_flight() == 0) {
    complete_end(now);
  }
  watch_stragglers(now);
}

void AgentRole::after_pause(bool ended, Instant now) {
  if (ended) {
    // The client was away: what its old connection swallowed is sent again.
    send_.on_resume(now);
    resend(now);
    note_room();
    watch_stragglers(now);
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
  output_blocked_ = output_blocked_ || !send_.has_room();
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
    if (due->attempts > 0 && due->sequence == send_.oldest() &&
        (!watched_copy_ || watched_copy_->sequence != due->sequence)) {
      watched_copy_ = WatchedCopy{due->sequence, send_.next_sequence()};
    }
  }
}

}  // namespace ssm::protocol
