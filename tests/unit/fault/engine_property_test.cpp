#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ssm/fault/engine.hpp"
#include "ssm/protocol/random.hpp"

namespace ssm::fault {
namespace {

using protocol::MessageType;
using protocol::PayloadType;
using protocol::Random;

constexpr std::uint64_t seeds = 50;

Rule random_rule(Random& random, std::size_t index) {
  Match match;
  const auto chance = [&] { return random.below(3) == 0; };
  if (chance()) {
    match.direction = static_cast<Direction>(random.below(2));
  }
  if (chance()) {
    match.message_type = static_cast<MessageType>(random.below(5));
  }
  if (chance()) {
    match.payload_type = static_cast<PayloadType>(random.below(3));
  }
  if (chance()) {
    match.session = "session-" + std::to_string(random.below(4)) + "*";
  }
  if (chance()) {
    match.connection = 1 + static_cast<std::uint32_t>(random.below(2));
  }
  if (chance()) {
    const auto first = static_cast<std::int64_t>(random.below(50));
    const Range range{first, first + static_cast<std::int64_t>(random.below(2) * random.below(9))};
    (random.below(2) == 0 ? match.sequence : match.acknowledged) = range;
  }
  if (chance()) {
    match.copy = 1 + random.below(3);
  }
  if (chance()) {
    match.nth = 1 + random.below(20);
  }
  if (chance()) {
    match.every = 1 + random.below(10);
  }
  if (chance()) {
    match.probability = static_cast<double>(random.below(100)) / 100;
  }
  return {"rule " + std::to_string(index), match, Close{}};
}

Plan random_plan(Random& random) {
  Plan plan{.seed = random.next()};
  const std::size_t count = 1 + random.below(8);
  for (std::size_t i = 0; i < count; ++i) {
    plan.rules.push_back(random_rule(random, i));
  }
  return plan;
}

using Conversation = std::vector<MessageFacts>;

/// Messages of one session; `id` must outlive them.
Conversation random_conversation(Random& random, std::uint64_t ordinal, const std::string& id) {
  Conversation messages;
  for (int i = 0; i < 200; ++i) {
    MessageFacts facts{.session_id = id,
                       .session_ordinal = ordinal,
                       .direction = static_cast<Direction>(random.below(2)),
                       .message_type = static_cast<MessageType>(random.below(5)),
                       .payload_type = static_cast<PayloadType>(random.below(3)),
                       .sequence_number = static_cast<std::int64_t>(random.below(50)),
                       .connection_number = i < 100 ? 1U : 2U};
    if (facts.message_type == MessageType::acknowledge && random.below(4) > 0) {
      facts.acknowledged = static_cast<std::int64_t>(random.below(50));
    }
    messages.push_back(facts);
  }
  return messages;
}

std::vector<std::string> names(Decision decision) {
  std::vector<std::string> result;
  for (const Fired& fired : decision) {
    result.push_back(fired.rule->name);
  }
  return result;
}

using Decisions = std::vector<std::vector<std::string>>;

Decisions decide_all(const Plan& plan, const Conversation& messages) {
  Engine engine(plan);
  Decisions decisions;
  for (const MessageFacts& facts : messages) {
    decisions.push_back(names(engine.decide(facts)));
  }
  return decisions;
}

bool is_stream_data(MessageType type) {
  return type == MessageType::input_stream_data || type == MessageType::output_stream_data;
}

/// Direction, type and number, which two transmissions of one message share.
using Identity = std::tuple<Direction, MessageType, std::optional<std::int64_t>>;
Identity identity(const MessageFacts& facts) {
  return {facts.direction, facts.message_type,
          is_stream_data(facts.message_type) ? facts.sequence_number : facts.acknowledged};
}

/// What the engine's index and cache must agree with: every rule held against every message.
Decisions decide_by_scan(const Plan& plan, const Conversation& messages) {
  std::map<std::string, std::uint64_t> counts;
  std::map<Identity, std::uint64_t> copies;
  Decisions decisions;
  for (const MessageFacts& facts : messages) {
    auto& fired = decisions.emplace_back();
    const std::uint64_t copy = ++copies[identity(facts)];
    for (const Rule& rule : plan.rules) {
      const Match& match = rule.match;
      if ((match.direction && *match.direction != facts.direction) ||
          (match.message_type && *match.message_type != facts.message_type) ||
          (match.payload_type && *match.payload_type != facts.payload_type) ||
          (match.session && !glob_matches(*match.session, facts.session_id)) ||
          (match.connection && *match.connection != facts.connection_number) ||
          (match.sequence && !(is_stream_data(facts.message_type) &&
                               match.sequence->contains(facts.sequence_number))) ||
          (match.acknowledged &&
           !(facts.acknowledged && match.acknowledged->contains(*facts.acknowledged))) ||
          (match.copy && *match.copy != copy)) {
        continue;
      }
      const std::uint64_t count = ++counts[rule.name];
      const std::uint64_t first = match.nth.value_or(match.every.value_or(count));
      if (count < first || (count - first) % match.every.value_or(count == first ? 1 : ~0U) != 0) {
        continue;
      }
      fired.push_back(rule.name);
    }
  }
  return decisions;
}

TEST(FaultEngineProperty, decisions_do_not_depend_on_how_sessions_interleave) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const Plan plan = random_plan(random);
    const std::vector<std::string> ids{"session-0", "session-1", "session-2x", "other"};
    std::vector<Conversation> conversations;
    std::vector<Decisions> alone;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      conversations.push_back(random_conversation(random, i + 1, ids[i]));
      alone.push_back(decide_all(plan, conversations.back()));
    }
    Engine engine(plan);
    std::vector<Decisions> together(ids.size());
    std::size_t left = ids.size() * conversations[0].size();
    while (left > 0) {
      const std::size_t session = random.below(ids.size());
      const std::size_t next = together[session].size();
      if (next < conversations[session].size()) {
        together[session].push_back(names(engine.decide(conversations[session][next])));
        --left;
      }
    }
    EXPECT_EQ(together, alone);
  }
}

