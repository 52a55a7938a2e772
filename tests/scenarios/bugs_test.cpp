#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "ssm/config/scenario.hpp"
#include "ssm/scenarios/bugs.hpp"

namespace ssm {
namespace {

using testing::IsEmpty;
using testing::Not;

/// Every public bug that the program carries. Each has to show with the versions that have it, and
/// not to show with ours.
class Bug : public testing::TestWithParam<scenarios::Embedded> {
 protected:
  [[nodiscard]] static sim::Scenario scenario() {
    return config::parse_scenario(GetParam().text, std::string(GetParam().name) + ".yaml").value();
  }
  [[nodiscard]] static sim::CaseResult run(const sim::Case& which) {
    sim::Observer nobody;
    return sim::run_case(scenario(), which, nobody);
  }
};

TEST_P(Bug, has_the_name_of_its_file_and_all_that_a_reader_needs) {
  const sim::Scenario bug = scenario();
  EXPECT_EQ(bug.name, GetParam().name);
  EXPECT_THAT(bug.title, Not(IsEmpty()));
  EXPECT_THAT(bug.references, Not(IsEmpty()));
  EXPECT_THAT(bug.description, Not(IsEmpty()));
  ASSERT_TRUE(bug.affected);
  EXPECT_NE(bug.affected->client + bug.affected->agent, "strictstrict");
}

TEST_P(Bug, shows_with_the_affected_profiles) {
  EXPECT_THAT(run(*scenario().affected).differences, IsEmpty());
}

TEST_P(Bug, does_not_show_with_strict) {
  EXPECT_THAT(run(scenario().strict).differences, IsEmpty());
}

TEST_P(Bug, does_not_show_with_strict_at_both_ends) {
  const sim::CaseResult result = run({.expect = {.observed = "no violation"}});
  EXPECT_THAT(result.differences, IsEmpty());
}

// The judge can fail: what one profile does is not what the other is said to do.

TEST_P(Bug, is_reported_as_gone_when_the_affected_version_behaves_like_strict) {
  sim::Case fixed = *scenario().affected;
  fixed.client = scenario().strict.client;
  fixed.agent = scenario().strict.agent;
  EXPECT_THAT(run(fixed).differences, Not(IsEmpty()));
}

TEST_P(Bug, is_reported_when_strict_behaves_like_the_affected_version) {
  sim::Case broken = scenario().strict;
  broken.client = scenario().affected->client;
  broken.agent = scenario().affected->agent;
  EXPECT_THAT(run(broken).differences, Not(IsEmpty()));
}

INSTANTIATE_TEST_SUITE_P(Museum, Bug,
                         testing::ValuesIn(scenarios::bugs().begin(), scenarios::bugs().end()),
                         [](const auto& bug) {
                           std::string name(bug.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(FindBug, takes_the_name_with_and_without_its_folder) {
  EXPECT_EQ(scenarios::find_bug("BUG-001"), scenarios::find_bug("bugs/BUG-001"));
  ASSERT_NE(scenarios::find_bug("BUG-001"), nullptr);
  EXPECT_EQ(scenarios::find_bug("BUG-001")->name, "BUG-001");
  EXPECT_EQ(scenarios::find_bug("BUG-999"), nullptr);
}

}  // namespace
}  // namespace ssm
