#include "ssm/protocol/client_role.hpp"

#include <utility>

#include "detail/channel_status.hpp"
#include "detail/outgoing.hpp"
#include "detail/receive_stream.hpp"
#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/open_data_channel.hpp"

namespace ssm::protocol {
namespace {

constexpr std::byte line_feed{0x0A};
constexpr std::byte carriage_return{0x0D};

bool is_handshake(PayloadType type) {
  return type == PayloadType::handshake_request || type == PayloadType::handshake_complete ||
         type == PayloadType::encryption_challenge_request;
}

}  // namespace

std::string_view name(ClientEnd end) {
  switch (end) {
    case ClientEnd::channel_closed:
      return "channel_closed";
    case ClientEnd::timed_out:
      return "timed_out";
    case ClientEnd::unreachable:
      return "unreachable";
    case ClientEnd::resume_exhausted:
      return "resume_exhausted";
    case ClientEnd::unknown_session_type:
      return "unknown_session_type";
    case ClientEnd::input_lost:
      return "input_lost";
    case ClientEnd::input_finished:
      return "input_finished";
    case ClientEnd::agent_unresponsive:
      return "agent_unresponsive";
  }
  return "unknown";
}

ClientRole::ClientRole(ClientConfig config)
    : config_(std::move(config)),
      random_(config_.seed),
      client_id_(Uuid::random_v4(random_).to_string()),
      send_(config_.profile.channel.send),
      receive_(config_.profile.channel.receive),
      reconnect_(config_.profile.channel.reconnect),
      handshake_({.rules = config_.profile.handshake,
                  .client_version = std::string(config_.profile.version),
                  .session_id = config_.session_id,
                  .encryption = config_.encryption,
                  .why_no_encryption = config_.why_no_encryption}) {}

// --- connection ---------------------------------------------------------------------------------

void ClientRole::start(Instant now) {
  SSM_ASSERT(state_ == State::idle);
  reconnect_.start();
  open(now);
}

void ClientRole::open(Instant /*now*/) {
  state_ = State::opening;
  //= TRANS-001
  outputs_.push(OpenConnection{config_.stream_url});
}

void ClientRole::connection_opened(Instant now) {
  if (state_ != State::opening) {
    return;
  }
  state_ = State::open;
  //= TRANS-007
  //= TRANS-008
  //= TRANS-011
  //= TRANS-012
  outputs_.push(SendText{serialize(OpenDataChannel{
      .request_id = Uuid::random_v4(random_).to_string(),
      .token_value = config_.token,
      .client_instance_id = std::nullopt,
      .client_id = client_id_,
      .client_version = std::string(config_.profile.version),
  })});
  //= TRANS-018
  outputs_.push(SendPing{});
  ping_at_ = now + config_.profile.ping_interval;
  if (std::exchange(was_open_, true)) {
    events_.push(ConnectionRestored{});
    //= RESUME-009
    send_.on_resume(now);
    resend(now);
    send_pending(now);
  }
}

void ClientRole::connection_failed(std::string_view detail, Instant now) {
  if (state_ == State::opening) {
    try_again(detail, now);
  }
}

void ClientRole::connection_lost(std::string_view detail, Instant now) {
  if (state_ != State::open) {
    return;
  }
  ping_at_.reset();
  if (listener_dead_) {
    //= RESUME-020
    state_ = State::lost;
    return;
  }
  //= TRANS-024
  events_.push(ConnectionInterrupted{std::string(detail)});
  reconnect_.start();
  try_again(detail, now);
}

void ClientRole::try_again(std::string_view detail, Instant now) {
  //= RESUME-004
  //= RESUME-006
  const bool first_open_failed =
      !was_open_ && reconnect_.tries() > config_.profile.channel.reconnect.first_open_retries;
  const std::optional<Duration> delay =
      first_open_failed ? std::nullopt : reconnect_.next_delay(random_);
  if (delay) {
    state_ = State::waiting;
    retry_at_ = now + *delay;
    return;
  }
  if (config_.profile.hangs_after_last_try) {
    //= RESUME-005
    //= RESUME-007
    state_ = State::lost;
    return;
  }
  end(was_open_ ? ClientEnd::resume_exhausted : ClientEnd::unreachable, std::string(detail));
}

void ClientRole::resume_answered(std::string_view token, std::string_view stream_url, Instant now) {
  if (state_ != State::requesting) {
    return;
  }
  if (token.empty()) {
    //= RESUME-003
    end(ClientEnd::timed_out, {});
    return;
  }
  config_.token = token;
  //= RESUME-002
  if (config_.profile.adopts_resumed_url && !stream_url.empty()) {
    config_.stream_url = stream_url;
  }
  open(now);
}

void ClientRole::resume_failed(std::string_view detail, Instant now) {
  if (state_ == State::requesting) {
    try_again(detail, now);
  }
}

void ClientRole::end(ClientEnd reason, std::string text) {
  if (state_ == State::open) {
    outputs_.push(DropConnection{});
  }
  state_ = State::ended;
  end_reason_ = reason;
  retry_at_.reset();
  ping_at_.reset();
  end_unheard_at_.reset();
  data_key_at_.reset();
  events_.push(ClientEnded{reason, std::move(text)});
}

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
      listener_dies();
    }
    return;
  }
  switch (parsed->type) {
    case MessageType::output_stream_data:
      receive_output(*parsed, message, now);
      return;
    case MessageType::acknowledge:
      receive_acknowledge(*parsed, now);
      return;
    case MessageType::channel_closed: {
      //= CLOSE-004
      //= CLOSE-006
      const Result<ChannelClosed> closed = parse_channel_closed(parsed->payload);
      end(ClientEnd::channel_closed, closed ? closed->output : std::string());
      return;
    }
    default:
      //= FLOW-005
      //= WIRE-021
      return;
  }
}

