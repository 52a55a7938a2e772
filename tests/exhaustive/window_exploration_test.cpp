// The production send and receive windows, explored within small bounds under strict and reference
// rules. What the references get wrong has to be found, or the exploration could find nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "explorer.hpp"
#include "window_setups.hpp"

namespace ssm::test {
namespace {

using protocol::ChannelRules;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr Scenario all_scenarios[] = {reordering,   repetition,   small_windows,
                                      wide_windows, reconnection, pause,
                                      everything,   moving_rto,   only_reconnections};
/// For the pairs that differ little from others.
constexpr Scenario main_scenarios[] = {reordering, wide_windows, reconnection, everything,
                                       only_reconnections};

std::vector<std::string> lines(const Report& report, Violation violation) {
  std::vector<std::string> text;
  for (const Event& event :
       report.found[static_cast<std::size_t>(violation)].value_or(std::vector<Event>{})) {
    text.push_back(describe(event));
  }
  return text;
}

Report explore(const ChannelRules& from, const ChannelRules& to, Scenario scenario) {
  if (!from.send.keep_unwritten) {
    scenario.bounds.pauses = 0;  // a client is never paused (FLOW-005)
  }
  return explore_and_print(make_setup(scenario, from.send, to.receive));
}

/// A window of the references never fills up in practice (10,000 and 100,000 messages); what
/// happens when it does is a scenario of its own.
Scenario ample(Scenario scenario) {
  scenario.window = scenario.bounds.messages;
  return scenario;
}

/// The kinds of violation that were found in any of the main scenarios.
std::set<Violation> explore_main(const ChannelRules& from, const ChannelRules& to) {
  std::set<Violation> found;
  for (const Scenario& scenario : main_scenarios) {
    const bool fills_up = from.send.when_full != protocol::WhenFull::refuse;
    const Report report = explore(from, to, fills_up ? ample(scenario) : scenario);
    EXPECT_GT(report.states, 1000U) << scenario.name;
    for (const Violation violation : report.violations()) {
      found.insert(violation);
    }
  }
  return found;
}

// ---- what must hold -----------------------------------------------------------------------------

class StrictWindows : public testing::TestWithParam<Scenario> {};

TEST_P(StrictWindows, deliver_everything_once_in_order_and_forget_it) {
  const Scenario& scenario = GetParam();
  const Report report = explore(strict_rules(), strict_rules(), scenario);
  EXPECT_THAT(report.violations(), IsEmpty());
  EXPECT_GT(report.states, 10'000U);
  // Each message may have to wait for its own timeout, and not longer.
  EXPECT_LE(report.slowest_completion, scenario.bounds.messages * strict_rules().send.max_rto);
}

INSTANTIATE_TEST_SUITE_P(WindowExploration, StrictWindows, testing::ValuesIn(all_scenarios),
                         [](const auto& one) {
                           std::string name(one.param.name);
                           std::ranges::replace(name, ' ', '_');
                           return name;
                         });

TEST(WindowExploration, strict_sends_to_a_reference_agent_without_loss) {
  EXPECT_THAT(explore_main(strict_rules(), agent_rules()), IsEmpty());
}

TEST(WindowExploration, strict_receives_from_a_reference_agent_without_loss) {
  EXPECT_THAT(explore_main(agent_rules(), strict_rules()), IsEmpty());
}

TEST(WindowExploration, strict_receives_from_a_reference_client_without_loss) {
  EXPECT_THAT(explore_main(plugin_rules(), strict_rules()), IsEmpty());
}

// The rules of the references and an estimate that moves, where ticks and samples meet.
TEST(WindowExploration, references_lose_nothing_while_the_rto_moves) {
  Scenario scenario = moving_rto;
  scenario.bounds.messages = 3;
  scenario.window = 3;
  for (const ChannelRules* from : {&plugin_rules(), &agent_rules()}) {
    EXPECT_THAT(explore(*from, agent_rules(), scenario).violations(), IsEmpty());
  }
}

TEST(WindowExploration, reference_client_sends_to_a_reference_agent_without_loss) {
  EXPECT_THAT(explore_main(plugin_rules(), agent_rules()), IsEmpty());
}

// ---- known defects of the references ------------------------------------------------------------

// The head of the agent's queue is never acknowledged again (SEQ-008), and nothing behind it is
// ever resent (RTX-003): session-manager-plugin issue 139.
TEST(WindowExploration, one_lost_acknowledgement_of_a_reference_client_stops_an_agent_for_ever) {
  const Report report = explore(agent_rules(), plugin_rules(), ample(reordering));
  EXPECT_THAT(report.violations(),
              UnorderedElementsAre(Violation::never_delivered, Violation::never_acknowledged));
  EXPECT_THAT(
      lines(report, Violation::never_acknowledged),
      ElementsAre("send the next message", "deliver message 0", "lose the acknowledgement of 0"));
  EXPECT_THAT(lines(report, Violation::never_delivered),
              ElementsAre("send the next message", "send the next message", "deliver message 0",
                          "lose the acknowledgement of 0", "lose message 1"));
}

TEST(WindowExploration, one_reconnection_is_enough_to_stop_an_agent_for_ever) {
  const Report report = explore(agent_rules(), plugin_rules(), only_reconnections);
  EXPECT_THAT(report.violations(),
              UnorderedElementsAre(Violation::never_delivered, Violation::never_acknowledged));
  EXPECT_THAT(lines(report, Violation::never_delivered),
              ElementsAre("send the next message", "send the next message", "deliver message 0",
                          "the connection is lost"));
}

TEST(WindowExploration, a_reference_client_breaks_an_agent_in_no_other_way) {
  EXPECT_THAT(explore_main(agent_rules(), plugin_rules()),
              UnorderedElementsAre(Violation::never_delivered, Violation::never_acknowledged));
}

// Ours sends everything again after a reconnection (RESUME-009), so that all arrives where only
// connections lose messages. The acknowledgement that the client never repeats is missed for ever.
TEST(WindowExploration, strict_delivers_to_a_reference_client_whatever_reconnections_lose) {
  const Report report = explore(strict_rules(), plugin_rules(), only_reconnections);
  EXPECT_THAT(report.violations(), ElementsAre(Violation::never_acknowledged));
}

// Where messages vanish from a living connection, not even ours gets past a client that does not
// acknowledge again: only the oldest message is ever resent.
TEST(WindowExploration, strict_stops_at_a_reference_client_that_loses_one_by_one) {
  const Report report = explore(strict_rules(), plugin_rules(), reordering);
  EXPECT_THAT(report.violations(),
              UnorderedElementsAre(Violation::never_delivered, Violation::never_acknowledged));
}

//= RTX-017
TEST(WindowExploration, a_reference_agent_with_a_full_window_loses_its_newest_message) {
  const Report report = explore(agent_rules(), strict_rules(), small_windows);
  EXPECT_THAT(report.violations(),
              UnorderedElementsAre(Violation::lost_for_good, Violation::never_delivered));
  EXPECT_THAT(lines(report, Violation::lost_for_good),
              ElementsAre("send the next message", "send the next message", "send the next message",
                          "lose message 2"));
}

//= RTX-016
TEST(WindowExploration, a_reference_client_with_a_full_window_loses_its_oldest_message) {
  const Report report = explore(plugin_rules(), strict_rules(), small_windows);
  EXPECT_THAT(report.violations(),
              UnorderedElementsAre(Violation::lost_for_good, Violation::never_delivered));
  EXPECT_THAT(lines(report, Violation::lost_for_good),
              ElementsAre("send the next message", "send the next message", "send the next message",
                          "lose message 0"));
}

// ---- the exploration itself ---------------------------------------------------------------------

// If one of these fails, a member of a window has a say in what happens next and is not in
// WindowProbe.
std::size_t told_apart_too_late(const ChannelRules& from, const ChannelRules& to,
                                const Scenario& scenario) {
  const StreamSetup setup = make_setup(scenario, from.send, to.receive);
  const Report report = Explorer<WindowWorld<>>(setup, {.compare_futures = true}).run();
  EXPECT_GT(report.states, 1000U);
  return report.told_apart_too_late;
}

TEST(WindowExploration, states_that_look_the_same_have_the_same_future) {
  const Scenario scenario{
      .name = "futures",
      .window = 2,
      .buffer = 1,
      .bounds = {
          .messages = 3, .losses = 1, .duplications = 1, .cuts = 1, .unready = 1, .timeouts = 2}};
  EXPECT_EQ(told_apart_too_late(strict_rules(), strict_rules(), scenario), 0U);
  EXPECT_EQ(told_apart_too_late(agent_rules(), agent_rules(), scenario), 0U);
  EXPECT_EQ(told_apart_too_late(plugin_rules(), agent_rules(), scenario), 0U);
  EXPECT_EQ(told_apart_too_late(agent_rules(), plugin_rules(), scenario), 0U);
}

// Round trips that take time, and resends that were needless.
TEST(WindowExploration, states_that_look_the_same_have_the_same_future_on_slow_paths) {
  Scenario scenario{.name = "slow futures",
                    .window = 2,
                    .buffer = 1,
                    .bounds = {.messages = 4, .timeouts = 3, .waits = 1}};
  EXPECT_EQ(told_apart_too_late(strict_rules(), strict_rules(), scenario), 0U);
  EXPECT_EQ(told_apart_too_late(agent_rules(), agent_rules(), scenario), 0U);
  scenario.fixed_rto = false;
  scenario.bounds.messages = 3;
  EXPECT_EQ(told_apart_too_late(strict_rules(), strict_rules(), scenario), 0U);
  EXPECT_EQ(told_apart_too_late(plugin_rules(), agent_rules(), scenario), 0U);
}

TEST(WindowExploration, is_the_same_twice) {
  const StreamSetup setup = make_setup(reordering, strict_rules().send, strict_rules().receive);
  const Report first = Explorer<WindowWorld<>>(setup).run();
  const Report second = Explorer<WindowWorld<>>(setup).run();
  EXPECT_EQ(first.states, second.states);
  EXPECT_EQ(first.transitions, second.transitions);
  EXPECT_EQ(first.depth, second.depth);
}

}  // namespace
}  // namespace ssm::test
