#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ssm/fault/copy_counter.hpp"
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
  /// Of an acknowledge message: the number that it acknowledges, if its payload tells one.
  std::optional<std::int64_t> acknowledged = std::nullopt;
  /// Of the sender: 1 for its first connection in this session.
  std::uint32_t connection_number = 1;
};

/// What a message tells of itself; the session, the direction and the connection are the caller's.
[[nodiscard]] MessageFacts facts_of(const protocol::MessageView& message);

/// A rule that fires for one message.
struct Fired {
  const Rule* rule = nullptr;
  /// Drawn for Delay and for Duplicate's `after`; 0 for other actions.
  Duration delay{0};
};

/// The rules that fire for one message, in plan order; usually none. Points into the engine and
/// is valid until its next call.
class Decision {
 public:
  static constexpr std::size_t max_transmissions = 1000;

  Decision() = default;
  Decision(std::span<const Fired> fired, std::uint64_t copy) : fired_(fired), copy_(copy) {}

  [[nodiscard]] bool empty() const { return fired_.empty(); }
  [[nodiscard]] std::size_t size() const { return fired_.size(); }
  [[nodiscard]] auto begin() const { return fired_.begin(); }
  [[nodiscard]] auto end() const { return fired_.end(); }
  [[nodiscard]] const Fired& front() const { return fired_.front(); }
  /// The how-manieth transmission of the message this is (Match::copy). Of an empty decision 0.
  [[nodiscard]] std::uint64_t copy() const { return copy_; }

  /// What all message actions together make of the message: how long each of its transmissions
  /// waits, the shortest first. `{0}` is the message as it came; empty: it is dropped, whatever
  /// else fires. Delays add up and concern the duplicates too. At most `max_transmissions`.
  [[nodiscard]] std::vector<Duration> transmissions() const;

 private:
  std::span<const Fired> fired_;
  std::uint64_t copy_ = 0;
};

/// What identifies a session; as in MessageFacts.
struct SessionFacts {
  std::string_view session_id = {};
  std::uint64_t session_ordinal = 0;
};

/// The rule that makes the same of the same message in another run, without the seed: it matches
/// this transmission of this message by number and copy, and what was drawn is written down. The
/// session is the one of the rule that fired. `name` must be unique in the plan that it goes to.
[[nodiscard]] Rule pinned(std::string name, const Fired& fired, const MessageFacts& facts,
                          std::uint64_t copy);

/// The timed rules of a session, by time, rules of the same time in plan order. They point into
/// the plan, which must outlive them.
[[nodiscard]] std::vector<const Rule*> schedule(const Plan& plan, const SessionFacts& session);

/// Applies a plan to messages. A decision depends on the plan, on the message and on the earlier
/// messages of the same session; never on time or on other sessions. Every rule that fires is
/// reported, and a rule counts its messages whether or not another rule fired for them.
///
/// What is random depends on the seed, the rule's name and the message's identity (session
/// ordinal, direction, type, sequence number or number acknowledged, copy) alone: a message more or
/// less, or a rule more or less, changes nothing for other messages.
///
/// Cost: one branch without rules; otherwise a lookup of the rules for the message's direction,
/// type and number. Rules that name one number are found by a binary search; other rules of the
/// type are looked at each. Keeps counters for each session that has not been forgotten, of bounded
/// size (see CopyCounter). Pure; not thread safe.
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
    return plan_.rules.empty() ? Decision() : decide_with_rules(facts);
  }
  /// The timed rules of a session; they are not counted as fired.
  [[nodiscard]] std::vector<const Rule*> schedule(const SessionFacts& session) const {
    return fault::schedule(plan_, session);
  }
  /// The session is over; its counters are freed.
  void forget_session(std::uint64_t session_ordinal);

  /// Of all rules together, for metrics and tests.
  [[nodiscard]] std::uint64_t fired() const { return fired_; }
  [[nodiscard]] std::span<const Rule> rules() const { return plan_.rules; }

 private:
  static constexpr std::size_t direction_count = 2;
  static constexpr std::size_t message_type_count =
      static_cast<std::size_t>(protocol::MessageType::data_channel_ready) + 1;

  /// The rules that a message of one direction and type may match.
  struct Candidates {
    struct Numbered {
      std::int64_t number;
      std::size_t rule;
    };
    std::vector<std::size_t> any_number;  ///< in plan order
    std::vector<Numbered> numbered;       ///< by number, then in plan order
  };
  /// Of one session.
  struct SessionState {
    std::vector<bool> session_matches;  ///< by rule; the id is compared once
    std::vector<std::uint64_t> counts;  ///< by counter, see counters_
    std::array<std::array<CopyCounter, message_type_count>, direction_count> copies;
  };

  [[nodiscard]] Decision decide_with_rules(const MessageFacts& facts);
  void consider(std::size_t index, const MessageFacts& facts, std::uint64_t copy,
                SessionState& state);
  [[nodiscard]] SessionState& session(const MessageFacts& facts);

  Plan plan_;
  std::vector<std::uint64_t> name_hashes_;  ///< by rule
  std::vector<std::size_t> counters_;       ///< by rule: its place in SessionState::counts
  std::array<std::array<Candidates, message_type_count>, direction_count> candidates_;
  std::unordered_map<std::uint64_t, SessionState> sessions_;
  std::vector<Fired> decision_;
  std::uint64_t fired_ = 0;
};

/// Whether `text` matches `pattern`, where `*` stands for any text and `?` for one byte. Takes
/// time proportional to the product of the sizes at worst.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace ssm::fault
