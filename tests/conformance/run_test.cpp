#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "ssm/conformance/client_run.hpp"

namespace ssm::conformance {
namespace {

using testing::HasSubstr;

std::vector<CaseResult> run(std::vector<std::string> command, std::string filter) {
  ClientRunOptions options;
  options.command = std::move(command);
  options.filter = std::move(filter);
  return run_client_cases(options);
}

TEST(ClientRun, a_program_that_does_not_exist_is_an_error_of_the_first_case_only) {
  const auto results = run({"/nonexistent/client"}, "WIRE-00*");
  ASSERT_GT(results.size(), 2U);
  EXPECT_EQ(results[0].outcome.verdict, Verdict::error);
  EXPECT_THAT(results[0].outcome.seen, HasSubstr("/nonexistent/client"));
  EXPECT_EQ(results[1].outcome.verdict, Verdict::error);
  EXPECT_THAT(results[1].outcome.seen, HasSubstr("not run"));
}

TEST(ClientRun, a_client_that_ends_without_connecting_is_quoted) {
  const auto results = run({"/bin/sh", "-c", "echo no way; exit 7"}, "WIRE-001");
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].outcome.verdict, Verdict::error);
  EXPECT_THAT(results[0].outcome.seen, HasSubstr("exit code 7"));
  EXPECT_THAT(results[0].outcome.seen, HasSubstr("no way"));
}

TEST(ClientRun, a_client_with_a_wrong_token_is_an_error) {
  const auto results = run({SSM_BIN_DIR "/mutant_client", "{stream_url}", "wrong"}, "WIRE-001");
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].outcome.verdict, Verdict::error);
  EXPECT_THAT(results[0].outcome.seen, HasSubstr("token"));
}

TEST(ClientRun, rules_for_others_are_listed_as_not_applicable) {
  const auto results = run({"/nonexistent/client"}, "WIRE-011");
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].outcome.verdict, Verdict::not_applicable);
  EXPECT_EQ(results[0].definition, nullptr);
}

TEST(ClientRun, a_client_that_is_silent_fails_after_the_timeout) {
  ClientRunOptions options;
  options.command = {SSM_BIN_DIR "/mutant_client", "{stream_url}", "{token}",
                     "short-message-makes-deaf"};
  options.filter = "WIRE-020/1-byte";
  options.timeout = std::chrono::seconds(2);
  const auto results = run_client_cases(options);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].outcome.verdict, Verdict::fail);
  EXPECT_THAT(results[0].outcome.seen, HasSubstr("waited 2 s for it"));
}

TEST(ClientRun, reports_each_case_as_it_ends) {
  ClientRunOptions options;
  options.command = {SSM_BIN_DIR "/mutant_client", "{stream_url}", "{token}"};
  options.filter = "WIRE-016";
  std::vector<std::string> reported;
  const auto results =
      run_client_cases(options, [&](const CaseResult& result) { reported.push_back(result.id); });
  EXPECT_THAT(reported, testing::ElementsAre("WIRE-016/zero-header-length", "WIRE-016/blank-type",
                                             "WIRE-016/nul-type"));
  EXPECT_EQ(results.size(), 3U);
}

}  // namespace
}  // namespace ssm::conformance
