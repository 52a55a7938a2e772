#include "conversation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "scripted_service.hpp"
#include "ssm/agent/shell_environment.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/handshake.hpp"

namespace ssm::conformance {

using protocol::Bytes;
using protocol::PayloadType;

namespace {

constexpr std::string_view greeting = "conformance session is open";
constexpr std::string_view second_greeting = "and ready";
constexpr net::Duration repeat_interval = std::chrono::milliseconds(50);
constexpr int copies_worth_noting = 2;
constexpr std::size_t screen_limit = std::size_t{1} << 20U;
constexpr std::size_t transcript_limit = 200;
constexpr std::size_t shown_tail = 300;

std::string exit_text(const agent::ExitStatus& status) {
  if (status.signal) {
    return fmt::format("was ended by signal {}", *status.signal);
  }
  return fmt::format("ended with exit code {}", status.code.value_or(-1));
}

}  // namespace

Conversation::Conversation(const std::vector<std::string>& command, net::Duration timeout)
    : command_(command), timeout_(timeout), deadline_(loop_), repeat_timer_(loop_), random_(0) {
  service_ = std::make_unique<ScriptedService>(
      loop_, ScriptedService::Handlers{
                 .on_open = [this] { data_channel_opened(); },
                 .on_refused =
                     [this](std::string why) {
                       note("!  " + why);
                       refused_ = std::move(why);
                       loop_.stop();
                     },
                 .on_message = [this](protocol::Frame frame,
                                      bool /*is_text*/) { message_arrived(std::move(frame)); },
                 .on_end =
                     [this](const net::WebSocketEnd& end) {
                       connection_end_ =
                           end.code == 1006 || end.code == 0
                               ? "the client dropped the connection"
                               : fmt::format("the client closed the connection with code {}",
                                             end.code);
                       note("!  " + *connection_end_);
                       loop_.stop();
                     },
                 .on_call =
                     [this](std::string_view operation) {
                       resumed_ |= operation == "ResumeSession";
                       note(fmt::format("<- API call {}", operation));
                       loop_.stop();
                     }});
}

Conversation::~Conversation() = default;

// --- opening ------------------------------------------------------------------------------------

std::optional<Outcome> Conversation::connect() {
  if (const auto started = service_->start(); !started) {
    return not_possible(Verdict::error, {}, started.error().to_string());
  }
  auto client = agent::PtyProcess::start(
      loop_,
      {.argv = expand(command_, service_->session()),
       .environment = client_environment(agent::own_environment(), service_->session()),
       .directory = {},
       .size = {}},
      {.on_output = [this](Bytes bytes) { client_printed(bytes); },
       .on_input_drained = {},
       .on_end =
           [this](agent::ExitStatus status) {
             client_end_ = status;
             note("!  the client " + exit_text(status));
             loop_.stop();
           }});
  if (!client) {
    return not_possible(Verdict::error, {},
                        "the client cannot be started: " + client.error().to_string());
  }
  client_ = std::move(*client);
  const Wait end = wait([this] { return connected_ || !refused_.empty(); });
  if (!connected_) {
    return not_connected(end);
  }
  return std::nullopt;
}

Outcome Conversation::not_connected(Wait end) const {
  std::string why = "the client did not open a data channel: ";
  if (!refused_.empty()) {
    why += refused_;
  } else if (end == Wait::client_ended) {
    why += "it " + exit_text(*client_end_);
  } else if (end == Wait::connection_ended) {
    why += *connection_end_;
  } else {
    why += how_it_ended(end);
  }
  if (!screen_.empty()) {
    why += "; it printed: " + printable_tail(screen_, shown_tail);
  }
  return not_possible(Verdict::error, {}, std::move(why));
}

std::optional<Outcome> Conversation::open() {
  if (auto outcome = connect()) {
    return outcome;
  }
  for (const std::string_view text : {greeting, second_greeting}) {
    if (auto outcome = exchange_output(text)) {
      return outcome;
    }
  }
  repeat_timer_.cancel();
  opening_ = false;
  return std::nullopt;
}

std::optional<Outcome> Conversation::exchange_output(std::string_view text) {
  const OutgoingMessage message = send_output(std::string(text) + "\r\n");
  const Wait end = wait([&] { return acknowledged(message.sequence_number) && shown(text); });
  if (end == Wait::met) {
    return std::nullopt;
  }
  return missing("the first output of a session without a handshake",
                 acknowledged(message.sequence_number) ? "its text on the terminal"
                                                       : "an acknowledgement of it",
                 end);
}

/// As agents do; not to be noted, because that is the usual course of things.
void Conversation::repeat_oldest() {
  while (!sent_.empty() && acknowledged(sent_.front().sequence_number)) {
    sent_.pop_front();
  }
  if (!sent_.empty()) {
    service_->send(protocol::Frame::copy_of(sent_.front().bytes));
  }
  repeat_timer_.arm(net::EventLoop::now() + repeat_interval, [this] { repeat_oldest(); });
}

void Conversation::data_channel_opened() {
  connected_ = true;
  note("<- OpenDataChannelInput");
  repeat_timer_.arm(net::EventLoop::now() + repeat_interval, [this] { repeat_oldest(); });
  loop_.stop();
}

// --- sending ------------------------------------------------------------------------------------

OutgoingMessage Conversation::encode(std::string_view type, PayloadType payload_type,
                                     std::int64_t sequence_number, std::uint64_t flags,
                                     std::string_view payload) {
  OutgoingMessage message;
  message.sequence_number = sequence_number;
  message.id = protocol::Uuid::random_v4(random_);
  const auto frame = protocol::encode_form(
      {.type = type,
       .created_date_ms = static_cast<std::uint64_t>(net::EventLoop::unix_ms()),
       .sequence_number = sequence_number,
       .flags = flags,
       .message_id = message.id,
       .payload_type = payload_type},
      protocol::as_bytes(payload), {.allow_empty_payload = true});
  SSM_ASSERT(frame.has_value());
  message.bytes.assign(frame->bytes().begin(), frame->bytes().end());
  return message;
}

OutgoingMessage Conversation::output(std::string_view text) {
  return stream(PayloadType::output, text);
}

OutgoingMessage Conversation::stream(PayloadType type, std::string_view payload) {
  return encode("output_stream_data", type, next_sequence_,
                next_sequence_ == 0 ? protocol::flag_syn : 0, payload);
}

OutgoingMessage Conversation::control(std::string_view type, std::string_view payload) {
  return encode(type, PayloadType::none, 0, protocol::flag_syn | protocol::flag_fin, payload);
}

void Conversation::send(const OutgoingMessage& message, std::string_view what) {
  send_aside(message, what);
  sent_.push_back(message);
  ++next_sequence_;
}

void Conversation::send_aside(const OutgoingMessage& message, std::string_view what) {
  note(fmt::format("-> {}, {} bytes", what, message.bytes.size()));
  service_->send(protocol::Frame::copy_of(message.bytes));
}

OutgoingMessage Conversation::send_output(std::string_view text) {
  OutgoingMessage message = output(text);
  send(message, fmt::format("output_stream_data {}", message.sequence_number));
  return message;
}

void Conversation::type(std::string_view keys) {
  note(fmt::format("-> typed into its terminal: {}", printable_tail(keys, shown_tail)));
  client_->write(protocol::as_bytes(keys));
}

void Conversation::acknowledge(const ReceivedMessage& message, std::string_view payload) {
  //= ACK-002
  const std::string usual =
      protocol::serialize(protocol::Acknowledge{.message_type = std::string(message.type),
                                                .message_id = message.id.to_string(),
                                                .sequence_number = message.sequence_number,
                                                .is_sequential = true});
  const OutgoingMessage answer = control("acknowledge", payload.empty() ? usual : payload);
  if (is_tiresome(message)) {
    service_->send(protocol::Frame::copy_of(answer.bytes));
  } else {
    send_aside(answer, fmt::format("acknowledge of {} {}", printable_tail(message.type, shown_tail),
                                   message.sequence_number));
  }
}

/// A client that has stopped listening repeats its input for ever.
bool Conversation::is_tiresome(const ReceivedMessage& message) {
  return message.is_input() && input_copies_[message.sequence_number] > copies_worth_noting;
}

// --- what the client does -----------------------------------------------------------------------

void Conversation::message_arrived(protocol::Frame frame) {
  received_.push_back(read_message(std::move(frame)));
  const ReceivedMessage& message = received_.back();
  if (message.is_input()) {
    ++input_copies_[message.sequence_number];
  }
  if (!is_tiresome(message)) {
    note("<- " + message.summary());
  }
  if (check_ && !violation_) {
    violation_ = check_(message);
  }
  if (message.is_input() && !(holds_typed_input_ && message.is_typed())) {
    acknowledge(message);
  }
  loop_.stop();
}

void Conversation::client_printed(Bytes bytes) {
  if (screen_.size() < screen_limit) {
    screen_ += protocol::as_text(bytes);
  }
  loop_.stop();
}

void Conversation::note(std::string line) {
  if (transcript_.size() < transcript_limit) {
    transcript_.push_back(std::move(line));
  }
}

std::size_t Conversation::acknowledgements_of(std::int64_t sequence_number) const {
  return acknowledged_ids(sequence_number).size();
}

std::vector<std::string> Conversation::acknowledged_ids(std::int64_t sequence_number) const {
  std::vector<std::string> ids;
  for (const ReceivedMessage& message : received_) {
    const auto content = message.acknowledged();
    if (content && content->sequence_number == sequence_number) {
      ids.push_back(content->message_id);
    }
  }
  return ids;
}

std::string Conversation::typed_input() const {
  std::string text;
  std::int64_t last = -1;
  for (const ReceivedMessage& message : received_) {
    if (message.is_typed() && message.sequence_number > last) {
      last = message.sequence_number;
      text += protocol::as_text(message.payload);
    }
  }
  return text;
}

Wait Conversation::wait(const std::function<bool()>& condition, bool end_is_expected) {
  bool expired = false;
  deadline_.arm(net::EventLoop::now() + timeout_, [&] {
    expired = true;
    loop_.stop();
  });
  std::optional<Wait> result;
  while (!result) {
    if (violation_) {
      result = Wait::violated;
    } else if (condition()) {
      result = Wait::met;
    } else if (client_end_) {
      result = Wait::client_ended;
    } else if (connection_end_ && !end_is_expected) {
      result = Wait::connection_ended;
    } else if (expired) {
      result = Wait::timed_out;
    } else {
      loop_.run();
    }
  }
  deadline_.cancel();
  return *result;
}

// --- outcomes -----------------------------------------------------------------------------------

Outcome Conversation::passed(std::string seen) const {
  return {.verdict = Verdict::pass,
          .sent = {},
          .seen = std::move(seen),
          .transcript = transcript_,
          .during_opening = false};
}

Outcome Conversation::skipped(std::string why) const {
  return not_possible(Verdict::skipped, {}, std::move(why));
}

Outcome Conversation::not_possible(Verdict verdict, std::string sent, std::string seen) const {
  return {.verdict = verdict,
          .sent = std::move(sent),
          .seen = std::move(seen),
          .transcript = transcript_,
          .during_opening = opening_ && !violation_};
}

Outcome Conversation::failed(std::string sent, std::string seen) const {
  return not_possible(Verdict::fail, std::move(sent), std::move(seen));
}

Outcome Conversation::missing(std::string sent, std::string_view what, Wait end) const {
  if (end == Wait::violated) {
    return failed(std::move(sent), *violation_);
  }
  return failed(std::move(sent), fmt::format("missing: {}; {}", what, how_it_ended(end)));
}

std::string Conversation::how_it_ended(Wait end) const {
  switch (end) {
    case Wait::met:
    case Wait::violated:
      break;
    case Wait::timed_out:
      return fmt::format(
          "waited {:.3g} s for it",
          std::chrono::duration_cast<std::chrono::duration<double>>(timeout_).count());
    case Wait::connection_ended:
      return *connection_end_;
    case Wait::client_ended:
      return "the client " + exit_text(*client_end_);
  }
  return {};
}

}  // namespace ssm::conformance
