#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ssm/protocol/client_handshake.hpp"
#include "ssm/protocol/error.hpp"
#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/gap_watch.hpp"
#include "ssm/protocol/keepalive.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/poll_queue.hpp"
#include "ssm/protocol/port_flag.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/publication.hpp"
#include "ssm/protocol/random.hpp"
#include "ssm/protocol/receive_window.hpp"
#include "ssm/protocol/reconnect.hpp"
#include "ssm/protocol/role.hpp"
#include "ssm/protocol/send_window.hpp"
#include "ssm/protocol/terminal_size.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

namespace detail {
enum class Taken : std::uint8_t;
}

struct ClientConfig {
  ClientProfile profile;
  std::string session_id;
  std::string stream_url;
  std::string token;
  Epoch epoch;
  std::uint64_t seed = 0;
  /// Not set: an agent that asks for encryption is told `why_no_encryption`.
  std::optional<ClientEncryption> encryption = {};
  std::string why_no_encryption = "this client has no KMS access, so it cannot encrypt the session";
};
/// What the plugin says when the AWS CLI that started it is too old to name the target (ENC-016).
inline constexpr std::string_view old_cli_no_encryption =
    "Installed version of CLI does not support Session Manager encryption feature. Please upgrade "
    "to the latest version of your CLI (e.g., AWS CLI).";

/// Call the ResumeSession API; answer with resume_answered or resume_failed.
struct RequestResume {};
/// Call the TerminateSession API; no answer is awaited.
struct RequestTerminate {};

using ClientOutput = std::variant<OpenConnection, DropConnection, SendText, SendBinary, SendPing,
                                  RequestResume, RequestTerminate, GenerateDataKey>;

/// The session type is known: send the terminal size, then input.
struct SessionStarted {
  std::string session_type;   ///< `Standard_Stream`, `Port`, ...
  std::string agent_version;  ///< empty where there was no handshake
  std::string properties;     ///< of a port session, as JSON text; `null` otherwise
};
/// Stream data for the application, each byte once and in order.
struct OutputReceived {
  PayloadType type = PayloadType::output;
  FrameSlice data;
};
/// Text of HandshakeComplete for the user.
struct CustomerMessage {
  std::string text;
};
struct ConnectionInterrupted {
  std::string detail;
};
struct ConnectionRestored {};
/// There is room for input again after `can_send` was false.
struct InputPossible {};

enum class ClientEnd : std::uint8_t {
  channel_closed,        ///< by the service; `text` is its Output, empty for a normal end
  timed_out,             ///< ResumeSession answered without a token
  unreachable,           ///< the first connection could not be opened
  resume_exhausted,      ///< reconnection tries used up
  unknown_session_type,  ///< the handshake ended without a session type
  input_lost,            ///< profile only: input while there was no connection
  input_finished,        ///< finish_input: everything was delivered, or the profile does not wait
  agent_unresponsive,    ///< nothing was acknowledged for too long, and no end was heard either
  stream_gap,            ///< a message never came, while later ones did
};
[[nodiscard]] std::string_view name(ClientEnd end);
struct ClientEnded {
  ClientEnd reason = ClientEnd::channel_closed;
  std::string text;
};

using ClientEvent =
    std::variant<SessionStarted, OutputReceived, CustomerMessage, ConnectionInterrupted,
                 ConnectionRestored, InputPossible, ClientEnded>;

/// The client end of one session: opening, plain start or handshake, encryption, stream both ways,
/// acknowledgement, retransmission, reconnection with ResumeSession, end.
/// Pure; not thread safe. After ClientEnded it does nothing more.
class ClientRole {
 public:
  explicit ClientRole(ClientConfig config);

  void start(Instant now);

  void connection_opened(Instant now);
  void connection_failed(std::string_view detail, Instant now);
  void connection_lost(std::string_view detail, Instant now);
  void pong_received(Instant now) { keepalive_.pong(now); }
  /// The owner takes nothing from the connection for now, because its output is slow, or takes
  /// messages again. Holds across reconnections. What waits unread is not taken for missing.
  void set_reading(bool reading, Instant now);
  /// `token` empty: the session is over.
  void resume_answered(std::string_view token, std::string_view stream_url, Instant now);
  void resume_failed(std::string_view detail, Instant now);

  /// One WebSocket message, text or binary (TRANS-015). What cannot be understood is dropped.
  void receive(const Frame& message, Instant now);

  /// The answer to GenerateDataKey: the data key, plain and as KMS encrypted it.
  void data_key_generated(Bytes plaintext, Bytes ciphertext, Instant now);
  void data_key_failed(std::string_view cause, Instant now);

