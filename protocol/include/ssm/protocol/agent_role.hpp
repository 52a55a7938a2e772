#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "ssm/protocol/agent_handshake.hpp"
#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/keepalive.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/poll_queue.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/publication.hpp"
#include "ssm/protocol/random.hpp"
#include "ssm/protocol/receive_window.hpp"
#include "ssm/protocol/reconnect.hpp"
#include "ssm/protocol/role.hpp"
#include "ssm/protocol/send_window.hpp"
#include "ssm/protocol/session_description.hpp"
#include "ssm/protocol/terminal_size.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

namespace detail {
enum class Taken : std::uint8_t;
}

struct AgentConfig {
  AgentProfile profile;
  std::string session_id;
  std::string instance_id;
  /// What the handshake tells the client, and whether there is one.
  SessionDescription session = {};
  Epoch epoch;
  std::uint64_t seed = 0;
  /// Fresh secret bytes; needed if the session has a KMS key.
  std::optional<SecretSeed> secret = {};
};

/// Call CreateDataChannel with this RequestId; answer with channel_created or channel_refused.
struct RequestDataChannel {
  std::string request_id;
};

using AgentOutput = std::variant<RequestDataChannel, OpenConnection, DropConnection, SendText,
                                 SendBinary, SendPing, DecryptDataKey>;

/// The data channel is open for the first time, and the handshake is over if there is one: start
/// the session's program.
struct AgentConnected {
  /// Empty where there was no handshake.
  std::string client_version;
};
/// Input for the program, each byte once and in order.
struct InputReceived {
  PayloadType type = PayloadType::output;
  FrameSlice data;
};
struct TerminalResized {
  TerminalSize size;
};
/// The session is over without the program's doing: stop it, then call `cancelled`.
struct ChannelClosedByService {
  /// Empty: the service sent channel_closed. Otherwise why the channel was given up; AgentEnded
  /// will say the same.
  std::string text;
};
/// There is room for output again after `can_send` was false.
struct OutputPossible {};

enum class AgentEnd : std::uint8_t {
  success,    ///< the program ended; Terminating was sent
  cancelled,  ///< by channel_closed, or the service refused a new channel: the session is over
  failed,     ///< `text` says why
};
[[nodiscard]] std::string_view name(AgentEnd end);
struct AgentEnded {
  AgentEnd reason = AgentEnd::success;
  std::string text;
};

using AgentEvent = std::variant<AgentConnected, InputReceived, TerminalResized,
                                ChannelClosedByService, OutputPossible, AgentEnded>;

/// The agent end of one session's data channel: token, opening, handshake, encryption, stream both
/// ways, acknowledgement, retransmission, pause, reconnection, end. Knows nothing of programs and
/// terminals. Pure; not thread safe. After AgentEnded it does nothing more.
class AgentRole {
 public:
  explicit AgentRole(AgentConfig config);

  void start(Instant now);

  void channel_created(std::string_view token, Instant now);
  /// `detail` with `Session is already terminated` ends the session at once (RESUME-013).
  void channel_refused(std::string_view detail, Instant now);
  void connection_opened(Instant now);
  void connection_failed(std::string_view detail, Instant now);
  void connection_lost(std::string_view detail, Instant now);
  void pong_received(Instant now) { keepalive_.pong(now); }
  /// The owner takes nothing from the connection for now, or takes messages again: pongs wait
  /// unread. Holds across reconnections.
  void set_reading(bool reading, Instant now) { keepalive_.set_reading(reading, now); }

  void receive(const Frame& message, Instant now);

  /// The answer to DecryptDataKey.
  void data_key_decrypted(Bytes plaintext, Instant now);
  void data_key_failed(std::string_view cause, Instant now);

  /// Until the program exists, stream input is left unacknowledged and comes again (SEQ-012).
  void set_input_ready(bool ready, Instant now);

