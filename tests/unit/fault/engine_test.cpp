#include "ssm/fault/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace ssm::fault {
namespace {

using protocol::MessageType;
using protocol::PayloadType;
using testing::ElementsAre;

Rule rule(std::string name, Match match, Side side = Side::client) {
  return {std::move(name), std::move(match), Close{.side = side}};
}

MessageFacts output_from_agent(std::uint64_t session = 1) {
  return {.session_id = "user-1",
          .session_ordinal = session,
          .direction = Direction::agent_to_client,
          .message_type = MessageType::output_stream_data,
          .payload_type = PayloadType::output};
}

MessageFacts input_from_client(std::uint64_t session = 1) {
  return {.session_id = "user-1",
          .session_ordinal = session,
          .direction = Direction::client_to_agent,
          .message_type = MessageType::input_stream_data,
          .payload_type = PayloadType::output};
}

/// Which of `count` messages, counted from 1, meet a fault.
std::vector<int> hits(Engine& engine, const MessageFacts& facts, int count) {
  std::vector<int> result;
  for (int i = 1; i <= count; ++i) {
    if (!engine.decide(facts).empty()) {
      result.push_back(i);
    }
  }
  return result;
}

TEST(FaultEngine, without_rules_decides_nothing) {
  Engine engine;
  EXPECT_TRUE(engine.decide(output_from_agent()).empty());
}

TEST(FaultEngine, names_the_rule_that_fires) {
  Engine engine({.rules = {rule("cut", {}, Side::agent)}});
  const Decision decision = engine.decide(output_from_agent());
  ASSERT_EQ(decision.size(), 1U);
  EXPECT_EQ(decision.front().rule->name, "cut");
  EXPECT_EQ(std::get<Close>(decision.front().rule->action).side, Side::agent);
}

TEST(FaultEngine, nth_fires_once_at_that_message) {
  Engine engine({.rules = {rule("cut", {.nth = 3})}});
  EXPECT_THAT(hits(engine, output_from_agent(), 10), ElementsAre(3));
}

TEST(FaultEngine, every_fires_at_each_multiple) {
  Engine engine({.rules = {rule("cut", {.every = 3})}});
  EXPECT_THAT(hits(engine, output_from_agent(), 10), ElementsAre(3, 6, 9));
}

TEST(FaultEngine, nth_with_every_fires_first_at_the_nth) {
  Engine engine({.rules = {rule("cut", {.nth = 2, .every = 5})}});
  EXPECT_THAT(hits(engine, output_from_agent(), 13), ElementsAre(2, 7, 12));
}

TEST(FaultEngine, without_a_direction_counts_both_together) {
  Engine engine({.rules = {rule("cut", {.nth = 4})}});
  std::vector<std::size_t> fired;
  for (int i = 0; i < 3; ++i) {
    fired.push_back(engine.decide(input_from_client()).size());
    fired.push_back(engine.decide(output_from_agent()).size());
  }
  EXPECT_THAT(fired, ElementsAre(0U, 0U, 0U, 1U, 0U, 0U));
}

TEST(FaultEngine, counts_only_messages_of_its_direction) {
  Engine engine({.rules = {rule("cut", {.direction = Direction::agent_to_client, .nth = 2})}});
  EXPECT_THAT(hits(engine, input_from_client(), 5), ElementsAre());
  EXPECT_THAT(hits(engine, output_from_agent(), 5), ElementsAre(2));
}

TEST(FaultEngine, counts_only_messages_of_its_type) {
  Engine engine({.rules = {rule("cut", {.message_type = MessageType::acknowledge, .nth = 1})}});
  EXPECT_THAT(hits(engine, output_from_agent(), 5), ElementsAre());
  MessageFacts ack = output_from_agent();
  ack.message_type = MessageType::acknowledge;
  EXPECT_THAT(hits(engine, ack, 5), ElementsAre(1));
}

TEST(FaultEngine, counts_only_messages_of_its_payload_type) {
  Engine engine({.rules = {rule("cut", {.payload_type = PayloadType::exit_code, .nth = 1})}});
  EXPECT_THAT(hits(engine, output_from_agent(), 5), ElementsAre());
  MessageFacts exit = output_from_agent();
  exit.payload_type = PayloadType::exit_code;
  EXPECT_THAT(hits(engine, exit, 5), ElementsAre(1));
}

TEST(FaultEngine, counts_only_messages_of_its_connection) {
  Engine engine({.rules = {rule("cut", {.connection = 2, .nth = 1})}});
  EXPECT_THAT(hits(engine, output_from_agent(), 5), ElementsAre());
  MessageFacts resumed = output_from_agent();
  resumed.connection_number = 2;
  EXPECT_THAT(hits(engine, resumed, 5), ElementsAre(1));
}

TEST(FaultEngine, applies_to_sessions_that_its_pattern_matches) {
  Engine engine({.rules = {rule("cut", {.session = "user-*", .nth = 1})}});
  MessageFacts other = output_from_agent(2);
  other.session_id = "admin-1";
  EXPECT_THAT(hits(engine, other, 3), ElementsAre());
  EXPECT_THAT(hits(engine, output_from_agent(1), 3), ElementsAre(1));
}

TEST(FaultEngine, each_session_has_its_own_count) {
  Engine engine({.rules = {rule("cut", {.nth = 2})}});
  EXPECT_TRUE(engine.decide(output_from_agent(1)).empty());
  EXPECT_TRUE(engine.decide(output_from_agent(2)).empty());
  EXPECT_FALSE(engine.decide(output_from_agent(1)).empty());
  EXPECT_FALSE(engine.decide(output_from_agent(2)).empty());
}

TEST(FaultEngine, counts_continue_over_connections) {
  Engine engine({.rules = {rule("cut", {.nth = 3})}});
  EXPECT_THAT(hits(engine, output_from_agent(), 2), ElementsAre());
  MessageFacts resumed = output_from_agent();
  resumed.connection_number = 2;
  EXPECT_THAT(hits(engine, resumed, 5), ElementsAre(1));
}

TEST(FaultEngine, reports_all_rules_that_fire_in_plan_order) {
  Engine engine({.rules = {rule("first", {.nth = 2}), rule("never", {.nth = 9}),
                           rule("second", {.message_type = MessageType::output_stream_data})}});
  EXPECT_THAT(engine.decide(output_from_agent()).size(), 1U);
  std::vector<std::string> names;
  for (const Fired& fired : engine.decide(output_from_agent())) {
    names.push_back(fired.rule->name);
  }
  EXPECT_THAT(names, ElementsAre("first", "second"));
  EXPECT_EQ(engine.fired(), 3U);
}

TEST(FaultEngine, takes_message_types_that_it_does_not_know) {
  Engine engine({.rules = {rule("cut", {.nth = 1})}});
  MessageFacts strange = output_from_agent();
  strange.message_type = MessageType::unknown;
  EXPECT_THAT(hits(engine, strange, 2), ElementsAre(1));
}

TEST(FaultEngine, probability_one_always_fires_and_zero_never) {
  Engine engine(
      {.rules = {rule("always", {.probability = 1.0}), rule("never", {.probability = 0.0})}});
  for (int i = 1; i <= 1000; ++i) {
    const Decision decision = engine.decide(output_from_agent());
    ASSERT_EQ(decision.size(), 1U);
    ASSERT_EQ(decision.front().rule->name, "always");
  }
}

TEST(FaultEngine, a_forgotten_session_starts_anew) {
  Engine engine({.rules = {rule("cut", {.nth = 2})}});
  EXPECT_TRUE(engine.decide(output_from_agent()).empty());
  engine.forget_session(1);
  EXPECT_TRUE(engine.decide(output_from_agent()).empty());
  EXPECT_FALSE(engine.decide(output_from_agent()).empty());
}

TEST(FaultEngine, keeps_its_rules_when_moved) {
  Engine engine({.rules = {rule("cut", {.nth = 2})}});
  EXPECT_TRUE(engine.decide(output_from_agent()).empty());
  Engine moved = std::move(engine);
  EXPECT_EQ(moved.decide(output_from_agent()).front().rule->name, "cut");
}

TEST(FaultAction, has_the_name_that_plans_use) {
  EXPECT_EQ(name(Action(Drop{})), "drop");
  EXPECT_EQ(name(Action(Close{})), "close");
  EXPECT_EQ(name(Action(ApiError{})), "api_error");
  EXPECT_EQ(name(Action(Restart{})), "restart");
}

TEST(FaultAction, serve_executes_some_and_simulate_all) {
  for (const Action& action :
       {Action(Drop{}), Action(Duplicate{}), Action(Delay{}), Action(Close{})}) {
    EXPECT_TRUE(executable_by(Driver::serve, action)) << name(action);
    EXPECT_TRUE(executable_by(Driver::simulate, action)) << name(action);
  }
  for (const Action& action : {Action(Stall{}), Action(Partition{}), Action(ApiError{}),
                               Action(Pause{}), Action(Crash{}), Action(Restart{})}) {
    EXPECT_FALSE(executable_by(Driver::serve, action)) << name(action);
    EXPECT_TRUE(executable_by(Driver::simulate, action)) << name(action);
  }
}

}  // namespace
}  // namespace ssm::fault
