// The test that google_test() writes for a run: that it is written as it always was, that it
// compiles, passes, and makes the same run.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "every_action.hpp"
#include "ssm/sim/shrink.hpp"

// As a test.
#include "generated_run.inc"

// As a function, to see its result.
#pragma push_macro("TEST")
#pragma push_macro("EXPECT_EQ")
#undef TEST
#undef EXPECT_EQ
#define TEST(suite, name) static void generated(ssm::sim::RunResult& seen)
#define EXPECT_EQ(outcome, completed) \
  seen = result;                      \
  std::ostream(nullptr)
#include "generated_run.inc"
#pragma pop_macro("EXPECT_EQ")
#pragma pop_macro("TEST")

namespace ssm::sim {
namespace {

constexpr const char* golden = SSM_SOURCE_DIR "/tests/unit/sim/generated_run.inc";

std::string generate() {
  return google_test(every_action(), "every action");
}

TEST(GoogleTest, is_written_as_it_always_was) {
  if (std::getenv("SSM_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(golden) << generate();
  }
  std::ifstream file(golden);
  const std::string expected(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(generate(), expected) << "after a wanted change run this test with SSM_UPDATE_GOLDEN=1";
}

TEST(GoogleTest, makes_the_same_run) {
  const RunResult original = run(every_action());
  RunResult seen;
  generated(seen);
  EXPECT_EQ(seen.digest, original.digest);
  EXPECT_EQ(original.outcome, Outcome::completed) << original.text;
}

TEST(GoogleTest, of_every_action_meets_most_of_them) {
  RunConfig config = every_action();
  config.log_decisions = true;
  const RunResult result = run(config);
  std::vector<std::size_t> met(std::variant_size_v<fault::Action>);
  for (const fault::Rule& one : result.decisions) {
    ++met[one.action.index()];
  }
  // Whoever crashes does not complete.
  for (std::size_t action = 0; action + 2 < met.size(); ++action) {
    EXPECT_GT(met[action], 0U) << fault::action_names[action];
  }
}

TEST(GoogleTest, writes_what_is_set_beside_the_plan) {
  RunConfig config = every_action();
  config.workload.ends_input = true;
  config.service.publication_control = false;
  config.network.open_round_trips = 3;
  const std::string text = google_test(config, "run");
  for (const char* part : {".ends_input = true", "config.service.publication_control = false;",
                           "config.network.open_round_trips = 3U;"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

TEST(GoogleTest, has_names_and_texts_of_any_kind) {
  RunConfig config = every_action();
  config.plan.rules = {{.name = "a \"b\"\n\\",
                        .match = {.probability = 1.0 / 3},
                        .action = fault::Close{Side::client, fault::Close::Frame{1000,
                                                                                 "\x01"
                                                                                 "1"}}}};
  const std::string text = google_test(config, "42: a name");
  EXPECT_EQ(text.rfind("TEST(Simulation, 42__a_name) {", 0), 0U);
  EXPECT_NE(text.find(R"(.name = "a \"b\"\012\\")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("\0011")"), std::string::npos) << text;
  EXPECT_NE(text.find("probability = 0.3333333333333333;"), std::string::npos) << text;
}

}  // namespace
}  // namespace ssm::sim
