#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ssm/protocol/message.hpp"
#include "ssm/protocol/service_role.hpp"

namespace ssm::fault {

using protocol::Side;

/// Which way a message travels through the service.
enum class Direction : std::uint8_t { client_to_agent, agent_to_client };
[[nodiscard]] constexpr std::string_view name(Direction direction) {
  return direction == Direction::client_to_agent ? "client_to_agent" : "agent_to_client";
}
[[nodiscard]] constexpr Direction direction_from(Side sender) {
  return sender == Side::client ? Direction::client_to_agent : Direction::agent_to_client;
}

/// Which messages a rule applies to: those that every present field matches. A retransmission is
/// a message of its own.
struct Match {
  std::optional<Direction> direction = std::nullopt;
  std::optional<protocol::MessageType> message_type = std::nullopt;
  std::optional<protocol::PayloadType> payload_type = std::nullopt;
  /// Session id; `*` stands for any text, `?` for one character.
  std::optional<std::string> session = std::nullopt;
  /// The message came over the sender's n-th connection in this session, counted from 1.
  std::optional<std::uint32_t> connection = std::nullopt;

  /// Messages that match all of the above are counted from 1 for each session (both directions
  /// together when the rule has none). Without `nth` and `every` each of them is selected; with
  /// `nth` that one only; with `every` each multiple of it; with both, the nth and each
  /// `every`-th after it. Neither may be 0.
  std::optional<std::uint64_t> nth = std::nullopt;
  std::optional<std::uint64_t> every = std::nullopt;
  /// The chance that the rule fires for a selected message, 0 to 1.
  std::optional<double> probability = std::nullopt;
};

/// Ends one side's connection after the message was relayed; the session lives on.
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

/// What a rule does. One type for each action; whoever executes actions visits all of them, so
/// that an action which is not executed does not compile.
using Action = std::variant<Close>;
/// Their names in a plan, in the variant's order. A plan with any other is refused.
inline constexpr std::array<std::string_view, std::variant_size_v<Action>> executable_actions{
    "close"};
[[nodiscard]] constexpr std::string_view name(const Action& action) {
  return executable_actions[action.index()];
}

struct Rule {
  /// For logs, and the rule's share of the random numbers: unique in its plan.
  std::string name = {};
  Match match = {};
  Action action = {};
};

struct Plan {
  std::uint64_t seed = 0;
  std::vector<Rule> rules = {};
};

}  // namespace ssm::fault