  /// False before AgentConnected, while paused and while the send window is full: stop reading the
  /// program's output.
  [[nodiscard]] bool can_send() const;
  /// Stream data; not empty; asserts can_send(). SHELL-012: at most chunk_bytes + 3.
  void send_output(PayloadType type, Bytes data, Instant now);

  /// The program ended by itself and all its output was given to send_output: waits for
  /// acknowledgements up to drain_limit, reports Terminating, drops the connection.
  void finish(Instant now);
  /// The program was stopped after ChannelClosedByService.
  void cancelled(Instant now);
  /// The program could not be started or run.
  void fail(std::string_view text, Instant now);

  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  [[nodiscard]] std::optional<AgentOutput> poll_output() { return outputs_.poll(); }
  [[nodiscard]] std::optional<AgentEvent> poll_event() { return events_.poll(); }

  [[nodiscard]] bool ended() const { return state_ == State::ended; }
  /// Why, once ended() is true.
  [[nodiscard]] std::optional<AgentEnd> end_reason() const {
    return ended() ? ending_ : std::nullopt;
  }
  [[nodiscard]] ChannelStatus status() const;
  [[nodiscard]] bool paused() const { return publication_.paused(); }
  [[nodiscard]] std::size_t unacknowledged() const { return send_.in_flight(); }

 private:
  using State = ConnectionState;

  void request_channel(Instant now);
  void try_again(std::string_view detail, Instant now);
  void watch_stragglers(Instant now);
  void note_acknowledged(std::int64_t sequence, bool known);
  [[nodiscard]] bool ignores_copies() const;
  void begin_end(AgentEnd reason, std::string_view text, Instant now);
  void complete_end(Instant now);
  void give_up(AgentEnd reason, std::string_view detail, Instant now);
  void send_state(std::string_view session_state, Instant now);
  void resend(Instant now);
  void transmit(PayloadType type, Bytes data, Instant now);
  void follow_handshake(Instant now);
  void continue_after_key(Instant now);
  void receive_input(const MessageView& message, const Frame& frame, Instant now);
  void receive_acknowledge(const MessageView& message, Instant now);
  void drain_stored(Instant now);
  [[nodiscard]] detail::Taken handle_input(const MessageView& message, const Frame& frame,
                                           Instant now);
  [[nodiscard]] detail::Taken handle_handshake(const MessageView& message, const Frame& frame,
                                               Instant now);
  [[nodiscard]] bool listener_dies();
  void acknowledge(const MessageView& message, Instant now);
  void after_pause(bool ended, Instant now);
  void note_room();

  AgentConfig config_;
  Random random_;
  SendWindow send_;
  ReceiveWindow receive_;
  Publication publication_;
  ReconnectSchedule reconnect_;
  Keepalive keepalive_;
  AgentHandshake handshake_;
  State state_ = State::idle;
  bool was_open_ = false;
  bool connected_ = false;      ///< AgentConnected was reported
  bool listener_dead_ = false;  ///< profile only
  /// A message that is taken once the data key is decrypted.
  std::optional<Frame> awaits_key_;
  bool input_ready_ = false;
  bool output_blocked_ = false;
  bool acknowledges_copies_ = false;  ///< the client was seen to acknowledge a message twice
  /// A copy of the oldest message went out on this connection, before the message `next` did. An
  /// acknowledgement of that one or a later one tells that the copy was received, too.
  struct WatchedCopy {
    std::int64_t sequence = 0;
    std::int64_t next = 0;
  };
  std::optional<WatchedCopy> watched_copy_;
  int ignored_copies_ = 0;  ///< such copies that were not acknowledged
  std::string request_id_;
  std::string token_;
  std::optional<AgentEnd> ending_;
  std::string end_text_;
  /// Set when the channel was given up after it had been open: how `cancelled` will end.
  std::optional<AgentEnded> given_up_;
  std::optional<Instant> drain_until_;
  std::optional<Instant> stragglers_until_;
  std::optional<Instant> retry_at_;
  PollQueue<AgentOutput> outputs_;
  PollQueue<AgentEvent> events_;
};

}  // namespace ssm::protocol
