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

TEST_P(Bug, shows_with_the_affected_profiles_and_not_with_strict) {
  const sim::Scenario bug = scenario();
  const sim::CaseResult affected = run(*bug.affected);
  EXPECT_THAT(affected.differences, IsEmpty());
  const sim::CaseResult strict = run(bug.strict);
  EXPECT_THAT(strict.differences, IsEmpty());
  // The judge can fail: what one does is not what the other is said to do.
  EXPECT_THAT(sim::differences(bug.affected->expect, strict), Not(IsEmpty()));
  EXPECT_THAT(sim::differences(bug.strict.expect, affected), Not(IsEmpty()));
}

TEST_P(Bug, does_not_show_with_strict_at_both_ends) {
  if (scenario().strict.client == scenario().strict.agent) {
    return;  // the other test does that
  }
  const sim::CaseResult result = run({.expect = {.observed = "no violation"}});
  EXPECT_THAT(result.differences, IsEmpty());
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

/// BUG-007 for each pair of versions: which end sends keep-alive, and expects it, is decided on the
/// other end's version.
struct KeepAlivePair {
  const char* client;
  const char* agent;
  bool lives;
};

class IdleTunnel : public testing::TestWithParam<KeepAlivePair> {};

TEST_P(IdleTunnel, lives_if_both_ends_agree_on_keepalive_or_the_client_is_strict) {
  sim::Scenario bug =
      config::parse_scenario(scenarios::find_bug("BUG-007")->text, "BUG-007.yaml").value();
  sim::Observer nobody;
  const sim::CaseResult result =
      sim::run_case(bug, {.client = GetParam().client, .agent = GetParam().agent}, nobody);
  EXPECT_EQ(result.measures.at("connections_served"), GetParam().lives ? 2 : 1) << result.run.text;
}

INSTANTIATE_TEST_SUITE_P(Versions, IdleTunnel,
                         testing::Values(KeepAlivePair{"plugin-1.2.677", "agent-3.3", true},
                                         KeepAlivePair{"plugin-1.2.677", "agent-3.1.1511", false},
                                         KeepAlivePair{"plugin-source", "agent-3.3", false},
                                         KeepAlivePair{"plugin-source", "agent-3.1.1511", true},
                                         // Without multiplexing there is nothing to keep alive.
                                         KeepAlivePair{"plugin-source", "agent-3.0", true},
                                         KeepAlivePair{"plugin-1.2.677", "agent-3.0", true},
                                         KeepAlivePair{"plugin-1.1.61", "agent-3.3", true},
                                         KeepAlivePair{"strict", "agent-3.1.1511", true},
                                         KeepAlivePair{"strict", "strict", true}),
                         [](const auto& pair) {
                           std::string name =
                               std::string(pair.param.client) + "_" + pair.param.agent;
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

}  // namespace
}  // namespace ssm
