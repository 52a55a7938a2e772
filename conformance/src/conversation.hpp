#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "received_message.hpp"
#include "ssm/agent/pty_process.hpp"
#include "ssm/conformance/case.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/random.hpp"

namespace ssm::conformance {

class ScriptedService;

/// A message of the scripted agent or service, before it is sent: cases damage `bytes`.
struct OutgoingMessage {
  std::vector<std::byte> bytes;
  std::int64_t sequence_number = 0;
  protocol::Uuid id;
};

/// How the wait for something the client should do came to its end.
enum class Wait : std::uint8_t { met, timed_out, connection_ended, client_ended, violated };

/// The other end of one client under test: a service with the API and one data channel, and the
/// agent behind it, driven step by step by a case. The calls that wait run the event loop; the
/// messages that arrive meanwhile are noted, and input is acknowledged.
///
/// A case opens the session, sends, waits, judges and returns an Outcome. Destroying it ends the
/// client.
class Conversation {
 public:
  Conversation(const std::vector<std::string>& command, net::Duration timeout);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // --- opening: nullopt, or the outcome of the case if that was not possible

  /// Starts the client and waits for its data channel.
  [[nodiscard]] std::optional<Outcome> connect();
  /// The same; then the agent sends two outputs without a handshake, as agents do for shells, and
  /// the client has acknowledged and shown both. It may refuse the second one for a while, because
  /// it starts its session on the first one (SEQ-013).
  [[nodiscard]] std::optional<Outcome> open();

  /// What is judged begins now: failures are no longer `during_opening`. `open` does this itself.
  void subject_reached() { opening_ = false; }

  // --- sending

  /// Output with the next sequence number and a fresh id. Not sent yet.
  [[nodiscard]] OutgoingMessage output(std::string_view text);
  [[nodiscard]] OutgoingMessage stream(protocol::PayloadType type, std::string_view payload);
  /// A message of another type: no sequence number is used.
  [[nodiscard]] OutgoingMessage control(std::string_view type, std::string_view payload);

  /// A message that the client takes: its sequence number is used up. Until `open` is done, and if
  /// it is not called, the oldest one without an acknowledgement is sent again and again, as by an
  /// agent.
  void send(const OutgoingMessage& message, std::string_view what);
  /// A message that leaves the sequence numbers as they are: a bad one, or none of the stream.
  void send_aside(const OutgoingMessage& message, std::string_view what);
  /// Sends ordinary output and returns it.
  OutgoingMessage send_output(std::string_view text);
  /// Types into the client's terminal.
  void type(std::string_view keys);

  /// From now on typed input is not acknowledged any more; everything else still is.
  void hold_typed_input() { holds_typed_input_ = true; }
  /// Acknowledges one message, with the usual payload or a given one.
  void acknowledge(const ReceivedMessage& message, std::string_view payload = {});

  // --- what the client did

  [[nodiscard]] const std::deque<ReceivedMessage>& received() const { return received_; }
  /// Acknowledgements that name this sequence number.
  [[nodiscard]] std::size_t acknowledgements_of(std::int64_t sequence_number) const;
  [[nodiscard]] bool acknowledged(std::int64_t sequence_number) const {
    return acknowledgements_of(sequence_number) > 0;
  }
  /// The ids that these name.
  [[nodiscard]] std::vector<std::string> acknowledged_ids(std::int64_t sequence_number) const;
  [[nodiscard]] bool shown(std::string_view text) const {
    return screen_.find(text) != std::string::npos;
  }
  [[nodiscard]] std::string typed_input() const;
  [[nodiscard]] bool client_ended() const { return client_end_.has_value(); }
  [[nodiscard]] bool resumed() const { return resumed_; }

  /// Every message that arrives is given to `check`; its text says what is wrong. The first
  /// violation ends each wait.
  void check_each(std::function<std::optional<std::string>(const ReceivedMessage&)> check) {
    check_ = std::move(check);
  }
  [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }

  /// Until the condition holds or cannot hold any more. `condition` is looked at after each event.
  [[nodiscard]] Wait wait(const std::function<bool()>& condition, bool end_is_expected = false);

  // --- outcomes

  [[nodiscard]] Outcome passed(std::string seen) const;
  [[nodiscard]] Outcome skipped(std::string why) const;
  [[nodiscard]] Outcome failed(std::string sent, std::string seen) const;
  /// Failed because a wait ended without `what`.
  [[nodiscard]] Outcome missing(std::string sent, std::string_view what, Wait end) const;

 private:
  [[nodiscard]] Outcome not_possible(Verdict verdict, std::string sent, std::string seen) const;
  [[nodiscard]] Outcome not_connected(Wait end) const;
  void data_channel_opened();
  void message_arrived(protocol::Frame frame);
  void client_printed(protocol::Bytes bytes);
  void note(std::string line);
  [[nodiscard]] std::optional<Outcome> exchange_output(std::string_view text);
  void repeat_oldest();
  [[nodiscard]] bool is_tiresome(const ReceivedMessage& message);
  [[nodiscard]] std::string how_it_ended(Wait end) const;
  [[nodiscard]] OutgoingMessage encode(std::string_view type, protocol::PayloadType payload_type,
                                       std::int64_t sequence_number, std::uint64_t flags,
                                       std::string_view payload);

  std::vector<std::string> command_;
  net::Duration timeout_;
  net::EventLoop loop_;
  net::Timer deadline_;
  net::Timer repeat_timer_;
  protocol::Random random_;
  std::unique_ptr<ScriptedService> service_;
  std::unique_ptr<agent::PtyProcess> client_;
  std::optional<agent::ExitStatus> client_end_;
  std::optional<std::string> connection_end_;
  std::string refused_;
  bool connected_ = false;
  bool resumed_ = false;
  bool holds_typed_input_ = false;
  bool opening_ = true;
  std::int64_t next_sequence_ = 0;
  std::deque<OutgoingMessage> sent_;
  std::map<std::int64_t, int> input_copies_;
  std::deque<ReceivedMessage> received_;
  std::string screen_;
  std::function<std::optional<std::string>(const ReceivedMessage&)> check_;
  std::optional<std::string> violation_;
  std::vector<std::string> transcript_;
};

}  // namespace ssm::conformance
