#include "ssm/sim/scenario.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

/// Ten keys over a good network.
Scenario calm() {
  Scenario scenario;
  scenario.config.seed = 1;
  scenario.config.workload = {.kind = WorkloadKind::typing, .size = 10, .seed = 1};
  return scenario;
}

CaseResult run_strict(const Scenario& scenario, Expectation expect) {
  Observer nobody;
  return run_case(scenario, {.client = "strict", .agent = "strict", .expect = std::move(expect)},
                  nobody);
}

std::vector<std::string> differences(Expectation expect) {
  return run_strict(calm(), std::move(expect)).differences;
}

TEST(Expectation, of_nothing_is_always_met) {
  EXPECT_THAT(differences({}), IsEmpty());
}

TEST(Expectation, of_what_happens_is_met) {
  EXPECT_THAT(differences({.outcome = Outcome::completed,
                           .client_end = "channel_closed",
                           .agent_end = "success",
                           .bounds = {{"resume_calls", 0, 0},
                                      {"client_messages", 10, 10},
                                      {"delivered", 1, std::nullopt},
                                      {"virtual_time_s", std::nullopt, 60}}}),
              IsEmpty());
}

TEST(Expectation, of_another_outcome_names_both) {
  EXPECT_THAT(differences({.outcome = Outcome::ended}),
              ElementsAre("outcome: expected ended, seen completed"));
}

TEST(Expectation, of_a_violation_misses_it) {
  EXPECT_THAT(differences({.violates = Invariant::ends_agree}),
              ElementsAre("violated invariant: expected ends_agree, seen none"));
}

TEST(Expectation, of_a_text_quotes_what_is_there) {
  EXPECT_THAT(differences({.text_contains = "lost"}),
              ElementsAre("text: expected 'lost' in it, seen ''"));
}

TEST(Expectation, of_other_ends_names_them) {
  EXPECT_THAT(differences({.client_end = "running", .agent_end = "failed"}),
              ElementsAre("end of the client: expected running, seen channel_closed",
                          "end of the agent: expected failed, seen success"));
}

TEST(Expectation, of_other_counts_names_bound_and_value) {
  EXPECT_THAT(differences({.bounds = {{"client_messages", 11, std::nullopt},
                                      {"client_messages", std::nullopt, 9},
                                      {"client_min_gap_ms", 1, std::nullopt}}}),
              ElementsAre("client_messages: expected at least 11, seen 10",
                          "client_messages: expected at most 9, seen 10",
                          "client_min_gap_ms: expected a value, nothing of it was seen"));
}

TEST(Expectation, of_a_violation_sees_the_first_one) {
  // Nobody tells the agent that the client is gone, and nothing ends the session in time.
  Scenario scenario = calm();
  scenario.config.plan.rules = {
      {.name = "crash", .match = {.at = 1s}, .action = fault::Crash{Side::client}}};
  const CaseResult result =
      run_strict(scenario, {.outcome = Outcome::violated,
                            .violates = Invariant::ends_agree,
                            .text_contains = "the client ended, the agent goes on",
                            .client_end = "killed",
                            .agent_end = "running"});
  EXPECT_THAT(result.differences, IsEmpty());
}

TEST(RunCase, uses_the_profiles_of_its_case) {
  Observer nobody;
  const CaseResult result =
      run_case(calm(), {.client = "plugin-1.2.677", .agent = "agent-3.3", .expect = {}}, nobody);
  EXPECT_EQ(result.run.outcome, Outcome::completed);
  EXPECT_NE(result.run.digest, run_strict(calm(), {}).run.digest);
}

TEST(RunCase, measures_the_run_and_its_messages) {
  const CaseResult result = run_strict(calm(), {});
  EXPECT_EQ(result.measures.at("agent_received"), static_cast<double>(result.run.agent_received));
  EXPECT_EQ(result.measures.at("client_connections"), 1);
  EXPECT_EQ(result.measures.at("agent_copies"), 0);
}

TEST(Outcome, has_a_name_by_which_it_is_found) {
  for (const Outcome outcome : {Outcome::completed, Outcome::ended, Outcome::violated}) {
    EXPECT_EQ(find_outcome(name(outcome)), outcome);
  }
  EXPECT_EQ(find_outcome("unknown"), std::nullopt);
}

}  // namespace
}  // namespace ssm::sim
