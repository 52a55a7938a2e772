#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

#include "mutation.hpp"
#include "ssm/conformance/client_run.hpp"

// Every case must be able to fail, and fail for its own reason: each mutant client is wrong in one
// way, and the cases named for it must say so.

namespace ssm::conformance {
namespace {

using mutants::MutationInfo;

std::vector<std::string> mutant_command(std::string_view mutation) {
  std::vector<std::string> command{SSM_BIN_DIR "/mutant_client", "{stream_url}", "{token}"};
  if (!mutation.empty()) {
    command.emplace_back(mutation);
  }
  return command;
}

std::string text_of(const Outcome& outcome) {
  std::string text = outcome.sent + "\n" + outcome.seen + "\n";
  for (const std::string& line : outcome.transcript) {
    text += line + "\n";
  }
  return text;
}

class Mutant : public testing::TestWithParam<MutationInfo> {};

TEST_P(Mutant, is_caught) {
  const MutationInfo& mutation = GetParam();
  ClientRunOptions options;
  options.command = mutant_command(mutation.name);
  if (mutation.is_silent) {
    options.timeout = std::chrono::seconds(3);
  }
  for (const std::string_view id : mutation.caught_by) {
    options.filter = id;
    const auto results = run_client_cases(options);
    ASSERT_EQ(results.size(), 1U) << id;
    const Outcome& outcome = results.front().outcome;
    EXPECT_EQ(name(outcome.verdict), "fail") << id << "\n" << text_of(outcome);
    EXPECT_FALSE(outcome.during_opening) << id << "\n" << text_of(outcome);
    EXPECT_EQ(outcome.seen.find("waited ") != std::string::npos, mutation.is_silent)
        << "a mutant should be caught by what it does, not by a timeout: " << id << "\n"
        << text_of(outcome);
  }
}

INSTANTIATE_TEST_SUITE_P(all, Mutant, testing::ValuesIn(mutants::mutations()),
                         [](const testing::TestParamInfo<MutationInfo>& parameter) {
                           std::string name(parameter.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

void expect_to_pass_every_case(std::string_view mutation) {
  ClientRunOptions options;
  options.command = mutant_command(mutation);
  for (const CaseResult& result : run_client_cases(options)) {
    if (result.definition != nullptr) {
      EXPECT_EQ(name(result.outcome.verdict), "pass") << result.id << "\n"
                                                      << text_of(result.outcome);
    }
  }
}

TEST(Mutants, without_a_mutation_the_client_passes_every_case) {
  expect_to_pass_every_case({});
}

TEST(Mutants, what_real_clients_do_is_not_taken_amiss) {
  ASSERT_FALSE(mutants::oddities().empty());
  for (const MutationInfo& oddity : mutants::oddities()) {
    SCOPED_TRACE(oddity.name);
    expect_to_pass_every_case(oddity.name);
  }
}

TEST(Mutants, catch_every_case) {
  std::set<std::string_view> caught;
  for (const MutationInfo& mutation : mutants::mutations()) {
    caught.insert(mutation.caught_by.begin(), mutation.caught_by.end());
  }
  std::set<std::string_view> cases;
  for (const Case& definition : client_cases()) {
    cases.insert(definition.id);
  }
  EXPECT_THAT(caught, testing::ContainerEq(cases));
}

TEST(Mutants, have_names_of_their_own) {
  std::set<std::string_view> names;
  std::set<mutants::Mutation> values;
  for (const MutationInfo& mutation : mutants::mutations()) {
    EXPECT_TRUE(names.insert(mutation.name).second) << mutation.name;
    EXPECT_TRUE(values.insert(mutation.mutation).second) << mutation.name;
  }
}

}  // namespace
}  // namespace ssm::conformance
