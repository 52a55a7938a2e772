#include "ssm/config/scenario.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace ssm::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view smallest =
    "name: small\n"
    "workload: {kind: typing}\n"
    "strict: {expect: {observed: all is well}}\n";

sim::Scenario parsed(std::string_view text) {
  return parse_scenario(text, "scenario.yaml").value();
}

std::string problems_of(std::string_view text) {
  const Loaded<sim::Scenario> loaded = parse_scenario(text, "scenario.yaml");
  return loaded ? "none" : loaded.error().to_string();
}

/// The smallest scenario with something more.
std::string smallest_and(std::string_view more) {
  return std::string(smallest) + std::string(more);
}

/// The smallest scenario, whose strict case expects that.
std::string expecting(std::string_view expectation) {
  return "name: small\nworkload: {kind: typing}\nstrict:\n  expect:\n    observed: it\n    " +
         std::string(expectation) + "\n";
}

TEST(ScenarioFile, needs_a_name_a_workload_and_what_is_expected_of_strict) {
  const sim::Scenario scenario = parsed(smallest);
  EXPECT_EQ(scenario.name, "small");
  EXPECT_EQ(scenario.config.workload, sim::Workload{});
  EXPECT_EQ(scenario.config.network, sim::NetworkRules{});
  EXPECT_EQ(scenario.config.service, protocol::ServiceRules{});
  EXPECT_EQ(scenario.config.heal_limit, sim::RunConfig{}.heal_limit);
  EXPECT_FALSE(scenario.affected);
  EXPECT_EQ(scenario.strict.client, "strict");
  EXPECT_EQ(scenario.strict.agent, "strict");
  EXPECT_EQ(scenario.strict.expect.observed, "all is well");
}

TEST(ScenarioFile, holds_a_whole_run_and_its_two_cases) {
  const sim::Scenario scenario = parsed(R"yaml(
name: BUG-0
title: A title
references: ["session-manager-plugin#1", RTX-004]
description: First this, then that.
seed: 7
network:
  client: {latency: 250ms, jitter: 5ms, bytes_per_second: 5000, buffer: 4096}
  agent: {latency: 1ms}
  open_round_trips: 3
  connect_timeout: 1s
  unsent_timeout: 2s
  keep_alive_timeout: 3s
service: {idle_timeout: 0s, client_absence_limit: 5m, held_messages: 0, publication_control: false}
workload: {kind: upload, size: 3000, seed: 9, ends_input: true}
faults:
  seed: 3
  rules:
    - match: {at: 4s}
      action: {close: {side: client, code: 1000}}
fault_phase: 10s
heal_limit: 30m
affected:
  client: plugin-1.2.677
  agent: agent-3.3
  expect:
    observed: a zombie
    outcome: violated
    violates: ends_agree
    text_contains: goes on
    client_end: running
    agent_end: cancelled
    bounds: [{measure: resume_calls, min: 6, max: 6}, {measure: client_min_gap_ms, max: 150}]
strict: {expect: {observed: all of it, outcome: completed}}
)yaml");
  EXPECT_EQ(scenario.title, "A title");
  EXPECT_THAT(scenario.references, ElementsAre("session-manager-plugin#1", "RTX-004"));
  EXPECT_EQ(scenario.description, "First this, then that.");
  EXPECT_EQ(scenario.config.seed, 7U);
  EXPECT_EQ(scenario.config.network.client,
            (sim::LinkRules{
                .latency = 250ms, .jitter = 5ms, .bytes_per_second = 5000, .buffer_bytes = 4096}));
  EXPECT_EQ(scenario.config.network.agent, sim::LinkRules{.latency = 1ms});
  EXPECT_EQ(scenario.config.network.open_round_trips, 3U);
  EXPECT_EQ(scenario.config.network.connect_timeout, 1s);
  EXPECT_EQ(scenario.config.network.unsent_timeout, 2s);
  EXPECT_EQ(scenario.config.network.keep_alive_timeout, 3s);
  EXPECT_EQ(scenario.config.service.idle_timeout, 0s);
  EXPECT_EQ(scenario.config.service.client_absence_limit, 5min);
  EXPECT_EQ(scenario.config.service.held_messages, 0U);
  EXPECT_FALSE(scenario.config.service.publication_control);
  EXPECT_EQ(scenario.config.workload,
            (sim::Workload{
                .kind = sim::WorkloadKind::upload, .size = 3000, .seed = 9, .ends_input = true}));
  EXPECT_EQ(scenario.config.plan.seed, 3U);
  ASSERT_EQ(scenario.config.plan.rules.size(), 1U);
  EXPECT_EQ(scenario.config.plan.rules[0].match.at, 4s);
  EXPECT_EQ(scenario.config.fault_phase, 10s);
  EXPECT_EQ(scenario.config.heal_limit, 30min);
  EXPECT_EQ(scenario.affected,
            (sim::Case{.client = "plugin-1.2.677",
                       .agent = "agent-3.3",
                       .expect = {.observed = "a zombie",
                                  .outcome = sim::Outcome::violated,
                                  .violates = sim::Invariant::ends_agree,
                                  .text_contains = "goes on",
                                  .client_end = "running",
                                  .agent_end = "cancelled",
                                  .bounds = {{.measure = "resume_calls", .min = 6, .max = 6},
                                             {.measure = "client_min_gap_ms", .max = 150}}}}));
}