TEST(FaultEngineProperty, the_index_finds_what_a_scan_finds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Plan plan = random_plan(random);
    for (Rule& rule : plan.rules) {
      rule.match.probability.reset();
    }
    const std::string id = "session-1";
    const Conversation messages = random_conversation(random, 1, id);
    EXPECT_EQ(decide_all(plan, messages), decide_by_scan(plan, messages));
  }
}

TEST(FaultEngineProperty, removing_a_rule_leaves_the_decisions_of_the_others) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Plan plan = random_plan(random);
    const std::string id = "session-1";
    const Conversation messages = random_conversation(random, 1, id);
    Decisions expected = decide_all(plan, messages);
    const std::string removed = plan.rules.front().name;
    plan.rules.erase(plan.rules.begin());
    for (auto& fired : expected) {
      fired.erase(std::remove(fired.begin(), fired.end(), removed), fired.end());
    }
    EXPECT_EQ(decide_all(plan, messages), expected);
  }
}

Plan coin_plan(std::uint64_t seed) {
  return {.seed = seed, .rules = {{"coin", {.probability = 0.25}, Close{}}}};
}

TEST(FaultEngineProperty, a_probability_is_met_in_the_long_run) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Engine engine(coin_plan(seed));
    for (int i = 1; i <= 10'000; ++i) {
      (void)engine.decide({.session_ordinal = 1});
    }
    // Five standard deviations of a binomial distribution.
    EXPECT_NEAR(static_cast<double>(engine.fired()), 2500, 5 * 43.3);
  }
}

