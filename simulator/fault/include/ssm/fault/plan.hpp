#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ssm/protocol/message.hpp"
#include "ssm/protocol/service_role.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::fault {

using protocol::Duration;
using protocol::Side;

/// Which way a message travels through the service.
enum class Direction : std::uint8_t { client_to_agent, agent_to_client };
[[nodiscard]] constexpr std::string_view name(Direction direction) {
  return direction == Direction::client_to_agent ? "client_to_agent" : "agent_to_client";
}
[[nodiscard]] constexpr Direction direction_from(Side sender) {
  return sender == Side::client ? Direction::client_to_agent : Direction::agent_to_client;
}

/// Numbers from `first` to `last`, both included; `first` is not greater than `last`.
struct Range {
  std::int64_t first = 0;
  std::int64_t last = 0;

  [[nodiscard]] constexpr bool contains(std::int64_t number) const {
    return first <= number && number <= last;
  }
  friend bool operator==(const Range&, const Range&) = default;
};

/// When a rule fires: at messages, those that every present field matches, or once at a time of
/// the session. A retransmission is a message of its own.
struct Match {
  /// Makes a timed rule: it fires once in each session, this long after the session started. Only
  /// `session` and `probability` may be present beside it.
  std::optional<Duration> at = std::nullopt;

  std::optional<Direction> direction = std::nullopt;
  std::optional<protocol::MessageType> message_type = std::nullopt;
  std::optional<protocol::PayloadType> payload_type = std::nullopt;
  /// Session id; `*` stands for any text, `?` for one character.
  std::optional<std::string> session = std::nullopt;
  /// The message came over the sender's n-th connection in this session, counted from 1.
  std::optional<std::uint32_t> connection = std::nullopt;
  /// Of a stream message; no other message matches.
  std::optional<Range> sequence = std::nullopt;
  /// What an acknowledge message acknowledges; no other message matches.
  std::optional<Range> acknowledged = std::nullopt;
  /// The how-manieth transmission of this message, as the service sees them: 1 is the first, and a
  /// retransmission is 2 or more. The same message is the same direction, type and sequence
  /// number, or number acknowledged; of other types each message counts. Not 0.
  std::optional<std::uint64_t> copy = std::nullopt;

  /// Messages that match all of the above are counted from 1 for each session (both directions
  /// together when the rule has none). Without `nth` and `every` each of them is selected; with
  /// `nth` that one only; with `every` each multiple of it; with both, the nth and each
  /// `every`-th after it. Neither may be 0.
  std::optional<std::uint64_t> nth = std::nullopt;
  std::optional<std::uint64_t> every = std::nullopt;
  /// The chance that the rule fires for a selected message, or for a session, 0 to 1.
  std::optional<double> probability = std::nullopt;

  friend bool operator==(const Match&, const Match&) = default;
};

// Message actions. They decide how often and when the message that fired the rule is relayed; see
// Decision::transmissions.

/// The service does not relay the message.
struct Drop {
  friend bool operator==(const Drop&, const Drop&) = default;
};

/// A time drawn evenly from `min` to `max`; 0 <= min <= max.
struct Delay {
  Duration min{0};
  Duration max{0};

  friend bool operator==(const Delay&, const Delay&) = default;
};

/// The message is relayed `copies` more times: at once, or all after the time drawn from `after`.
struct Duplicate {
  std::uint32_t copies = 1;
  std::optional<Delay> after = std::nullopt;

  friend bool operator==(const Duplicate&, const Duplicate&) = default;
};

// Actions on an end, its connection or the service. A message that fires one is relayed first.

/// Ends one side's connection; the session lives on.
struct Close {
  /// A close frame. `code` is 1000 to 4999, `reason` at most 123 bytes.
  struct Frame {
    std::uint16_t code = 1000;
    std::string reason = {};

    friend bool operator==(const Frame&, const Frame&) = default;
  };
  Side side = Side::client;
  /// Without one, TCP is dropped and no close frame is sent.
  std::optional<Frame> frame = std::nullopt;

  friend bool operator==(const Close&, const Close&) = default;
};

/// As seen from the end whose connection stalls.
enum class StallDirection : std::uint8_t { both, to_peer, from_peer };
[[nodiscard]] constexpr std::string_view name(StallDirection direction) {
  constexpr std::array<std::string_view, 3> names{"both", "to_peer", "from_peer"};
  return names[static_cast<std::size_t>(direction)];
}

