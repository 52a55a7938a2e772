#include "ssm/config/fault_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "ssm/config/document.hpp"
#include "ssm/fault/engine.hpp"
#include "ssm/schema/v1/plan.pb.h"

namespace ssm::config {
namespace {

using namespace std::chrono_literals;

using fault::Close;
using fault::Direction;
using fault::Driver;
using fault::Side;
using protocol::Duration;
using protocol::MessageType;
using protocol::PayloadType;
using testing::HasSubstr;

fault::Plan parse(std::string_view text) {
  return parse_fault_plan(text, "plan.yaml", Driver::simulate).value();
}

std::string problems(std::string_view text, Driver driver = Driver::simulate) {
  const auto plan = parse_fault_plan(text, "plan.yaml", driver);
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

template <class Action>
Action action(const std::string& text) {
  return std::get<Action>(parse(with_action(text)).rules.at(0).action);
}

TEST(FaultPlan, reads_message_actions) {
  EXPECT_EQ(action<fault::Drop>("drop: {}"), fault::Drop{});
  EXPECT_EQ(action<fault::Duplicate>("duplicate: {}"), fault::Duplicate{});
  EXPECT_EQ(action<fault::Duplicate>("duplicate: {copies: 3, after: {min: 1s}}"),
            (fault::Duplicate{3, fault::Delay{1s, 1s}}));
  EXPECT_EQ(action<fault::Delay>("delay: {min: 250ms, max: 1.5s}"), (fault::Delay{250ms, 1500ms}));
  EXPECT_EQ(action<fault::Delay>("delay: {min: 2s}"), (fault::Delay{2s, 2s}));
}

TEST(FaultPlan, reads_actions_on_an_end) {
  EXPECT_EQ(action<fault::Stall>("stall: {side: client}"), fault::Stall{});
  EXPECT_EQ(action<fault::Stall>("stall: {side: agent, direction: to_peer, duration: 5m}"),
            (fault::Stall{Side::agent, fault::StallDirection::to_peer, 5min}));
  EXPECT_EQ(action<fault::Stall>("stall: {side: agent, direction: from_peer}").direction,
            fault::StallDirection::from_peer);
  EXPECT_EQ(action<fault::Partition>("partition: {side: agent, duration: 1h}"),
            (fault::Partition{Side::agent, 1h}));
  EXPECT_EQ(action<fault::Pause>("pause: {}"), fault::Pause{});
  EXPECT_EQ(action<fault::Pause>("pause: {side: client, duration: 1m}"),
            (fault::Pause{Side::client, 1min}));
  EXPECT_EQ(action<fault::Crash>("crash: {side: client}"), fault::Crash{Side::client});
  EXPECT_EQ(action<fault::Restart>("restart: {side: agent}"), (fault::Restart{Side::agent, 0s}));
  EXPECT_EQ(action<fault::Restart>("restart: {side: agent, after: 3s}"),
            (fault::Restart{Side::agent, 3s}));
}

TEST(FaultPlan, reads_api_errors) {
  EXPECT_EQ(action<fault::ApiError>("api_error: {operation: ResumeSession}"), fault::ApiError{});
  EXPECT_EQ(
      action<fault::ApiError>("api_error: {operation: CreateDataChannel, side: agent, status: "
                              "400, error: ThrottlingException, duration: 10s, calls: 3}"),
      (fault::ApiError{fault::Operation::create_data_channel, Side::agent, 400,
                       "ThrottlingException", 10s, 3U}));
}

TEST(FaultPlan, reads_matches_of_one_message) {
  EXPECT_EQ(parse(with_match("sequence: 17, copy: 2")).rules.at(0).match,
            (fault::Match{.sequence = fault::Range{17, 17}, .copy = 2}));
  EXPECT_EQ(parse(with_match("acknowledged: 3-9")).rules.at(0).match.acknowledged,
            (fault::Range{3, 9}));
  EXPECT_EQ(parse(with_match("sequence: 5-")).rules.at(0).match.sequence,
            (fault::Range{5, std::numeric_limits<std::int64_t>::max()}));
  EXPECT_EQ(parse(with_match("message_type: unknown")).rules.at(0).match.message_type,
            MessageType::unknown);
}

TEST(FaultPlan, reads_a_time) {
  EXPECT_EQ(parse(with_match("at: 1m, session: user-*, probability: 0.5")).rules.at(0).match,
            (fault::Match{.at = 1min, .session = "user-*", .probability = 0.5}));
  EXPECT_EQ(parse(with_match("at: 0s")).rules.at(0).match.at, Duration(0));
}

TEST(FaultPlan, refuses_what_is_not_a_range) {
  for (const std::string text : {"x", "-1", "5-4", "1-2-3", "1 - 2", "\"\"", "-",
                                 "9223372036854775808", "1-9223372036854775808"}) {
    EXPECT_THAT(problems(with_match("sequence: " + text)),
                HasSubstr("rules[0].match.sequence: expected a number or a range such as 17, 17-20 "
                          "or 17-, seen"))
        << text;
  }
  EXPECT_THAT(problems(with_match("copy: 0")), HasSubstr("a whole number of at least 1, seen 0"));
}

TEST(FaultPlan, refuses_numbers_of_messages_that_have_none) {
  EXPECT_THAT(problems(with_match("message_type: acknowledge, sequence: 1")),
              HasSubstr("rules[0].match.sequence: expected no sequence, or message_type "
                        "input_stream_data or output_stream_data, seen acknowledge"));
  EXPECT_THAT(problems(with_match("message_type: input_stream_data, acknowledged: 1")),
              HasSubstr("expected no number acknowledged, or message_type acknowledge"));
  EXPECT_THAT(problems(with_match("sequence: 1, acknowledged: 1")),
              HasSubstr("expected either sequence or acknowledged, seen both"));
}

TEST(FaultPlan, refuses_a_time_beside_fields_of_a_message) {
  for (const std::string field :
       {"direction: any", "message_type: acknowledge", "payload_type: output", "connection: 1",
        "sequence: 1", "acknowledged: 1", "copy: 1", "nth: 1", "every: 1"}) {
    EXPECT_THAT(problems(with_match("at: 1s, " + field)),
                HasSubstr("expected only session and probability beside at, seen " +
                          field.substr(0, field.find(':'))));
  }
}

TEST(FaultPlan, refuses_a_message_action_at_a_time) {
  for (const std::string one : {"drop: {}", "duplicate: {}", "delay: {min: 1s}"}) {
    EXPECT_THAT(problems("rules: [{match: {at: 1s}, action: {" + one + "}}]"),
                HasSubstr("expected another action beside match.at, as this one needs a message"));
  }
}

TEST(FaultPlan, refuses_delays_out_of_range) {
  EXPECT_THAT(problems(with_action("delay: {min: 2s, max: 1s}")),
              HasSubstr("rules[0].action.delay.max: expected at least min, which is 2s, seen 1s"));
  EXPECT_THAT(problems(with_action("delay: {min: 25h}")),
              HasSubstr("rules[0].action.delay.min: expected at most 24h, seen 25h"));
  EXPECT_THAT(problems(with_action("duplicate: {after: {min: 0s, max: 25h}}")),
              HasSubstr("rules[0].action.duplicate.after.max: expected at most 24h, seen 25h"));
  EXPECT_THAT(problems(with_action("delay: {min: -1s}")), HasSubstr("a duration such as 250ms"));
  EXPECT_THAT(problems(with_action("delay: {min: 99999999999999999999s}")),
              HasSubstr("a duration such as 250ms"));
  EXPECT_THAT(problems(with_action("delay: {min: s}")), HasSubstr("a duration such as 250ms"));
  EXPECT_THAT(problems(with_action("delay: {}")),
              HasSubstr("rules[0].action.delay.min: expected a duration such as 250ms or 2s, seen "
                        "no such field"));
}

TEST(FaultPlan, refuses_what_lasts_no_time) {
  EXPECT_THAT(problems(with_action("stall: {side: client, duration: 0s}")),
              HasSubstr("rules[0].action.stall.duration: expected a duration longer than 0"));
}

TEST(FaultPlan, refuses_api_errors_that_no_service_gives) {
  EXPECT_THAT(problems(with_action("api_error: {operation: resume_session}")),
              HasSubstr("expected one of ResumeSession, TerminateSession, CreateDataChannel, "
                        "OpenDataChannel, seen \"resume_session\""));
  EXPECT_THAT(problems(with_action("api_error: {operation: ResumeSession, status: 200}")),
              HasSubstr("a whole number from 400 to 599, seen 200"));
  EXPECT_THAT(problems(with_action("api_error: {operation: ResumeSession, status: 400}")),
              HasSubstr("expected the name of the error, as the status is below 500, seen none"));
  EXPECT_THAT(problems(with_action("api_error: {operation: ResumeSession, error: \"a b\"}")),
              HasSubstr("expected a name such as ThrottlingException, seen \"a b\""));
}

TEST(FaultPlan, refuses_fields_of_an_action_without_any) {
  EXPECT_THAT(problems(with_action("drop: {side: client}")),
              HasSubstr("rules[0].action.drop: expected an empty mapping, {}, seen \"side\""));
  EXPECT_THAT(problems(with_action("drop: 1")),
              HasSubstr("rules[0].action.drop: expected an empty mapping, {}, seen 1"));
}

TEST(FaultPlan, serve_refuses_what_only_simulate_executes) {
  EXPECT_EQ(
      problems("rules:\n"
               "  - name: half open\n"
               "    action: {stall: {side: client}}\n",
               Driver::serve),
      "plan.yaml:3:21: rules[0].action.stall: expected one of the actions that ssmsim serve "
      "executes (drop, duplicate, delay, close), seen stall in the rule \"half open\"; ssmsim "
      "simulate executes it");
  for (const std::string one :
       {"stall: {side: client}", "partition: {side: client}", "crash: {side: agent}",
        "api_error: {operation: ResumeSession}", "pause: {}", "restart: {side: agent}"}) {
    EXPECT_THAT(problems(with_action(one), Driver::serve),
                HasSubstr("in the rule \"rule 1\"; ssmsim simulate executes it"));
    EXPECT_EQ(problems(with_action(one), Driver::simulate), "no problem");
  }
}

TEST(FaultPlan, serve_takes_what_it_executes) {
  for (const std::string one :
       {"drop: {}", "duplicate: {}", "delay: {min: 1s}", "close: {side: client}"}) {
    EXPECT_EQ(problems(with_action(one), Driver::serve), "no problem");
  }
  EXPECT_EQ(problems("rules: [{match: {at: 1s}, action: {close: {side: agent}}}]", Driver::serve),
            "no problem");
}

TEST(FaultPlan, may_be_empty_on_purpose) {
  EXPECT_TRUE(parse("rules: []").rules.empty());
}

TEST(FaultPlan, refuses_a_plan_without_rules) {
  EXPECT_EQ(problems("seed: 1"), "plan.yaml:1:1: rules: expected a list, seen no such field");
}

TEST(FaultPlan, refuses_actions_that_do_not_exist) {
  EXPECT_THAT(
      problems(with_action("explode: {}")),
      HasSubstr("rules[0].action: expected one of the fields drop, duplicate, delay, close, "
                "stall, partition, api_error, pause, crash, restart, seen \"explode\""));
}

TEST(FaultPlan, schema_offers_exactly_the_actions) {
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
      "plan.yaml", Driver::simulate);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().list.size(), 3U);
}

TEST(FaultPlan, every_example_loads_and_says_when_serve_does_not_take_it) {
  std::size_t loaded = 0;
  for (const auto& entry : std::filesystem::directory_iterator(example(""))) {
    if (entry.path().extension() != ".yaml") {
      continue;
    }
    const std::string path = entry.path().string();
    const auto plan = load_fault_plan(path, Driver::simulate);
    EXPECT_TRUE(plan) << plan.error().to_string();
    const bool for_simulate =
        read_file(path).value().find("# For ssmsim simulate.") != std::string::npos;
    EXPECT_NE(load_fault_plan(path, Driver::serve).has_value(), for_simulate) << path;
    ++loaded;
  }
  EXPECT_GE(loaded, 10U);
}

TEST(FaultPlan, close_after_100_closes_the_client_at_the_sessions_hundredth_message) {
  fault::Engine engine(load_fault_plan(example("close-after-100.yaml"), Driver::serve).value());
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
  EXPECT_THAT(load_fault_plan("/nonexistent/plan.yaml", Driver::serve).error().to_string(),
              HasSubstr("/nonexistent/plan.yaml: expected a readable file, seen No such file"));
}

}  // namespace
}  // namespace ssm::config
