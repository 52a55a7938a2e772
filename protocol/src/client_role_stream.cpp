#include <utility>

#include "detail/outgoing.hpp"
#include "detail/plaintext.hpp"
#include "detail/receive_stream.hpp"
#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/client_role.hpp"
#include "ssm/protocol/codec.hpp"

/// Messages: what is received on an open connection, and what is sent on it.

namespace ssm::protocol {
namespace {

constexpr std::byte line_feed{0x0A};
constexpr std::byte carriage_return{0x0D};

bool is_handshake(PayloadType type) {
  return type == PayloadType::handshake_request || type == PayloadType::handshake_complete ||
         type == PayloadType::encryption_challenge_request;
}

}  // namespace

// --- receiving ----------------------------------------------------------------------------------

void ClientRole::receive(const Frame& message, Instant now) {
  if (state_ != State::open || listener_dead_) {
    return;
  }
  //= WIRE-010
  //= WIRE-016
  //= WIRE-020
  const Result<MessageView> parsed = parse(message.bytes(), config_.profile.channel.message);
  if (!parsed) {
    //= WIRE-019
    if (parsed.error().code == Errc::payload_out_of_bounds) {
      (void)listener_dies();
    }
    return;
  }
  switch (parsed->type) {
    case MessageType::output_stream_data:
      after_pause(pause_ends_by_traffic() && publication_.on_input(), now);
      receive_output(*parsed, message, now);
      return;
    case MessageType::pause_publication:
      pause(now);
      return;
    case MessageType::start_publication:
      after_pause(publication_.on_start(), now);
      return;
    case MessageType::acknowledge:
      receive_acknowledge(*parsed, now);
      return;
    case MessageType::channel_closed: {
      //= CLOSE-004
      //= CLOSE-006
      const Result<ChannelClosed> closed = parse_channel_closed(parsed->payload);
      if (gap_.watches() && receive_.stored() > 0) {
        end(ClientEnd::stream_gap, "the session was closed; " + describe_gap());
      } else {
        end(ClientEnd::channel_closed, closed ? closed->output : std::string());
      }
      return;
    }
    default:
      //= WIRE-021
      return;
  }
}

void ClientRole::pause(Instant now) {
  //= FLOW-005
  if (config_.profile.pause == PauseHandling::ignore) {
    return;
  }
  (void)publication_.on_pause();
  if (config_.profile.pause == PauseHandling::hold) {
    input_blocked_ = true;
    pause_ends_at_ = now + config_.profile.pause_limit;
  }
}

void ClientRole::after_pause(bool ended, Instant now) {
  if (!ended) {
    return;
  }
  pause_ends_at_.reset();
  if (config_.profile.pause == PauseHandling::hold) {
    // The agent was away: what its old connection swallowed is sent again.
    send_.on_resume(now);
    resend(now);
    send_pending(now);
    note_room();
  }
}

bool ClientRole::pause_ends_by_traffic() const {
  // The clients that discard know start_publication only.
  return config_.profile.pause == PauseHandling::hold;
}

bool ClientRole::holds_back() const {
  return publication_.paused() && config_.profile.pause == PauseHandling::hold;
}

void ClientRole::receive_output(const MessageView& message, const Frame& frame, Instant now) {
  if (config_.profile.channel.receive.delivery != Delivery::in_order && started_ &&
      handshake_.begun()) {
    deliver_unordered(message, frame, now);
    return;
  }
  detail::receive_stream(
      receive_, config_.profile.channel.message, config_.profile.channel.receive, message, frame,
      [&](const MessageView& next, const Frame& its_frame, bool stored) {
        return handle_output(next, its_frame, stored, now);
      },
      //= ACK-009
      [&](const MessageView& taken) { acknowledge(taken, now); });
  look_for_gap(now);
}

void ClientRole::deliver_unordered(const MessageView& message, const Frame& frame, Instant now) {
  const bool only_newer = config_.profile.channel.receive.delivery == Delivery::only_newer;
  if (only_newer) {
    acknowledge(message, now);
    if (message.sequence_number <= highest_delivered_) {
      return;
    }
    highest_delivered_ = message.sequence_number;
  }
  const std::optional<FrameSlice> data =
      detail::plaintext(handshake_.cipher(), CipherEnd::agent, message, frame);
  if (data && !data->bytes().empty()) {
    events_.push(OutputReceived{message.payload_type(), *data});
  }
}

void ClientRole::drain_stored(Instant now) {
  detail::drain_stored(receive_, config_.profile.channel.message,
                       [&](const MessageView& next, const Frame& its_frame, bool stored) {
                         return handle_output(next, its_frame, stored, now);
                       });
}

detail::Taken ClientRole::handle_output(const MessageView& message, const Frame& frame, bool stored,
                                        Instant now) {
  using detail::Taken;
  if (state_ != State::open) {
    return Taken::no;
  }
  const PayloadType type = message.payload_type();
  //= SEQ-016
  const bool type_is_ignored = stored && config_.profile.channel.receive.drain_ignores_payload_type;
  if (is_handshake(type) && !type_is_ignored) {
    // Room for the answer.
    if (handshake_.busy() || pending_response_ || !send_.has_room()) {
      return Taken::no;
    }
    //= ACK-007
    if (!stored) {
      acknowledge(message, now);
    }
    return handle_handshake(message, now) ? Taken::yes_acknowledged : Taken::no;
  }
  if (!started_) {
    if (type_is_ignored) {
      return Taken::yes;
    }
    //= SEQ-013
    //= HS-024
    if (handshake_.begun()) {
      return Taken::no;
    }
    //= HS-003
    begin_session("Standard_Stream", now);
  }
  //= ENC-010
  const std::optional<FrameSlice> data =
      detail::plaintext(handshake_.cipher(), CipherEnd::agent, message, frame);
  if (!data) {
    if (message.payload.size() < nonce_size) {
      (void)listener_dies();
    }
    return Taken::no;
  }
  //= SEQ-022
  if (!data->bytes().empty()) {
    events_.push(OutputReceived{type, *data});
  }
  return Taken::yes;
}

bool ClientRole::listener_dies() {
  listener_dead_ = listener_dead_ || config_.profile.channel.listener_can_die;
  return listener_dead_;
}

bool ClientRole::handle_handshake(const MessageView& message, Instant now) {
  switch (message.payload_type()) {
    case PayloadType::handshake_request: {
      Result<HandshakeRequest> request = parse_handshake_request(message.payload);
      if (!request) {
        //= HS-026
        return false;
      }
      //= HS-028
      follow_handshake(handshake_.answer(*std::move(request)), now);
      return true;
    }
    case PayloadType::handshake_complete: {
      const Result<HandshakeComplete> complete = parse_handshake_complete(message.payload);
      if (!complete) {
        return false;
      }
      complete_handshake(*complete, now);
      return true;
    }
    default:
      return handle_challenge(message, now);
  }
}

void ClientRole::follow_handshake(ClientHandshake::Step step, Instant now) {
  data_key_at_.reset();
  if (auto* const key = std::get_if<GenerateDataKey>(&step)) {
    outputs_.push(std::move(*key));
    if (config_.profile.handshake.data_key_limit > Duration::zero()) {
      data_key_at_ = now + config_.profile.handshake.data_key_limit;
    }
    return;
  }
  pending_response_ = serialize(std::get<HandshakeResponse>(step));
  send_pending(now);
}

void ClientRole::data_key_generated(Bytes plaintext, Bytes ciphertext, Instant now) {
  if (!ended() && handshake_.busy()) {
    follow_handshake(handshake_.data_key_generated(plaintext, ciphertext), now);
    drain_stored(now);
  }
}

void ClientRole::data_key_failed(std::string_view cause, Instant now) {
  if (!ended() && handshake_.busy()) {
    follow_handshake(handshake_.data_key_failed(cause), now);
    drain_stored(now);
  }
}

bool ClientRole::handle_challenge(const MessageView& message, Instant now) {
  const Result<EncryptionChallenge> challenge = parse_encryption_challenge(message.payload);
  if (!challenge) {
    return false;
  }
  if (handshake_.cipher() == nullptr) {
    // Nothing to answer it with.
    return !listener_dies();
  }
  const Result<EncryptionChallenge> answer = handshake_.answer_challenge(*challenge);
  if (!answer) {
    return false;
  }
  //= HS-019
  const std::string payload = serialize(*answer);
  transmit(PayloadType::encryption_challenge_response, as_bytes(payload), now);
  return true;
}

void ClientRole::complete_handshake(const HandshakeComplete& complete, Instant now) {
  if (started_) {
    return;
  }
  //= HS-021
  if (!complete.customer_message.empty()) {
    events_.push(CustomerMessage{complete.customer_message});
  }
  //= HS-022
  //= HS-023
  if (handshake_.session_type().empty()) {
    end(ClientEnd::unknown_session_type, {});
  } else {
    begin_session(handshake_.session_type(), now);
  }
}

void ClientRole::begin_session(std::string session_type, Instant now) {
  started_ = true;
  is_terminal_ = session_type != "Port";
  std::string properties = is_terminal_ ? "null" : handshake_.properties();
  events_.push(
      SessionStarted{std::move(session_type), handshake_.agent_version(), std::move(properties)});
  send_pending(now);
}

void ClientRole::acknowledge(const MessageView& message, Instant now) {
  //= ACK-001
  outputs_.push(SendBinary{detail::make_acknowledge(
      message, static_cast<std::uint64_t>(config_.epoch.unix_ms(now)), random_)});
}

void ClientRole::receive_acknowledge(const MessageView& message, Instant now) {
  after_pause(pause_ends_by_traffic() && publication_.on_acknowledge(), now);
  //= ACK-003
  const Result<std::int64_t> sequence = parse_acknowledged_sequence(message.payload);
  if (!sequence) {
    return;
  }
  send_.acknowledge(*sequence, now);
  send_pending(now);
  note_room();
  resend(now);
  terminate_when_delivered(now);
}

// --- sending ------------------------------------------------------------------------------------

bool ClientRole::can_send() const {
  return started_ && state_ != State::ended && !input_finished_ && pending_flags_.empty() &&
         !holds_back() && send_.has_room();
}

void ClientRole::send_input(Bytes data, Instant now) {
  send_stream(PayloadType::output, data, now);
}

void ClientRole::send_stream(PayloadType type, Bytes data, Instant now) {
  SSM_ASSERT(can_send());
  SSM_ASSERT(!data.empty());
  if (state_ != State::open && config_.profile.input_while_disconnected_is_fatal) {
    //= RESUME-016
    end(ClientEnd::input_lost, "Can't send message: Connection is closed.");
    return;
  }
  transmit(type, data, now);
}

void ClientRole::send_flag(PortFlag flag, Instant now) {
  if (state_ != State::ended && !input_finished_) {
    pending_flags_.push_back(flag);
    send_pending(now);
  }
}

void ClientRole::transmit(PayloadType type, Bytes payload, Instant now) {
  //= SHELL-009
  //= SHELL-010
  const bool rewritten = config_.profile.newline_rewrite_spares_nothing ||
                         (config_.profile.single_newline_becomes_return &&
                          type == PayloadType::output && is_terminal_);
  if (rewritten && payload.size() == 1 && payload[0] == line_feed) {
    payload = Bytes(&carriage_return, 1);
  }
  //= ENC-008
  SessionCipher* const cipher =
      is_encrypted_by(CipherEnd::client, type) ? handshake_.cipher() : nullptr;
  //= SEQ-018
  //= WIRE-023
  Frame frame = detail::make_stream(
      {.type = MessageType::input_stream_data,
       .payload_type = type,
       .sequence_number = send_.next_sequence(),
       .flags = 0},
      payload, cipher, static_cast<std::uint64_t>(config_.epoch.unix_ms(now)), random_);
  const bool lost_by_pause =
      publication_.paused() && config_.profile.pause == PauseHandling::discard;
  const bool written =
      state_ == State::open && send_.unwritten_waiting() == 0 && !holds_back() && !lost_by_pause;
  if (written) {
    outputs_.push(SendBinary{frame});
  }
  send_.add(std::move(frame), now, written);
  input_blocked_ = input_blocked_ || !send_.has_room();
}

void ClientRole::send_size(TerminalSize size, Instant now) {
  pending_size_ = size;
  send_pending(now);
}

void ClientRole::send_pending(Instant now) {
  if (pending_response_ && send_.has_room()) {
    //= HS-019
    const std::string response = *std::exchange(pending_response_, std::nullopt);
    transmit(PayloadType::handshake_response, as_bytes(response), now);
  }
  if (!started_ || state_ != State::open || holds_back()) {
    return;
  }
  while (!pending_flags_.empty() && send_.has_room()) {
    //= PORT-001
    const auto payload = encode_port_flag(pending_flags_.front());
    pending_flags_.erase(pending_flags_.begin());
    transmit(PayloadType::flag, payload, now);
  }
  if (pending_size_ && can_send()) {
    const std::string payload = serialize(*std::exchange(pending_size_, std::nullopt));
    transmit(PayloadType::size, as_bytes(payload), now);
  }
}

void ClientRole::finish_input(Instant now) {
  if (state_ == State::ended || std::exchange(input_finished_, true)) {
    return;
  }
  if (config_.profile.abandons_input_at_its_end) {
    //= SHELL-029
    end(ClientEnd::input_finished, "EOF");
    return;
  }
  terminate_when_delivered(now);
}

void ClientRole::terminate_when_delivered(Instant now) {
  if (input_finished_ && state_ != State::ended && send_.in_flight() == 0 &&
      pending_flags_.empty()) {
    request_terminate(ClientEnd::input_finished, now);
  }
}

void ClientRole::request_terminate(ClientEnd reason_if_unheard, Instant now) {
  if (terminating_) {
    return;
  }
  terminating_ = reason_if_unheard;
  //= RESUME-019
  outputs_.push(RequestTerminate{});
  if (config_.profile.terminate_wait > Duration::zero()) {
    end_unheard_at_ = now + config_.profile.terminate_wait;
  }
}

void ClientRole::note_room() {
  if (input_blocked_ && can_send()) {
    input_blocked_ = false;
    events_.push(InputPossible{});
  }
}

void ClientRole::resend(Instant now) {
  if (state_ != State::open || holds_back()) {
    return;
  }
  //= RTX-001
  while (std::optional<SendWindow::Resend> due = send_.resend_due(now)) {
    outputs_.push(SendBinary{std::move(due->frame)});
    //= RTX-012
    if (due->limit_reached) {
      request_terminate(ClientEnd::agent_unresponsive, now);
    }
  }
}

}  // namespace ssm::protocol
