#include "ssm/config/fault_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "ssm/fault/engine.hpp"
#include "ssm/schema/v1/plan.pb.h"

namespace ssm::config {
namespace {

using fault::Close;
using fault::Direction;
using fault::Side;
using protocol::MessageType;
using protocol::PayloadType;
using testing::HasSubstr;

fault::Plan parse(std::string_view text) {
  return parse_fault_plan(text, "plan.yaml").value();
}

std::string problems(std::string_view text) {
  const auto plan = parse_fault_plan(text, "plan.yaml");
  return plan ? "no problem" : plan.error().to_string();
}

/// A plan with one rule, whose match or action is given.
std::string with_match(const std::string& match) {
  return "rules: [{match: {" + match + "}, action: {close: {side: client}}}]";
}
std::string with_action(const std::string& action) {
  return "rules: [{action: {" + action + "}}]";
}

std::string example(const std::string& name) {
  return std::string(SSM_SOURCE_DIR) + "/docs/faults/" + name;
}

TEST(FaultPlan, reads_all_fields) {
  const fault::Plan plan = parse(R"(
seed: 7
rules:
  - name: cut the client
    match:
      direction: agent_to_client
      message_type: output_stream_data
      payload_type: exit_code
      session: user-*
      connection: 2
      nth: 100
      every: 10
      probability: 0.5
    action: {close: {side: agent, code: 1001, reason: recycled}}
)");
  EXPECT_EQ(plan.seed, 7U);
  ASSERT_EQ(plan.rules.size(), 1U);
  const fault::Rule& rule = plan.rules[0];
  EXPECT_EQ(rule.name, "cut the client");
  EXPECT_EQ(rule.match.direction, Direction::agent_to_client);
  EXPECT_EQ(rule.match.message_type, MessageType::output_stream_data);
  EXPECT_EQ(rule.match.payload_type, PayloadType::exit_code);
  EXPECT_EQ(rule.match.session, "user-*");
  EXPECT_EQ(rule.match.connection, 2U);
  EXPECT_EQ(rule.match.nth, 100U);
  EXPECT_EQ(rule.match.every, 10U);
  EXPECT_EQ(rule.match.probability, 0.5);
  EXPECT_EQ(std::get<Close>(rule.action), (Close{Side::agent, Close::Frame{1001, "recycled"}}));
}

TEST(FaultPlan, absent_fields_match_everything) {
  const fault::Plan plan = parse(with_action("close: {side: client}"));
  const fault::Match& match = plan.rules.at(0).match;
  EXPECT_FALSE(match.direction || match.message_type || match.payload_type || match.session ||
               match.connection || match.nth || match.every || match.probability);
  EXPECT_EQ(plan.seed, 0U);
  EXPECT_EQ(plan.rules[0].name, "rule 1");
  EXPECT_EQ(std::get<Close>(plan.rules[0].action), Close{});
}

TEST(FaultPlan, direction_any_matches_both) {
  EXPECT_FALSE(parse(with_match("direction: any")).rules.at(0).match.direction);
}

TEST(FaultPlan, payload_type_may_be_a_number) {
  EXPECT_EQ(parse(with_match("payload_type: 77")).rules.at(0).match.payload_type,
            static_cast<PayloadType>(77));
  EXPECT_EQ(parse(with_match("payload_type: none")).rules.at(0).match.payload_type,
            PayloadType::none);
}

TEST(FaultPlan, may_be_empty_on_purpose) {
  EXPECT_TRUE(parse("rules: []").rules.empty());
}

TEST(FaultPlan, refuses_a_plan_without_rules) {
  EXPECT_EQ(problems("seed: 1"), "plan.yaml:1:1: rules: expected a list, seen no such field");
}

TEST(FaultPlan, refuses_actions_that_the_program_does_not_execute) {
  EXPECT_THAT(problems(with_action("drop: {}")),
              HasSubstr("rules[0].action: expected one of the fields close, seen \"drop\""));
}

TEST(FaultPlan, DISABLED_schema_offers_exactly_the_actions) {
  const auto* choice = schema::v1::FaultAction::descriptor()->FindOneofByName("action");
  ASSERT_NE(choice, nullptr);
  std::vector<std::string> offered;
  for (int i = 0; i < choice->field_count(); ++i) {
    offered.push_back(choice->field(i)->name());
  }
  EXPECT_THAT(offered, testing::ElementsAreArray(fault::action_names));
}

TEST(FaultPlan, refuses_types_that_do_not_exist) {
  EXPECT_THAT(problems(with_match("message_type: output_data")),
              HasSubstr("rules[0].match.message_type: expected one of input_stream_data, "
                        "output_stream_data, acknowledge, "));
  EXPECT_THAT(problems(with_match("payload_type: exit")),
              HasSubstr("rules[0].match.payload_type: expected a number or one of none, output, "));
  EXPECT_THAT(problems(with_match("payload_type: 4294967296")), HasSubstr("payload_type"));
  EXPECT_THAT(problems(with_match("message_type: \"\"")), HasSubstr("message_type"));
}

TEST(FaultPlan, refuses_counts_of_zero) {
  EXPECT_THAT(problems(with_match("nth: 0")), HasSubstr("a whole number of at least 1, seen 0"));
  EXPECT_THAT(problems(with_match("every: 0")), HasSubstr("a whole number of at least 1, seen 0"));
  EXPECT_THAT(problems(with_match("connection: 0")), HasSubstr("at least 1, seen 0"));
}

TEST(FaultPlan, refuses_probabilities_outside_0_to_1) {
  EXPECT_THAT(problems(with_match("probability: 1.01")), HasSubstr("a number from 0 to 1"));
  EXPECT_THAT(problems(with_match("probability: -0.5")), HasSubstr("a number from 0 to 1"));
}

TEST(FaultPlan, refuses_close_codes_that_no_frame_may_carry) {
  for (const std::string code : {"1004", "1005", "1006", "1015"}) {
    EXPECT_THAT(problems(with_action("close: {side: client, code: " + code + "}")),
                HasSubstr("rules[0].action.close.code: expected a code that a close frame may "
                          "carry, seen " +
                          code));
  }
  EXPECT_THAT(problems(with_action("close: {side: client, code: 999}")),
              HasSubstr("a whole number from 1000 to 4999, seen 999"));
}

TEST(FaultPlan, refuses_a_reason_without_a_code) {
  EXPECT_THAT(problems(with_action("close: {side: client, reason: because}")),
              HasSubstr("rules[0].action.close.reason: expected no reason without a code"));
}

TEST(FaultPlan, refuses_a_reason_that_does_not_fit_a_close_frame) {
  EXPECT_THAT(problems(with_action(
                  "close: {side: client, code: 1001, reason: " + std::string(124, 'r') + "}")),
              HasSubstr("text of at most 123 bytes"));
}

TEST(FaultPlan, refuses_a_close_without_a_side) {
  EXPECT_THAT(problems(with_action("close: {}")),
              HasSubstr("rules[0].action.close.side: expected one of client, agent, seen no such"));
}

TEST(FaultPlan, refuses_a_name_twice) {
  EXPECT_EQ(problems("rules:\n"
                     "  - {name: a, action: {close: {side: client}}}\n"
                     "  - {name: a, action: {close: {side: client}}}\n"),
            "plan.yaml:3:12: rules[1].name: expected a name that no other rule has, seen \"a\"");
}

TEST(FaultPlan, refuses_a_name_with_control_characters) {
  EXPECT_THAT(problems(R"(rules: [{name: "a\nb", action: {close: {side: client}}}])"),
              HasSubstr(R"(expected a name on one line, seen "a\x0ab")"));
}

TEST(FaultPlan, reports_problems_of_several_rules_at_once) {
  const auto plan = parse_fault_plan(
      "rules:\n"
      "  - {match: {message_type: x}, action: {close: {side: client, code: 1005}}}\n"
      "  - {match: {payload_type: y}, action: {close: {side: client}}}\n",
      "plan.yaml");
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().list.size(), 3U);
}

TEST(FaultPlan, every_example_loads) {
  std::size_t loaded = 0;
  for (const auto& entry : std::filesystem::directory_iterator(example(""))) {
    if (entry.path().extension() != ".yaml") {
      continue;
    }
    const auto plan = load_fault_plan(entry.path().string());
    EXPECT_TRUE(plan) << plan.error().to_string();
    ++loaded;
  }
  EXPECT_GE(loaded, 3U);
}

TEST(FaultPlan, close_after_100_closes_the_client_at_the_sessions_hundredth_message) {
  fault::Engine engine(load_fault_plan(example("close-after-100.yaml")).value());
  for (int i = 1; i <= 300; ++i) {
    const fault::Decision decision = engine.decide(
        {.session_ordinal = 1,
         .direction = i % 3 == 0 ? Direction::client_to_agent : Direction::agent_to_client});
    ASSERT_EQ(decision.size(), i == 100 ? 1U : 0U) << i;
    if (i == 100) {
      EXPECT_EQ(std::get<Close>(decision.front().rule->action), Close{.side = Side::client});
    }
  }
}

TEST(FaultPlan, names_the_file_that_cannot_be_read) {
  EXPECT_THAT(load_fault_plan("/nonexistent/plan.yaml").error().to_string(),
              HasSubstr("/nonexistent/plan.yaml: expected a readable file, seen No such file"));
}

}  // namespace
}  // namespace ssm::config