TEST(FaultEngineProperty, another_seed_or_session_decides_otherwise) {
  const std::string id = "session-1";
  Random random(1);
  const Conversation one = random_conversation(random, 1, id);
  Conversation two = one;
  for (MessageFacts& facts : two) {
    facts.session_ordinal = 2;
  }
  EXPECT_EQ(decide_all(coin_plan(1), one), decide_all(coin_plan(1), one));
  EXPECT_NE(decide_all(coin_plan(1), one), decide_all(coin_plan(2), one));
  EXPECT_NE(decide_all(coin_plan(1), one), decide_all(coin_plan(1), two));
}

TEST(FaultEngineProperty, messages_that_a_rule_does_not_match_change_none_of_its_decisions) {
  Plan plan = coin_plan(1);
  plan.rules[0].match.message_type = MessageType::input_stream_data;
  Engine quiet(plan);
  Engine busy(plan);
  Random random(1);
  for (std::int64_t sequence = 0; sequence < 200; ++sequence) {
    const MessageFacts input{.session_ordinal = 1,
                             .message_type = MessageType::input_stream_data,
                             .sequence_number = sequence};
    for (std::uint64_t acks = random.below(4); acks > 0; --acks) {
      (void)busy.decide({.session_ordinal = 1, .message_type = MessageType::acknowledge});
    }
    ASSERT_EQ(names(busy.decide(input)), names(quiet.decide(input))) << sequence;
  }
}

TEST(FaultEngineProperty, a_retransmission_meets_a_decision_of_its_own) {
  Engine engine(coin_plan(1));
  for (int i = 1; i <= 1000; ++i) {
    (void)engine.decide({.session_ordinal = 1, .sequence_number = 7});
  }
  EXPECT_GT(engine.fired(), 0U);
  EXPECT_LT(engine.fired(), 1000U);
}

TEST(FaultEngineProperty, a_message_less_changes_no_decision_about_the_others) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const std::string id = "session-1";
    const Conversation messages = random_conversation(random, 1, id);
    const Identity left_out = identity(messages[random.below(messages.size())]);
    if (!std::get<2>(left_out)) {
      continue;  // a type whose messages have no number: each of them counts
    }
    Engine whole(coin_plan(seed));
    Engine less(coin_plan(seed));
    for (const MessageFacts& facts : messages) {
      const auto expected = names(whole.decide(facts));
      if (identity(facts) != left_out) {
        ASSERT_EQ(names(less.decide(facts)), expected);
      }
    }
  }
}

/// What a decision does to a message, without the names of its rules.
struct Effect {
  std::vector<Duration> transmissions;
  std::vector<Action> others;
  friend bool operator==(const Effect&, const Effect&) = default;
};
Effect effect(const Decision& decision) {
  Effect result{decision.transmissions(), {}};
  for (const Fired& fired : decision) {
    if (!is_message_action(fired.rule->action)) {
      result.others.push_back(fired.rule->action);
    }
  }
  return result;
}

TEST(FaultEngineProperty, pinned_rules_repeat_every_decision_without_the_seed) {
  using namespace std::chrono_literals;
  const std::vector<Action> actions{Drop{}, Delay{1ms, 9s}, Duplicate{2, Delay{0ms, 5s}}, Close{}};
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Plan plan = random_plan(random);
    for (Rule& rule : plan.rules) {
      rule.action = actions[random.below(actions.size())];
    }
    const std::string id = "session-1";
    Conversation messages = random_conversation(random, 1, id);
    for (MessageFacts& facts : messages) {
      if (facts.message_type == MessageType::acknowledge) {
        facts.acknowledged = facts.sequence_number;
      }
    }
    Engine engine(plan);
    Plan replay;
    std::vector<Effect> expected;
    for (const MessageFacts& facts : messages) {
      const Decision decision = engine.decide(facts);
      expected.push_back(effect(decision));
      for (const Fired& fired : decision) {
        replay.rules.push_back(pinned("decision " + std::to_string(replay.rules.size()), fired,
                                      facts, decision.copy()));
      }
    }
    Engine again(replay);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      ASSERT_EQ(effect(again.decide(messages[i])), expected[i]) << "message " << i;
    }
  }
}

}  // namespace
}  // namespace ssm::fault