TEST(ScenarioFile, may_expect_any_measure_that_a_run_has) {
  for (const std::string& name : sim::measure_names()) {
    EXPECT_EQ(problems_of(expecting("bounds: [{measure: " + name + ", min: 0}]")), "none");
  }
}

// --- what is refused

TEST(ScenarioFile, is_refused_without_its_required_fields) {
  const std::string problems = problems_of("title: nothing else\n");
  EXPECT_THAT(problems, HasSubstr("scenario.yaml:1:1: name: expected text of at most 100 bytes"));
  EXPECT_THAT(problems, HasSubstr("workload: expected a mapping with kind, size"));
  EXPECT_THAT(problems, HasSubstr("strict: expected a mapping with client, agent, expect"));
}

TEST(ScenarioFile, is_refused_with_a_field_that_does_not_exist) {
  EXPECT_THAT(problems_of(smallest_and("affectedd: {}\n")),
              HasSubstr("scenario.yaml:4:1: expected one of the fields name, title"));
}

TEST(ScenarioFile, names_the_profiles_that_there_are) {
  const std::string problems = problems_of(
      smallest_and("affected: {client: agent-3.3, agent: plugin-9, expect: {observed: it}}\n"));
  EXPECT_THAT(problems, HasSubstr("scenario.yaml:4:20: affected.client: expected a client's "
                                  "profile, one of strict, plugin-1.2.677"));
  EXPECT_THAT(problems, HasSubstr("seen \"agent-3.3\""));
  EXPECT_THAT(problems, HasSubstr("affected.agent: expected an agent's profile, one of strict, "));
  EXPECT_THAT(problems, HasSubstr("seen \"plugin-9\""));
}

TEST(ScenarioFile, names_the_workloads_that_there_are) {
  EXPECT_THAT(
      problems_of("name: x\nworkload: {kind: dreaming}\nstrict: {expect: {observed: it}}\n"),
      HasSubstr("scenario.yaml:2:18: workload.kind: expected one of typing, paste, "));
}

TEST(ScenarioFile, names_the_outcomes_invariants_and_measures_that_there_are) {
  EXPECT_THAT(problems_of(expecting("outcome: fine")),
              HasSubstr("strict.expect.outcome: expected one of completed, ended, violated, seen "
                        "\"fine\""));
  EXPECT_THAT(problems_of(expecting("violates: peace")),
              HasSubstr("strict.expect.violates: expected one of bytes_in_order, window_bounded"));
  EXPECT_THAT(problems_of(expecting("bounds: [{measure: luck, min: 1}]")),
              HasSubstr("strict.expect.bounds[0].measure: expected one of agent_acks, "));
}

TEST(ScenarioFile, refuses_expectations_that_nothing_can_meet) {
  EXPECT_THAT(problems_of(expecting("outcome: completed\n    violates: ends_agree")),
              HasSubstr("strict.expect.violates: expected no violated invariant"));
  EXPECT_THAT(problems_of(expecting("bounds: [{measure: delivered, min: 3, max: 2}]")),
              HasSubstr("strict.expect.bounds[0].max: expected at least min, which is 3, seen 2"));
  EXPECT_THAT(problems_of(expecting("bounds: [{measure: delivered}]")),
              HasSubstr("strict.expect.bounds[0]: expected min, max or both"));
}

TEST(ScenarioFile, refuses_amounts_that_no_run_should_have) {
  EXPECT_THAT(
      problems_of(
          "name: x\nworkload: {kind: typing, size: 1000001}\nstrict: {expect: {observed: it}}\n"),
      HasSubstr("scenario.yaml:2:32: workload.size: expected at most 1000000 for this kind"));
  EXPECT_THAT(problems_of(smallest_and("network: {client: {latency: 61m}}\n")),
              HasSubstr("network.client.latency: expected at most 1h, seen 61m"));
  EXPECT_THAT(problems_of(smallest_and("network: {agent: {buffer: 0}}\n")),
              HasSubstr("network.agent.buffer: expected a whole number from 1"));
}