void ClientRole::receive_output(const MessageView& message, const Frame& frame, Instant now) {
  detail::receive_stream(
      receive_, config_.profile.channel.message, config_.profile.channel.receive, message, frame,
      [&](const MessageView& next, const Frame& its_frame, bool stored) {
        return handle_output(next, its_frame, stored, now);
      },
      //= ACK-009
      [&](const MessageView& taken) { acknowledge(taken, now); });
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
  const std::optional<FrameSlice> data = plaintext(message, frame);
  if (!data) {
    return Taken::no;
  }
  //= SEQ-022
  if (!data->bytes().empty()) {
    events_.push(OutputReceived{type, *data});
  }
  return Taken::yes;
}

std::optional<FrameSlice> ClientRole::plaintext(const MessageView& message, const Frame& frame) {
  SessionCipher* const cipher = handshake_.cipher();
  //= ENC-010
  if (cipher == nullptr || !is_encrypted_by(CipherEnd::agent, message.payload_type())) {
    return FrameSlice(frame, message.payload);
  }
  Result<Frame> decrypted = cipher->decrypt(message.payload);
  if (!decrypted) {
    //= ENC-022
    if (message.payload.size() < nonce_size) {
      listener_dies();
    }
    return std::nullopt;
  }
  const Bytes whole = decrypted->bytes();
  return FrameSlice(std::move(*decrypted), whole);
}

void ClientRole::listener_dies() {
  listener_dead_ = listener_dead_ || config_.profile.channel.listener_can_die;
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
    listener_dies();
    return !listener_dead_;
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
         send_.has_room();
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
  const bool written = state_ == State::open && send_.unwritten_waiting() == 0;
  if (written) {
    outputs_.push(SendBinary{frame});
  }
  send_.add(std::move(frame), now, written);
  input_blocked_ = !send_.has_room();
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
  if (!started_ || state_ != State::open) {
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
  if (state_ != State::open) {
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

// --- time and polls -----------------------------------------------------------------------------

void ClientRole::on_timer(Instant now) {
  if (end_unheard_at_ && now >= *end_unheard_at_) {
    end(*terminating_, *terminating_ == ClientEnd::agent_unresponsive
                           ? "the other side acknowledged nothing for too long"
                           : "");
    return;
  }
  if (data_key_at_ && now >= *data_key_at_) {
    data_key_failed("KMS did not answer in time", now);
  }
  if (retry_at_ && now >= *retry_at_) {
    retry_at_.reset();
    if (was_open_) {
      //= RESUME-001
      state_ = State::requesting;
      outputs_.push(RequestResume{});
    } else {
      open(now);
    }
  }
  if (state_ == State::open) {
    if (ping_at_ && now >= *ping_at_) {
      outputs_.push(SendPing{});
      ping_at_ = now + config_.profile.ping_interval;
    }
    resend(now);
  }
}

std::optional<Instant> ClientRole::next_timeout() const {
  const std::optional<Instant> next = earliest(earliest(retry_at_, end_unheard_at_), data_key_at_);
  if (state_ == State::open) {
    return earliest(next, earliest(ping_at_, send_.next_timeout()));
  }
  return next;
}

ChannelStatus ClientRole::status() const {
  return detail::channel_status(state_, send_, receive_);
}

}  // namespace ssm::protocol
