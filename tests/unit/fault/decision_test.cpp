#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "ssm/fault/engine.hpp"
#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/codec.hpp"

namespace ssm::fault {
namespace {

using namespace std::chrono_literals;
using protocol::MessageType;
using testing::ElementsAre;
using testing::IsEmpty;

MessageFacts output(std::int64_t sequence) {
  return {.session_id = "user-1",
          .session_ordinal = 1,
          .direction = Direction::agent_to_client,
          .message_type = MessageType::output_stream_data,
          .sequence_number = sequence};
}

MessageFacts acknowledgement(std::int64_t number) {
  return {.session_id = "user-1",
          .session_ordinal = 1,
          .direction = Direction::client_to_agent,
          .message_type = MessageType::acknowledge,
          .acknowledged = number};
}

Rule drop(Match match) {
  return {"drop", std::move(match), Drop{}};
}

std::vector<std::int64_t> sequences_hit(Engine& engine, std::int64_t count) {
  std::vector<std::int64_t> hit;
  for (std::int64_t sequence = 0; sequence < count; ++sequence) {
    if (!engine.decide(output(sequence)).empty()) {
      hit.push_back(sequence);
    }
  }
  return hit;
}

std::vector<Duration> transmissions(std::vector<Rule> rules) {
  Engine engine({.rules = std::move(rules)});
  return engine.decide(output(0)).transmissions();
}

// --- matches

TEST(FaultMatch, sequence_selects_one_message) {
  Engine engine({.rules = {drop({.sequence = Range{3, 3}})}});
  EXPECT_THAT(sequences_hit(engine, 10), ElementsAre(3));
}

TEST(FaultMatch, sequence_range_includes_both_ends) {
  Engine engine({.rules = {drop({.sequence = Range{3, 5}})}});
  EXPECT_THAT(sequences_hit(engine, 10), ElementsAre(3, 4, 5));
}

TEST(FaultMatch, sequence_is_of_stream_messages_only) {
  Engine engine({.rules = {drop({.sequence = Range{0, 100}})}});
  MessageFacts ack = acknowledgement(7);
  ack.sequence_number = 7;
  EXPECT_TRUE(engine.decide(ack).empty());
}

TEST(FaultMatch, acknowledged_is_what_an_acknowledge_message_acknowledges) {
  Engine engine({.rules = {drop({.acknowledged = Range{7, 7}})}});
  EXPECT_TRUE(engine.decide(acknowledgement(6)).empty());
  EXPECT_FALSE(engine.decide(acknowledgement(7)).empty());
  EXPECT_TRUE(engine.decide(output(7)).empty());
}

TEST(FaultMatch, acknowledged_does_not_match_what_acknowledges_nothing) {
  Engine engine({.rules = {drop({.acknowledged = Range{0, 100}})}});
  MessageFacts ack = acknowledgement(0);
  ack.acknowledged.reset();
  EXPECT_TRUE(engine.decide(ack).empty());
}

TEST(FaultMatch, copy_counts_transmissions_of_the_same_message) {
  Engine engine({.rules = {drop({.sequence = Range{3, 3}, .copy = 2})}});
  EXPECT_THAT(sequences_hit(engine, 10), IsEmpty());
  EXPECT_THAT(sequences_hit(engine, 10), ElementsAre(3));
  EXPECT_THAT(sequences_hit(engine, 10), IsEmpty());
}

TEST(FaultMatch, copy_of_a_message_without_a_number_counts_its_type) {
  Engine engine({.rules = {drop({.message_type = MessageType::agent_session_state, .copy = 2})}});
  const MessageFacts state{.session_ordinal = 1,
                           .direction = Direction::agent_to_client,
                           .message_type = MessageType::agent_session_state};
  EXPECT_TRUE(engine.decide(state).empty());
  EXPECT_TRUE(engine.decide(output(0)).empty());
  EXPECT_FALSE(engine.decide(state).empty());
}

TEST(FaultMatch, both_directions_have_numbers_of_their_own) {
  Engine engine({.rules = {drop({.sequence = Range{0, 0}, .copy = 1})}});
  MessageFacts input = output(0);
  input.direction = Direction::client_to_agent;
  input.message_type = MessageType::input_stream_data;
  EXPECT_FALSE(engine.decide(output(0)).empty());
  EXPECT_FALSE(engine.decide(input).empty());
}

TEST(FaultMatch, rules_with_and_without_a_number_fire_in_plan_order) {
  Engine engine({.rules = {{"a", {.sequence = Range{1, 1}}, Close{}},
                           {"b", {}, Close{}},
                           {"c", {.sequence = Range{1, 1}}, Close{}},
                           {"d", {.sequence = Range{0, 9}}, Close{}},
                           {"e", {.sequence = Range{2, 2}}, Close{}}}});
  std::string fired;
  for (const Fired& one : engine.decide(output(1))) {
    fired += one.rule->name;
  }
  EXPECT_EQ(fired, "abcd");
}

// --- message actions

TEST(Transmissions, of_a_message_that_only_a_close_met_is_the_message) {
  EXPECT_THAT(transmissions({{"close", {}, Close{}}}), ElementsAre(0ns));
}

TEST(Transmissions, of_a_dropped_message_are_none_whatever_else_fires) {
  EXPECT_THAT(transmissions({{"a", {}, Duplicate{.copies = 3}}, {"b", {}, Drop{}}}), IsEmpty());
}

TEST(Transmissions, of_a_duplicated_message_are_one_more_for_each_copy) {
  EXPECT_THAT(transmissions({{"a", {}, Duplicate{.copies = 2}}}), ElementsAre(0ns, 0ns, 0ns));
}

TEST(Transmissions, of_a_duplicate_may_come_later_than_the_message) {
  EXPECT_THAT(transmissions({{"a", {}, Duplicate{.copies = 1, .after = Delay{2s, 2s}}}}),
              ElementsAre(0ns, 2s));
}

TEST(Transmissions, wait_for_the_sum_of_all_delays) {
  EXPECT_THAT(transmissions({{"a", {}, Delay{1s, 1s}},
                             {"b", {}, Duplicate{.copies = 1, .after = Delay{5s, 5s}}},
                             {"c", {}, Delay{2s, 2s}}}),
              ElementsAre(3s, 8s));
}

TEST(Transmissions, wait_between_the_least_and_the_most) {
  Engine engine({.seed = 3, .rules = {{"a", {}, Delay{100ms, 200ms}}}});
  Duration least = 1h;
  Duration most = 0ns;
  for (std::int64_t sequence = 0; sequence < 1000; ++sequence) {
    const auto waits = engine.decide(output(sequence)).transmissions();
    ASSERT_EQ(waits.size(), 1U);
    least = std::min(least, waits[0]);
    most = std::max(most, waits[0]);
  }
  EXPECT_GE(least, 100ms);
  EXPECT_LT(least, 105ms);
  EXPECT_LE(most, 200ms);
  EXPECT_GT(most, 195ms);
}

TEST(Transmissions, wait_as_long_for_the_same_message_in_another_run) {
  const Plan plan{.seed = 3, .rules = {{"a", {}, Delay{0ns, 1h}}}};
  Engine one(plan);
  Engine two(plan);
  (void)two.decide(output(1));
  EXPECT_EQ(one.decide(output(7)).transmissions(), two.decide(output(7)).transmissions());
  EXPECT_NE(one.decide(output(8)).transmissions(), two.decide(output(9)).transmissions());
}

// --- timed rules

TEST(FaultSchedule, is_in_the_order_of_time_and_then_of_the_plan) {
  const Plan plan{.rules = {{"third", {.at = 2s}, Stall{}},
                            {"first", {.at = 1s}, Close{}},
                            {"message", {}, Close{}},
                            {"second", {.at = 1s}, Crash{}}}};
  std::vector<std::string> names;
  for (const Rule* rule : schedule(plan, {})) {
    names.push_back(rule->name);
  }
  EXPECT_THAT(names, ElementsAre("first", "second", "third"));
}

TEST(FaultSchedule, has_the_rules_of_the_session_only) {
  const Plan plan{.rules = {{"cut", {.at = 1s, .session = "user-*"}, Close{}}}};
  EXPECT_EQ(schedule(plan, {.session_id = "user-1"}).size(), 1U);
  EXPECT_EQ(schedule(plan, {.session_id = "admin-1"}).size(), 0U);
}

TEST(FaultSchedule, decides_a_probability_once_for_each_session) {
  const Plan plan{.seed = 1, .rules = {{"cut", {.at = 1s, .probability = 0.5}, Close{}}}};
  std::size_t chosen = 0;
  for (std::uint64_t ordinal = 1; ordinal <= 1000; ++ordinal) {
    chosen += schedule(plan, {.session_ordinal = ordinal}).size();
  }
  EXPECT_GT(chosen, 400U);
  EXPECT_LT(chosen, 600U);
}

TEST(FaultSchedule, timed_rules_fire_for_no_message) {
  Engine engine({.rules = {{"cut", {.at = 1s}, Close{}}}});
  EXPECT_TRUE(engine.decide(output(0)).empty());
  EXPECT_EQ(engine.schedule({}).size(), 1U);
}

// --- facts

MessageFacts decoded_facts(std::string_view type, std::string_view payload) {
  const protocol::MessageHeader header{.type = type,
                                       .created_date_ms = 1,
                                       .sequence_number = 5,
                                       .flags = 0,
                                       .message_id = protocol::Uuid{{std::byte{1}}},
                                       .payload_type = protocol::PayloadType::output};
  const protocol::Frame frame = protocol::encode(header, protocol::as_bytes(payload)).value();
  return facts_of(protocol::decode(frame.bytes()).value());
}

TEST(MessageFacts, of_a_stream_message_are_its_type_and_number) {
  const MessageFacts facts = decoded_facts("output_stream_data", "text");
  EXPECT_EQ(facts.message_type, MessageType::output_stream_data);
  EXPECT_EQ(facts.payload_type, protocol::PayloadType::output);
  EXPECT_EQ(facts.sequence_number, 5);
  EXPECT_EQ(facts.acknowledged, std::nullopt);
}

TEST(MessageFacts, of_an_acknowledgement_hold_the_number_in_its_payload) {
  const protocol::Acknowledge nine{.message_type = "output_stream_data",
                                   .message_id = "",
                                   .sequence_number = 9,
                                   .is_sequential = true};
  EXPECT_EQ(decoded_facts("acknowledge", serialize(nine)).acknowledged, 9);
  EXPECT_EQ(decoded_facts("acknowledge", "no JSON").acknowledged, std::nullopt);
}

// --- pinned decisions

TEST(PinnedRule, names_the_message_and_what_was_drawn) {
  Engine engine({.seed = 1, .rules = {{"slow", {.session = "u*", .nth = 2}, Delay{1s, 9s}}}});
  (void)engine.decide(output(4));
  const Decision decision = engine.decide(output(4));
  ASSERT_EQ(decision.size(), 1U);
  const Duration drawn = decision.front().delay;
  EXPECT_EQ(pinned("slow 1", decision.front(), output(4), decision.copy()),
            (Rule{"slow 1",
                  {.direction = Direction::agent_to_client,
                   .message_type = MessageType::output_stream_data,
                   .session = "u*",
                   .sequence = Range{4, 4},
                   .copy = 2},
                  Delay{drawn, drawn}}));
}

TEST(PinnedRule, names_an_acknowledgement_by_what_it_acknowledges) {
  Engine engine({.rules = {drop({.message_type = MessageType::acknowledge})}});
  const Decision decision = engine.decide(acknowledgement(9));
  ASSERT_EQ(decision.size(), 1U);
  EXPECT_EQ(pinned("one", decision.front(), acknowledgement(9), decision.copy()).match.acknowledged,
            (Range{9, 9}));
}

}  // namespace
}  // namespace ssm::fault
