#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ssm/fault/plan.hpp"

namespace ssm::fault {

/// What identifies a message. Nothing here is a time, so the same conversation meets the same
/// faults on a slow machine and on a fast one.
struct MessageFacts {
  std::string_view session_id = {};
  /// Counts the service's sessions from 1. Random decisions use it in place of the id, which
  /// differs from run to run.
  std::uint64_t session_ordinal = 0;
  Direction direction = Direction::client_to_agent;
  protocol::MessageType message_type = protocol::MessageType::unknown;
  protocol::PayloadType payload_type = protocol::PayloadType::none;
  std::int64_t sequence_number = 0;
  /// Of the sender: 1 for its first connection in this session.
  std::uint32_t connection_number = 1;
};

/// The rules that fire for one message, in plan order; usually none. Points into the engine and
/// is valid until its next call.
class Decision {
 public:
  Decision() = default;
  explicit Decision(std::span<const Rule* const> rules) : rules_(rules) {}

  [[nodiscard]] bool empty() const { return rules_.empty(); }
  [[nodiscard]] std::size_t size() const { return rules_.size(); }
  [[nodiscard]] auto begin() const { return rules_.begin(); }
  [[nodiscard]] auto end() const { return rules_.end(); }
  [[nodiscard]] const Rule& front() const { return *rules_.front(); }

 private:
  std::span<const Rule* const> rules_;
};

/// Applies a plan to messages. A decision depends on the plan, on the message and on the earlier
/// messages of the same session; never on time or on other sessions. Every rule that fires is
/// reported, and a rule counts its messages whether or not another rule fired for them.
///
/// Cost: one branch without rules; otherwise a lookup of the rules for the message's direction
/// and type. Keeps one counter per rule for each session that has not been forgotten. Pure; not
/// thread safe.
class Engine {
 public:
  Engine() = default;
  explicit Engine(Plan plan);
  /// Decisions point into the engine.
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  Engine(Engine&&) = default;
  Engine& operator=(Engine&&) = default;

  [[nodiscard]] Decision decide(const MessageFacts& facts) {
    return rules_.empty() ? Decision() : decide_with_rules(facts);
  }
  /// The session is over; its counters are freed.
  void forget_session(std::uint64_t session_ordinal);

  /// Of all rules together, for metrics and tests.
  [[nodiscard]] std::uint64_t fired() const { return fired_; }
  [[nodiscard]] std::span<const Rule> rules() const { return rules_; }

 private:
  static constexpr std::size_t direction_count = 2;
  static constexpr std::size_t message_type_count =
      static_cast<std::size_t>(protocol::MessageType::data_channel_ready) + 1;

  /// Of one session.
  struct SessionState {
    std::vector<bool> session_matches;  ///< by rule; the id is compared once
    std::vector<std::uint64_t> counts;  ///< by rule
  };

  [[nodiscard]] Decision decide_with_rules(const MessageFacts& facts);
  [[nodiscard]] SessionState& session(const MessageFacts& facts);
  [[nodiscard]] bool fires(std::size_t index, std::uint64_t count, const MessageFacts& facts) const;

  std::uint64_t seed_ = 0;
  std::vector<Rule> rules_;
  std::vector<std::uint64_t> name_hashes_;  ///< by rule
  /// Indices of the rules that a message of this direction and type may match, in plan order.
  std::array<std::array<std::vector<std::size_t>, message_type_count>, direction_count> candidates_;
  std::unordered_map<std::uint64_t, SessionState> sessions_;
  std::vector<const Rule*> decision_;
  std::uint64_t fired_ = 0;
};

/// Whether `text` matches `pattern`, where `*` stands for any text and `?` for one byte. Takes
/// time proportional to the product of the sizes at worst.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace ssm::fault
