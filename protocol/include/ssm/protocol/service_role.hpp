#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "ssm/protocol/error.hpp"
#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/poll_queue.hpp"
#include "ssm/protocol/random.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

/// The two ends that the service joins.
enum class Side : std::uint8_t { client, agent };
[[nodiscard]] constexpr Side other(Side side) {
  return side == Side::client ? Side::agent : Side::client;
}
[[nodiscard]] constexpr std::string_view name(Side side) {
  return side == Side::client ? "client" : "agent";
}

/// What becomes of an end that sends more messages than allowed.
enum class RateAction : std::uint8_t {
  pause,  ///< pause_publication, and start_publication once half of its burst is free again
  close,  ///< its connection is closed with code 1008
};

/// Limits that the service enforces; 0 means no limit.
struct ServiceRules {
  Duration agent_join_limit = std::chrono::seconds(60);
  Duration client_join_limit = std::chrono::minutes(5);
  /// How long a session waits for a client, or an agent, that was connected before.
  Duration client_absence_limit = std::chrono::minutes(20);
  Duration agent_absence_limit = std::chrono::seconds(60);
  /// No stream data either way for this long ends the session (idleSessionTimeout).
  Duration idle_timeout = std::chrono::minutes(20);
  Duration max_duration{0};
  /// After channel_closed the ends have this long to close their connections themselves.
  Duration close_linger = std::chrono::seconds(2);
  /// After the end, a client that was away can still resume for so long, and is told the true end
  /// (what was held for it, then channel_closed) instead of that its session timed out.
  Duration resume_grace = std::chrono::seconds(30);
  /// Connections are closed with code 1000 at this age; a client is expected to resume, an agent to
  /// ask for a new token (session-manager-plugin issue 135: about hourly).
  Duration recycle_after{0};
  /// Messages a second that an end may send, of any type, and how many at once; AWS was measured to
  /// take about 1000 a second (Cyberax/gimlet, README). `rate_burst` 0: as many as in a second.
  std::uint32_t rate_limit = 0;
  std::uint32_t rate_burst = 0;
  RateAction rate_action = RateAction::pause;
  /// Messages and bytes held for an end that is away, per direction; beyond, messages are dropped
  /// and their sender's retransmission brings them back.
  std::size_t held_messages = 1024;
  std::size_t held_bytes = std::size_t{2} * 1024 * 1024;
  /// Tell the agent to stop and restart output while the client is away.
  bool publication_control = true;

  friend bool operator==(const ServiceRules&, const ServiceRules&) = default;
};

struct ServiceConfig {
  ServiceRules rules;
  std::string session_id;
  std::string target;
  Epoch epoch;
  std::uint64_t seed = 0;
};

/// Send this message to one end.
struct Deliver {
  Side to = Side::client;
  Frame message;
};
/// Close that end's connection after what was delivered before is written: with a close frame of
/// that code, or without one if the code is 0.
struct CloseSide {
  Side side = Side::client;
  std::uint16_t code = 0;
  std::string reason = {};
};
using ServiceOutput = std::variant<Deliver, CloseSide>;

enum class ServiceStatus : std::uint8_t { connecting, connected, disconnected };
struct StatusChanged {
  ServiceStatus status = ServiceStatus::connecting;
};
/// The session is over: no token is valid any more. Outputs may follow (channel_closed, closing).
struct ServiceEnded {
  bool failed = false;
  std::string text;  ///< Output of channel_closed; empty for a normal end
};
/// A message was not relayed; for logs and findings.
struct MessageRefused {
  Side from = Side::client;
  Error error;
};
using ServiceEvent = std::variant<StatusChanged, ServiceEnded, MessageRefused>;

/// The service's part in one session: joins the two ends, holds what arrives while one is away,
/// keeps agent_session_state to itself, makes channel_closed, pause_publication and
/// start_publication, and watches the time limits (service.md 4.8, 4.10, data-channel.md 10.21).
/// It relays bytes unchanged and never acknowledges. Pure; not thread safe.
class ServiceRole {
 public:
  explicit ServiceRole(ServiceConfig config);

  void start(Instant now);
  /// That end's connection is open and its token was accepted. A new connection of the same end
  /// replaces the old one; the driver closes that.
  void attached(Side side, Instant now);
  void detached(Side side, Instant now);
  void receive(Side from, Frame message, Instant now);
  /// TerminateSession, or the agent's report that it failed (`text` for the user, `failed`).
  void terminate(std::string_view text, bool failed, Instant now);

  /// Sends pause_publication or start_publication to that end, beyond what the role does by itself.
  void publish(Side side, bool pause, Instant now);

  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  [[nodiscard]] std::optional<ServiceOutput> poll_output() { return outputs_.poll(); }
  [[nodiscard]] std::optional<ServiceEvent> poll_event() { return events_.poll(); }

  [[nodiscard]] bool over() const { return over_; }
  /// ResumeSession gives out a token: the session goes on, or ended while its client was away, or
  /// failed before it came, not longer ago than resume_grace.
  [[nodiscard]] bool resumable() const { return !over_ || late_until_; }
  /// Over, and nobody is to be told any more: the role can be forgotten.
  [[nodiscard]] bool forgettable() const {
    return over_ && !late_until_ && !end(Side::client).attached && !end(Side::agent).attached;
  }
  [[nodiscard]] bool is_attached(Side side) const { return end(side).attached; }
  [[nodiscard]] std::uint64_t relayed(Side from) const { return end(from).relayed; }
  [[nodiscard]] std::uint64_t dropped(Side to) const { return end(to).dropped; }

 private:
  struct End {
    bool attached = false;
    bool seen = false;
    Instant since{};  ///< of the last change of `attached`
    std::deque<Frame> held;
    std::size_t held_bytes = 0;
    std::uint64_t relayed = 0;  ///< messages from this end
    std::uint64_t dropped = 0;  ///< messages to this end that could not be held
    bool closing = false;       ///< CloseSide was given out
    Instant rate_debt{};        ///< when all messages so far would be paid for
    bool rate_paused = false;
  };
  [[nodiscard]] End& end(Side side) { return ends_[static_cast<std::size_t>(side)]; }
  [[nodiscard]] const End& end(Side side) const { return ends_[static_cast<std::size_t>(side)]; }

  void relay(Side from, Frame message);
  void deliver_held(Side side);
  void close(Side side, std::uint16_t code, std::string reason);
  void watch_rate(Side from, Instant now);
  void end_rate_pauses(Instant now);
  void recycle(Instant now);
  [[nodiscard]] std::optional<Instant> rate_pause_ends(const End& one) const;
  [[nodiscard]] Duration rate_tolerance() const;
  void send_publication(Side to, MessageType type, Instant now);
  void send_channel_closed(Side to, Instant now);
  void finish(std::string text, bool failed, bool tell_agent, Instant now);
  void publish_status();
  [[nodiscard]] Frame make(MessageType type, Bytes payload, Instant now);
  template <class Visit>
  void for_each_limit(Visit visit) const;

  ServiceConfig config_;
  Random random_;
  std::array<End, 2> ends_;
  Instant started_at_{};
  Instant last_data_{};
  bool over_ = false;
  std::optional<Instant> close_at_;
  std::optional<Instant> late_until_;
  std::string output_text_;
  std::optional<ServiceStatus> published_;
  PollQueue<ServiceOutput> outputs_;
  PollQueue<ServiceEvent> events_;
};

}  // namespace ssm::protocol
