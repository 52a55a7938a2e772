#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "ssm/protocol/agent_role.hpp"
#include "ssm/protocol/keepalive.hpp"
#include "ssm/protocol/poll_queue.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/random.hpp"
#include "ssm/protocol/role.hpp"
#include "ssm/protocol/task.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

/// Habits of an agent on its control channel. The defaults are ours: as the reference, but tried
/// again soon, because a simulator that restarts is back within a second.
struct AgentControlRules {
  /// Delay before the first further try: `retry_min` and a random time below `retry_jitter`; it
  /// doubles with each try, up to `retry_max`. There is no last try.
  Duration retry_min = std::chrono::milliseconds(250);
  Duration retry_jitter = std::chrono::milliseconds(250);
  Duration retry_max = std::chrono::seconds(10);
  /// Each delay is spread evenly over this share of itself, both ways.
  unsigned retry_spread_percent = 50;
  /// An open channel that is lost is tried again after a random time below this.
  Duration reopen_below = std::chrono::milliseconds(500);
  /// One that was lost sooner than this and had carried nothing counts as a failed try, so that a
  /// service that refuses tokens is not dialled at full speed; 0: never.
  Duration shortest_life = std::chrono::seconds(5);
  KeepaliveRules keepalive{.interval = std::chrono::seconds(54),
                           .at_once = false,
                           .pong_wait = std::chrono::seconds(60)};
  /// An agent_task_complete is sent so often, and so far apart, until it is acknowledged.
  std::uint32_t complete_sends = 3;
  Duration complete_interval = std::chrono::seconds(1);
};

/// Those of a profile: ours for `strict`, the reference's for each real agent (amazon-ssm-agent
/// agent/messageservice/interactor/mgsinteractor/mgsinteractor.go,
/// agent/session/controlchannel/controlchannel.go): 5 to 10 s, doubled up to 40 minutes; 2.5 s.
[[nodiscard]] AgentControlRules agent_control_rules(const AgentProfile& profile);

struct AgentControlConfig {
  AgentControlRules rules;
  std::string instance_id;
  /// Reported as AgentVersion.
  std::string version;
  std::string platform_type = "linux";
  Epoch epoch;
  /// For delays and message ids.
  std::uint64_t seed = 0;
};

// --- what the machine asks of its driver, besides the requests of role.hpp ----------------------

/// CreateControlChannel; answer with channel_created or channel_refused.
struct RequestControlChannel {
  std::string request_id;
};
using AgentControlOutput = std::variant<RequestControlChannel, OpenConnection, DropConnection,
                                        SendText, SendBinary, SendPing>;

// --- what happened ------------------------------------------------------------------------------

/// The connection is open and the service has been told who we are. It does not answer that.
struct ControlOpened {};
/// There is no channel: a try failed or the connection ended.
struct ControlLost {
  std::string reason;
  Duration retry_in{0};
  /// Access was denied, in the service's own word; tries go on all the same (CTL-004).
  bool denied = false;
};
/// Start a session of any type.
struct SessionOrdered {
  SessionTask task;
};
/// End a session, whether or not it has begun.
struct SessionCancelled {
  std::string session_id;
};
/// The service never acknowledged how a session ended, and is not told again.
struct CompletionUnacknowledged {
  std::string session_id;
};
/// A message that cannot be what it claims to be was dropped.
struct ControlMessageRefused {
  Error error;
};
using AgentControlEvent = std::variant<ControlOpened, ControlLost, SessionOrdered, SessionCancelled,
                                       CompletionUnacknowledged, ControlMessageRefused>;

/// The agent's end of its control channel: keeps one open for ever, hands on what the service
/// orders, each session once, and reports how sessions ended until that is acknowledged.
///
///     idle -> requesting -> opening -> open -> waiting -> requesting ...
///
/// Surface as that of the roles: inputs, then both polls until empty, then one timer. Not thread
/// safe.
class AgentControl {
 public:
  explicit AgentControl(AgentControlConfig config);

  void start(Instant now);
  void channel_created(std::string token, Instant now);
  /// `answer`: status and body, or why there was none.
  void channel_refused(std::string_view answer, Instant now);
  void connection_opened(Instant now);
  void connection_failed(std::string_view reason, Instant now);
  void connection_lost(std::string_view reason, Instant now);
  /// A binary message.
  void receive(Bytes message, Instant now);
  void pong_received(Instant now);
  /// The agent's part in a session is over. Told to the service as soon as there is a channel.
  void session_ended(std::string_view session_id, AgentEnd end, std::string_view text, Instant now);
  /// Drops the connection and tries no more, until `start`.
  void stop();

  void on_timer(Instant now);
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  [[nodiscard]] std::optional<AgentControlOutput> poll_output() { return outputs_.poll(); }
  [[nodiscard]] std::optional<AgentControlEvent> poll_event() { return events_.poll(); }

  [[nodiscard]] ConnectionState state() const { return state_; }
  /// Ends of sessions that are not acknowledged yet.
  [[nodiscard]] std::size_t unacknowledged() const { return completions_.size(); }

 private:
  struct Completion {
    std::string session_id;
    Frame message;
    std::string message_id;
    std::uint32_t sends = 0;
    std::optional<Instant> due;  ///< none: waits for a channel
  };

  void request();
  void wait(std::string reason, Duration delay, bool denied, Instant now);
  [[nodiscard]] Duration next_delay();
  void receive_task(Bytes payload);
  void receive_acknowledge(Bytes payload);
  void send_due(Instant now);
  void refuse(Error error) { events_.push(ControlMessageRefused{std::move(error)}); }
  /// True the first time.
  bool remember(const std::string& session_id);

  AgentControlConfig config_;
  Random random_;
  ConnectionState state_ = ConnectionState::idle;
  std::string token_;
  std::optional<Instant> retry_at_;
  std::uint32_t failures_ = 0;
  Duration first_delay_{0};
  Instant opened_at_{};
  bool carried_something_ = false;
  Keepalive keepalive_;
  std::deque<Completion> completions_;
  /// Sessions that were ordered, the latest ones: an order may come twice.
  std::set<std::string, std::less<>> known_;
  std::deque<std::string> known_order_;
  PollQueue<AgentControlOutput> outputs_;
  PollQueue<AgentControlEvent> events_;
};

}  // namespace ssm::protocol