TEST(ScenarioFile, says_what_is_wrong_with_its_fault_plan) {
  EXPECT_THAT(problems_of(smallest_and("faults:\n"
                                       "  rules:\n"
                                       "    - match: {at: 1s}\n"
                                       "      action: {drop: {}}\n")),
              HasSubstr("scenario.yaml:7:22: faults.rules[0].action.drop: expected another action "
                        "beside match.at"));
}

TEST(ScenarioFile, is_not_there) {
  EXPECT_THAT(load_scenario("/nonexistent/scenario.yaml").error().to_string(),
              HasSubstr("/nonexistent/scenario.yaml: expected"));
}

// --- the writer

TEST(ScenarioYaml, leaves_out_what_is_as_usual) {
  EXPECT_EQ(to_yaml(parsed(smallest), "found by chance"),
            "# found by chance\n"
            "name: \"small\"\n"
            "workload: {kind: typing}\n"
            "strict:\n"
            "  client: strict\n"
            "  agent: strict\n"
            "  expect:\n"
            "    observed: \"all is well\"\n");
}

/// What loses nothing when it is written and read again.
void expect_same(const sim::Scenario& scenario) {
  const Loaded<sim::Scenario> loaded = parse_scenario(to_yaml(scenario), "written.yaml");
  ASSERT_TRUE(loaded) << loaded.error().to_string() << '\n' << to_yaml(scenario);
  const sim::Scenario& again = *loaded;
  EXPECT_EQ(again.name, scenario.name);
  EXPECT_EQ(again.title, scenario.title);
  EXPECT_EQ(again.references, scenario.references);
  EXPECT_EQ(again.description, scenario.description);
  EXPECT_EQ(again.config.seed, scenario.config.seed);
  EXPECT_EQ(again.config.network, scenario.config.network);
  EXPECT_EQ(again.config.service, scenario.config.service);
  EXPECT_EQ(again.config.workload, scenario.config.workload);
  EXPECT_EQ(again.config.plan, scenario.config.plan);
  EXPECT_EQ(again.config.fault_phase, scenario.config.fault_phase);
  EXPECT_EQ(again.config.heal_limit, scenario.config.heal_limit);
  EXPECT_EQ(again.affected, scenario.affected);
  EXPECT_EQ(again.strict, scenario.strict);
}

TEST(ScenarioYaml, gives_back_a_scenario_in_which_nothing_is_as_usual) {
  sim::Scenario scenario;
  scenario.name = "every: \"field\"";
  scenario.title = "# no comment";
  scenario.references = {"a#1", "b: [2]"};
  scenario.description = "one\ntwo\n\n  three\\";
  scenario.config.seed = 18'446'744'073'709'551'615U;
  scenario.config.network = {
      .client = {.latency = 1ns, .jitter = 2us, .bytes_per_second = 3, .buffer_bytes = 4},
      .agent = {.latency = 5s, .jitter = 6min, .bytes_per_second = 7, .buffer_bytes = 8},
      .open_round_trips = 0,
      .connect_timeout = 9s,
      .unsent_timeout = 10s,
      .keep_alive_timeout = 0s};
  scenario.config.service = {.agent_join_limit = 1s,
                             .client_join_limit = 2s,
                             .client_absence_limit = 3s,
                             .agent_absence_limit = 4s,
                             .idle_timeout = 0s,
                             .max_duration = 5s,
                             .close_linger = 6s,
                             .resume_grace = 7s,
                             .recycle_after = 8min,
                             .rate_limit = 9,
                             .rate_burst = 10,
                             .rate_action = protocol::RateAction::close,
                             .held_messages = 7,
                             .held_bytes = 0,
                             .publication_control = false};
  scenario.config.workload = {.kind = sim::WorkloadKind::both,
                              .size = 1,
                              .seed = 2,
                              .ends_input = true,
                              .ssh = true,
                              .encrypted = true};
  scenario.config.plan = {.seed = 1, .rules = {{"cut", {.at = 1s}, fault::Crash{}}}};
  scenario.config.fault_phase = 1500ms;
  scenario.config.heal_limit = 1h;
  scenario.affected = sim::Case{.client = "plugin-1.2.677",
                                .agent = "agent-3.3",
                                .expect = {.observed = "yes: no",
                                           .outcome = sim::Outcome::violated,
                                           .violates = sim::Invariant::no_busy_loop,
                                           .text_contains = "'",
                                           .client_end = "running",
                                           .agent_end = "killed",
                                           .bounds = {{.measure = "delivered", .min = 0.1},
                                                      {.measure = "client_acks", .max = 1e30}}}};
  scenario.strict.expect = {.observed = "true", .outcome = sim::Outcome::ended};
  expect_same(scenario);
}

TEST(ScenarioYaml, gives_back_a_scenario_that_has_only_what_it_needs) {
  expect_same(parsed(smallest));
}

}  // namespace
}  // namespace ssm::config