/// Half-open: bytes of the side's present connection stop, and nobody is told. They flow on, none
/// lost, when `duration` is over; never without one. A new connection is not concerned.
struct Stall {
  Side side = Side::client;
  StallDirection direction = StallDirection::both;
  std::optional<Duration> duration = std::nullopt;

  friend bool operator==(const Stall&, const Stall&) = default;
};

/// The side cannot reach the service: its connection stalls and its calls and new connections get
/// no answer until `duration` is over; for ever without one.
struct Partition {
  Side side = Side::client;
  std::optional<Duration> duration = std::nullopt;

  friend bool operator==(const Partition&, const Partition&) = default;
};

/// Calls that the service can refuse. `open_data_channel` is the upgrade to a WebSocket.
enum class Operation : std::uint8_t {
  resume_session,
  terminate_session,
  create_data_channel,
  open_data_channel,
};
inline constexpr std::array<std::string_view, 4> operation_names{
    "ResumeSession", "TerminateSession", "CreateDataChannel", "OpenDataChannel"};
[[nodiscard]] constexpr std::string_view name(Operation operation) {
  return operation_names[static_cast<std::size_t>(operation)];
}

/// Calls of the operation that concern the session are refused until `duration` is over, and at
/// most `calls` of them; without both, all to the session's end.
struct ApiError {
  Operation operation = Operation::resume_session;
  /// Whose calls; nothing: both sides'.
  std::optional<Side> side = std::nullopt;
  std::uint16_t status = 500;  ///< of HTTP, 400 to 599
  std::string error = "InternalServerError";
  std::optional<Duration> duration = std::nullopt;
  std::optional<std::uint32_t> calls = std::nullopt;

  friend bool operator==(const ApiError&, const ApiError&) = default;
};

/// The service sends pause_publication to the side, and start_publication after `duration`, if
/// there is one.
struct Pause {
  Side side = Side::agent;
  std::optional<Duration> duration = std::nullopt;

  friend bool operator==(const Pause&, const Pause&) = default;
};

/// The side's process ends without a farewell, and its connection with it. Nobody takes its place.
struct Crash {
  Side side = Side::agent;

  friend bool operator==(const Crash&, const Crash&) = default;
};

/// A crash, and `after` it a fresh process in the same place that has lost all state of the
/// session.
struct Restart {
  Side side = Side::agent;
  Duration after{0};

  friend bool operator==(const Restart&, const Restart&) = default;
};

/// What a rule does. One type for each action; whoever executes actions visits all of them, so
/// that an action which is not executed does not compile.
using Action =
    std::variant<Drop, Duplicate, Delay, Close, Stall, Partition, ApiError, Pause, Crash, Restart>;
/// Their names in a plan, in the variant's order.
inline constexpr std::array<std::string_view, std::variant_size_v<Action>> action_names{
    "drop",      "duplicate", "delay", "close", "stall",
    "partition", "api_error", "pause", "crash", "restart"};
[[nodiscard]] constexpr std::string_view name(const Action& action) {
  return action_names[action.index()];
}
/// Whether the action is on the message that fired the rule: a timed rule cannot have it.
[[nodiscard]] constexpr bool is_message_action(const Action& action) {
  return std::holds_alternative<Drop>(action) || std::holds_alternative<Duplicate>(action) ||
         std::holds_alternative<Delay>(action);
}

/// Calls `visit` with an action of each kind, in the variant's order.
template <class Visit, std::size_t... index>
void for_each_action(Visit visit, std::index_sequence<index...> /*all*/) {
  (visit(Action(std::in_place_index<index>)), ...);
}
template <class Visit>
void for_each_action(Visit visit) {
  for_each_action(visit, std::make_index_sequence<std::variant_size_v<Action>>());
}

/// What executes plans: `ssmsim serve`, on real sockets, and `ssmsim simulate`, in virtual time.
enum class Driver : std::uint8_t { serve, simulate };

struct Rule {
  /// For logs, and the rule's share of the random numbers: unique in its plan.
  std::string name = {};
  Match match = {};
  Action action = {};

  friend bool operator==(const Rule&, const Rule&) = default;
};
/// `simulate` executes every rule. `serve` executes drop, duplicate, delay and close.
[[nodiscard]] constexpr bool executable_by(Driver driver, const Action& action) {
  return driver == Driver::simulate || is_message_action(action) ||
         std::holds_alternative<Close>(action);
}

struct Plan {
  std::uint64_t seed = 0;
  std::vector<Rule> rules = {};

  friend bool operator==(const Plan&, const Plan&) = default;
};

}  // namespace ssm::fault