  /// False while the send window is full, while the service has paused the client (profile), and
  /// before the session has started: keep the input and wait for InputPossible.
  [[nodiscard]] bool can_send() const;
  /// Stream data of type `output`, at most profile.chunk_bytes; asserts can_send().
  void send_input(Bytes data, Instant now);
  /// The same of any payload type.
  void send_stream(PayloadType type, Bytes data, Instant now);
  /// A flag of a port session; kept while the window is full and sent before any later data, so
  /// that can_send() is false until then.
  void send_flag(PortFlag flag, Instant now);
  /// Terminal size; kept and sent when there is room (the latest wins).
  void send_size(TerminalSize size, Instant now);
  /// There is no more input (end of stdin): nothing can be sent any more, output still comes. Once
  /// all input is acknowledged the session is terminated (RequestTerminate), and the role ends with
  /// channel_closed, or with input_finished if the service does not say so in time.
  void finish_input(Instant now);

  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  [[nodiscard]] std::optional<ClientOutput> poll_output() { return outputs_.poll(); }
  [[nodiscard]] std::optional<ClientEvent> poll_event() { return events_.poll(); }

  [[nodiscard]] bool ended() const { return state_ == State::ended; }
  /// Why, once ended() is true.
  [[nodiscard]] std::optional<ClientEnd> end_reason() const { return end_reason_; }
  [[nodiscard]] bool started() const { return started_; }
  [[nodiscard]] bool paused() const { return publication_.paused(); }
  [[nodiscard]] ChannelStatus status() const;
  [[nodiscard]] std::size_t unacknowledged() const { return send_.in_flight(); }
  [[nodiscard]] const RttEstimator& rtt() const { return send_.rtt(); }

 private:
  using State = ConnectionState;

  void open(Instant now);
  void try_again(std::string_view detail, Instant now);
  void end(ClientEnd reason, std::string text);
  void transmit(PayloadType type, Bytes payload, Instant now);
  void resend(Instant now);
  void send_pending(Instant now);
  void request_terminate(ClientEnd reason_if_unheard, Instant now);
  void terminate_when_delivered(Instant now);
  void receive_output(const MessageView& message, const Frame& frame, Instant now);
  void drain_stored(Instant now);
  [[nodiscard]] detail::Taken handle_output(const MessageView& message, const Frame& frame,
                                            bool stored, Instant now);
  [[nodiscard]] bool handle_handshake(const MessageView& message, Instant now);
  [[nodiscard]] bool handle_challenge(const MessageView& message, Instant now);
  void follow_handshake(ClientHandshake::Step step, Instant now);
  bool listener_dies();
  void acknowledge(const MessageView& message, Instant now);
  void receive_acknowledge(const MessageView& message, Instant now);
  void deliver_unordered(const MessageView& message, const Frame& frame, Instant now);
  void pause(Instant now);
  void after_pause(bool ended, Instant now);
  void look_for_gap(Instant now);
  [[nodiscard]] std::string describe_gap() const;
  [[nodiscard]] bool pause_ends_by_traffic() const;
  [[nodiscard]] bool holds_back() const;
  void complete_handshake(const HandshakeComplete& complete, Instant now);
  void begin_session(std::string session_type, Instant now);
  void note_room();

  ClientConfig config_;
  Random random_;
  std::string client_id_;
  SendWindow send_;
  ReceiveWindow receive_;
  ReconnectSchedule reconnect_;
  Keepalive keepalive_;
  GapWatch gap_;
  bool reading_ = true;
  Publication publication_;
  std::optional<Instant> pause_ends_at_;
  std::int64_t highest_delivered_ = -1;  ///< Delivery::only_newer
  State state_ = State::idle;
  bool was_open_ = false;
  bool listener_dead_ = false;  ///< profile only
  bool started_ = false;
  bool is_terminal_ = false;
  bool input_blocked_ = false;
  bool input_finished_ = false;
  /// TerminateSession was asked for: how this ends if nothing is heard by `end_unheard_at_`.
  std::optional<ClientEnd> terminating_;
  std::optional<Instant> end_unheard_at_;
  std::optional<ClientEnd> end_reason_;
  ClientHandshake handshake_;
  std::optional<Instant> data_key_at_;  ///< when KMS has taken too long
  std::optional<std::string> pending_response_;
  std::optional<TerminalSize> pending_size_;
  std::vector<PortFlag> pending_flags_;
  std::optional<Instant> retry_at_;
  PollQueue<ClientOutput> outputs_;
  PollQueue<ClientEvent> events_;
};

}  // namespace ssm::protocol
