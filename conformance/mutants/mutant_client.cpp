#include "mutant_client.hpp"

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "sent_message.hpp"
#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/handshake.hpp"
#include "ssm/protocol/open_data_channel.hpp"
#include "ssm/protocol/terminal_size.hpp"

namespace ssm::conformance::mutants {

using protocol::Bytes;
using protocol::Errc;
using protocol::MessageView;
using protocol::PayloadType;

namespace {

constexpr net::Duration repeat_interval = std::chrono::milliseconds(100);
constexpr std::size_t keyboard_chunk = 1024;
constexpr std::string_view unknown_member = "\"Unheard\"";

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

protocol::MessageRules rules(Mutation mutation) {
  protocol::MessageRules rules = protocol::strict_message_rules;
  rules.check_payload_length = mutation == Mutation::length_checked;
  rules.check_schema_version = mutation == Mutation::schema_version_checked;
  return rules;
}

protocol::Uuid halves_swapped(protocol::Uuid id) {
  std::swap_ranges(id.bytes.begin(), id.bytes.begin() + 8, id.bytes.begin() + 8);
  return id;
}

}  // namespace

MutantClient::MutantClient(net::EventLoop& loop, Mutation mutation, std::string token)
    : loop_(loop),
      mutation_(mutation),
      token_(std::move(token)),
      random_(static_cast<std::uint64_t>(net::EventLoop::unix_ms())),
      repeat_timer_(loop) {}

void MutantClient::opened(net::WebSocket socket) {
  socket_ = std::move(socket);
  socket_.start({.on_message = [this](const protocol::Frame& frame, bool) { receive(frame); },
                 .on_end = [this](const net::WebSocketEnd&) { loop_.stop(); },
                 .on_writable = {},
                 .on_ping = {},
                 .on_pong = {}});
  protocol::OpenDataChannel open;
  open.request_id = protocol::Uuid::random_v4(random_).to_string();
  open.token_value = token_;
  open.client_id = protocol::Uuid::random_v4(random_).to_string();
  open.client_version = "1.2.677.0";
  socket_.send_text(protocol::serialize(open));
}

// --- receiving ----------------------------------------------------------------------------------

void MutantClient::receive(const protocol::Frame& frame) {
  if (deaf_) {
    return;
  }
  const auto message = protocol::decode(frame.bytes());
  if (!message) {
    receive_broken(frame.bytes());
    return;
  }
  if (const auto valid = protocol::validate(*message, rules(mutation_)); !valid) {
    receive_invalid(*message, frame.bytes(), valid.error());
    return;
  }
  if (!is_refused(*message, frame.bytes())) {
    dispatch(*message);
  }
}

void MutantClient::receive_broken(Bytes bytes) {
  if (bytes.size() < protocol::header_length) {
    deaf_ = is(Mutation::short_message_makes_deaf);
    if (is(Mutation::short_message_ends_session)) {
      end();
    }
  } else if (bytes.size() < protocol::payload_offset) {
    if (is(Mutation::cut_length_field_ends_session)) {
      end();
    }
  } else if (is(Mutation::large_header_length_ends_session)) {
    end();
  }
}

void MutantClient::receive_invalid(const MessageView& message, Bytes bytes,
                                   const protocol::Error& error) {
  MessageView taken = message;
  if (error.code == Errc::zero_created_date && is(Mutation::created_date_not_checked)) {
    dispatch(taken);
  } else if (error.code == Errc::zero_header_length && is(Mutation::header_length_0_taken)) {
    taken.payload = bytes.subspan(protocol::payload_offset);
    dispatch(taken);
  } else if (error.code == Errc::blank_message_type) {
    if (is(Mutation::blank_type_taken)) {
      taken.type_text = "output_stream_data";
      taken.type = protocol::MessageType::output_stream_data;
      dispatch(taken);
    } else if (is(Mutation::blank_type_ends_session)) {
      end();
    }
  } else if (error.code == Errc::digest_mismatch) {
    if (is(Mutation::zero_length_ends_session) && message.payload_length_field == 0) {
      end();
    } else if (is(Mutation::digest_not_checked)) {
      dispatch(taken);
    } else if (is(Mutation::wrong_digest_shown)) {
      show(protocol::as_text(message.payload));
    } else if (is(Mutation::wrong_digest_not_repeated)) {
      ++expected_;
    }
  }
}

/// Good messages that a mutant takes for bad.
bool MutantClient::is_refused(const MessageView& message, Bytes bytes) const {
  const auto first = static_cast<char>(bytes[4]);
  const auto last = static_cast<char>(bytes[4 + protocol::message_type_size - 1]);
  switch (mutation_) {
    case Mutation::trailing_nuls_refused:
      return last == '\0';
    case Mutation::leading_padding_refused:
      return first == '\0' || first == ' ';
    case Mutation::header_length_112_refused:
      return message.header_length == protocol::header_length_without_payload_type;
    case Mutation::empty_payload_refused:
      return message.payload.empty();
    case Mutation::syn_awaited:
      return message.type == protocol::MessageType::output_stream_data &&
             message.sequence_number == 0 && (message.flags & protocol::flag_syn) == 0;
    case Mutation::unknown_flags_refused:
      return message.flags > (protocol::flag_syn | protocol::flag_fin);
    default:
      return false;
  }
}

void MutantClient::dispatch(const MessageView& message) {
  switch (message.type) {
    case protocol::MessageType::output_stream_data:
      receive_output(message);
      break;
    case protocol::MessageType::acknowledge:
      receive_acknowledge(message.payload);
      break;
    case protocol::MessageType::channel_closed:
      if (const auto closed = protocol::parse_channel_closed(message.payload)) {
        show(closed->output);
      }
      end();
      break;
    case protocol::MessageType::pause_publication:
      if (is(Mutation::pause_acknowledged)) {
        acknowledge(message);
      } else if (is(Mutation::empty_pause_ends_session) && message.payload.empty()) {
        end();
      }
      break;
    default:
      if (is(Mutation::unknown_type_acknowledged)) {
        acknowledge(message);
      } else if (is(Mutation::unknown_type_ends_session)) {
        end();
      }
  }
}

void MutantClient::receive_output(const MessageView& message) {
  if (is(Mutation::fin_ends_stream) && (message.flags & protocol::flag_fin) != 0) {
    end();
    return;
  }
  std::string_view payload = protocol::as_text(message.payload);
  if (is(Mutation::payload_cut_at_length)) {
    payload = payload.substr(0, message.payload_length_field);
  }
  if (message.sequence_number > expected_) {
    ahead_[message.sequence_number] = {message.payload_type(), std::string(payload)};
  } else if (message.sequence_number == expected_) {
    if (!handle(message.payload_type(), payload)) {
      return;
    }
    ++expected_;
  }
  acknowledge(message);
  for (auto next = ahead_.find(expected_);
       next != ahead_.end() && handle(next->second.first, next->second.second);
       next = ahead_.find(expected_)) {
    ahead_.erase(next);
    ++expected_;
  }
}

/// False: not yet, leave it unacknowledged.
bool MutantClient::handle(PayloadType type, std::string_view payload) {
  if (is(Mutation::json_members_refused) && contains(payload, unknown_member)) {
    end();
    return false;
  }
  if (type == PayloadType::handshake_request) {
    in_handshake_ = true;
    answer_handshake(payload);
    return true;
  }
  if (type == PayloadType::handshake_complete) {
    if (is(Mutation::json_names_exact) && !contains(payload, "\"HandshakeTimeToComplete\"")) {
      end();
      return false;
    }
    begin();
    return true;
  }
  if (in_handshake_ && !started_) {
    return false;
  }
  if (is(Mutation::second_output_refused_once) && started_ && !std::exchange(has_refused_, true)) {
    return false;
  }
  begin();
  show(payload);
  return true;
}

void MutantClient::answer_handshake(std::string_view payload) {
  protocol::HandshakeResponse response{
      .client_version = "1.2.677.0", .processed_actions = {}, .errors = std::nullopt};
  const bool understood =
      !is(Mutation::json_names_exact) || contains(payload, "\"RequestedClientActions\"");
  const auto request = protocol::parse_handshake_request(protocol::as_bytes(payload));
  if (understood && request) {
    for (const protocol::RequestedAction& action : request->requested_actions) {
      response.processed_actions.push_back({.action_type = action.action_type,
                                            .status = protocol::action_success,
                                            .result = protocol::JsonText{},
                                            .error = {}});
    }
  }
  send_input(PayloadType::handshake_response, protocol::serialize(response));
}

void MutantClient::receive_acknowledge(Bytes payload) {
  const std::string_view text = protocol::as_text(payload);
  if ((is(Mutation::json_members_refused) && contains(text, unknown_member)) ||
      (is(Mutation::json_names_exact) &&
       !contains(text, "\"AcknowledgedMessageSequenceNumber\""))) {
    return;
  }
  if (const auto sequence_number = protocol::parse_acknowledged_sequence(payload)) {
    const auto found = unacknowledged_.find(*sequence_number);
    if (is(Mutation::first_acknowledgements_forgotten) && found != unacknowledged_.end() &&
        !found->second.repeated) {
      return;
    }
    unacknowledged_.erase(*sequence_number);
  }
}

void MutantClient::acknowledge(const MessageView& message) {
  const protocol::Uuid id = is(Mutation::id_read_in_plain_order)
                                ? halves_swapped(message.message_id)
                                : message.message_id;
  const std::string payload =
      protocol::serialize(protocol::Acknowledge{.message_type = std::string(message.type_text),
                                                .message_id = id.to_string(),
                                                .sequence_number = message.sequence_number,
                                                .is_sequential = true});
  socket_.send_binary(make_message(mutation_,
                                   {.type = "acknowledge",
                                    .created_date_ms = 0,
                                    .sequence_number = 0,
                                    .flags = protocol::flag_syn | protocol::flag_fin,
                                    .message_id = {},
                                    .payload_type = PayloadType::none},
                                   protocol::as_bytes(payload), random_));
}

// --- session ------------------------------------------------------------------------------------

void MutantClient::begin() {
  if (std::exchange(started_, true)) {
    return;
  }
  termios settings{};
  if (tcgetattr(STDIN_FILENO, &settings) == 0) {
    cfmakeraw(&settings);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
  }
  send_input(PayloadType::size, is(Mutation::empty_message_sent)
                                    ? std::string()
                                    : protocol::serialize(protocol::TerminalSize{80, 24}));
  keyboard_.emplace(loop_, dup(STDIN_FILENO));
  keyboard_->start_reading(
      keyboard_chunk,
      [this](Bytes keys) { send_input(PayloadType::output, std::string(protocol::as_text(keys))); },
      [](boost::system::error_code) {});
}

void MutantClient::send_input(PayloadType type, std::string payload) {
  const protocol::MessageHeader header{.type = "input_stream_data",
                                       .created_date_ms = 0,
                                       .sequence_number = next_++,
                                       .flags = 0,
                                       .message_id = {},
                                       .payload_type = type};
  protocol::Frame frame = make_message(mutation_, header, protocol::as_bytes(payload), random_);
  socket_.send_binary(frame);
  unacknowledged_[header.sequence_number] = {header, std::move(payload), std::move(frame), false};
  repeat_timer_.arm(net::EventLoop::now() + repeat_interval, [this] { repeat_oldest(); });
}

void MutantClient::repeat_oldest() {
  if (unacknowledged_.empty()) {
    return;
  }
  Unacknowledged& oldest = unacknowledged_.begin()->second;
  oldest.repeated = true;
  socket_.send_binary(
      is(Mutation::id_new_in_retransmission)
          ? make_message(mutation_, oldest.header, protocol::as_bytes(oldest.payload), random_)
          : oldest.frame);
  repeat_timer_.arm(net::EventLoop::now() + repeat_interval, [this] { repeat_oldest(); });
}

void MutantClient::show(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written <= 0) {
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void MutantClient::end() {
  deaf_ = true;
  socket_.drop();
  loop_.stop();
}

}  // namespace ssm::conformance::mutants
