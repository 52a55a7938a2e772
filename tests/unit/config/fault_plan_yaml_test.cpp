#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "ssm/config/document.hpp"
#include "ssm/config/fault_plan.hpp"
#include "ssm/protocol/random.hpp"

namespace ssm::config {
namespace {

using namespace std::chrono_literals;
using fault::Driver;
using fault::Side;
using protocol::Duration;
using protocol::Random;
using testing::HasSubstr;

TEST(FaultPlanYaml, writes_one_line_for_each_part_of_a_rule) {
  const fault::Plan plan{
      .seed = 7,
      .rules = {{"drop 1",
                 {.direction = fault::Direction::agent_to_client,
                  .message_type = protocol::MessageType::output_stream_data,
                  .sequence = fault::Range{17, 17},
                  .copy = 1},
                 fault::Drop{}},
                {"half open", {.at = 90s}, fault::Stall{.side = Side::agent, .duration = 1h}}}};
  EXPECT_EQ(to_yaml(plan, "seed 7 of a run\n\nssmsim simulate"),
            "# seed 7 of a run\n"
            "#\n"
            "# ssmsim simulate\n"
            "seed: 7\n"
            "rules:\n"
            "  - name: \"drop 1\"\n"
            "    match: {direction: agent_to_client, message_type: output_stream_data, sequence: "
            "17, copy: 1}\n"
            "    action: {drop: {}}\n"
            "  - name: \"half open\"\n"
            "    match: {at: 90s}\n"
            "    action: {stall: {side: agent, duration: 1h}}\n");
}

TEST(FaultPlanYaml, writes_a_plan_without_rules) {
  EXPECT_EQ(to_yaml({}), "rules: []\n");
}

/// Plans that a file can hold, of every kind.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  fault::Plan plan() {
    fault::Plan plan{.seed = random_.next()};
    const std::size_t count = random_.below(12);
    for (std::size_t i = 0; i < count; ++i) {
      const fault::Action one = action();
      const bool timed = !fault::is_message_action(one) && chance();
      plan.rules.push_back({text() + std::to_string(i), timed ? timed_match() : match(), one});
    }
    return plan;
  }

 private:
  bool chance() { return random_.below(2) == 0; }
  std::uint32_t count() { return 1 + static_cast<std::uint32_t>(random_.below(100)); }
  Side side() { return chance() ? Side::client : Side::agent; }

  /// Without control characters, but with all that YAML gives a meaning.
  std::string text() {
    constexpr std::string_view characters = "ab \"\\'#:,{}[]*&!%@`-?|>~\xC3\xA9";
    std::string result = "n";
    for (std::uint64_t i = random_.below(8); i > 0; --i) {
      const char next = characters[random_.below(characters.size() - 2)];
      result += next;
    }
    return result + (chance() ? "\xC3\xA9" : "");
  }

  /// Any order of magnitude, 1 ns to ten days.
  Duration duration() {
    constexpr Duration units[] = {1ns, 1us, 1ms, 1s, 1min, 1h};
    return units[random_.below(6)] * static_cast<Duration::rep>(count()) +
           (random_.below(4) == 0 ? Duration(random_.below(1'000'000'000)) : Duration(0));
  }
  std::optional<Duration> maybe_duration() {
    return chance() ? std::optional(duration()) : std::nullopt;
  }
  fault::Delay delay() {
    const Duration min = std::min<Duration>(duration(), 23h);
    return {min, chance() ? min : std::min<Duration>(min + duration(), 24h)};
  }
  fault::Range range() {
    const auto first = static_cast<std::int64_t>(random_.below(1000));
    switch (random_.below(3)) {
      case 0:
        return {first, first};
      case 1:
        return {first, std::numeric_limits<std::int64_t>::max()};
      default:
        return {first, first + count()};
    }
  }
  double probability() { return static_cast<double>(random_.next() >> 11U) * 0x1.0p-53; }

  fault::Match timed_match() {
    fault::Match match{.at = chance() ? duration() : Duration(0)};
    if (chance()) {
      match.session = text() + '\n';
    }
    if (chance()) {
      match.probability = probability();
    }
    return match;
  }

  fault::Match match() {
    fault::Match match;
    if (chance()) {
      match.direction = static_cast<fault::Direction>(random_.below(2));
    }
    switch (random_.below(4)) {
      case 0:
        match.message_type = static_cast<protocol::MessageType>(random_.below(12));
        break;
      case 1:
        match.sequence = range();
        break;
      case 2:
        match.acknowledged = range();
        break;
      default:
        match.message_type = protocol::MessageType::acknowledge;
        match.acknowledged = range();
    }
    if (chance()) {
      match.payload_type = static_cast<protocol::PayloadType>(random_.below(20));
    }
    if (chance()) {
      match.session = text();
    }
    if (chance()) {
      match.connection = count();
    }
    if (chance()) {
      match.copy = random_.next() | 1U;
    }
    if (chance()) {
      match.nth = random_.next() | 1U;
    }
    if (chance()) {
      match.every = count();
    }
    if (chance()) {
      match.probability = probability();
    }
    return match;
  }

  fault::Action action() {
    switch (random_.below(fault::action_names.size())) {
      case 0:
        return fault::Drop{};
      case 1:
        return fault::Duplicate{count(), chance() ? std::optional(delay()) : std::nullopt};
      case 2:
        return delay();
      case 3:
        return fault::Close{side(), chance() ? std::optional(fault::Close::Frame{
                                                   1000, chance() ? text() + "\t\x7F" : ""})
                                             : std::nullopt};
      case 4:
        return fault::Stall{side(), static_cast<fault::StallDirection>(random_.below(3)),
                            maybe_duration()};
      case 5:
        return fault::Partition{side(), maybe_duration()};
      case 6:
        return fault::ApiError{static_cast<fault::Operation>(random_.below(4)),
                               chance() ? std::optional(side()) : std::nullopt,
                               static_cast<std::uint16_t>(400 + random_.below(200)),
                               "Throttling_1.Exception",
                               maybe_duration(),
                               chance() ? std::optional(count()) : std::nullopt};
      case 7:
        return fault::Pause{side(), maybe_duration()};
      case 8:
        return fault::Crash{side()};
      default:
        return fault::Restart{side(), chance() ? duration() : Duration(0)};
    }
  }

  Random random_;
};

TEST(FaultPlanYaml, reading_what_was_written_gives_the_same_plan) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const fault::Plan plan = Maker(seed).plan();
    const std::string text = to_yaml(plan, "a comment");
    const auto read = parse_fault_plan(text, "plan.yaml", Driver::simulate);
    ASSERT_TRUE(read) << "seed " << seed << ": " << read.error().to_string() << '\n' << text;
    ASSERT_EQ(*read, plan) << "seed " << seed << '\n' << text;
  }
}

TEST(FaultPlanYaml, holds_as_many_rules_as_a_file_may) {
  fault::Plan plan;
  for (std::int64_t i = 0; i < 5000; ++i) {
    plan.rules.push_back({"decision " + std::to_string(i),
                          {.direction = fault::Direction::agent_to_client,
                           .message_type = protocol::MessageType::output_stream_data,
                           .sequence = fault::Range{i, i},
                           .copy = 1},
                          fault::Delay{123456789ns, 123456789ns}});
  }
  const std::string text = to_yaml(plan);
  EXPECT_LE(text.size(), max_document_bytes);
  const auto read = parse_fault_plan(text, "plan.yaml", Driver::serve);
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(*read, plan);
}

class SavedPlan : public testing::Test {
 protected:
  SavedPlan() {
    std::string name = (std::filesystem::temp_directory_path() / "ssm-plan-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) {
      directory_ = name;
    }
  }
  ~SavedPlan() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
};

TEST_F(SavedPlan, is_what_was_saved) {
  const fault::Plan plan = Maker(1).plan();
  const std::string path = (directory_ / "plan.yaml").string();
  ASSERT_TRUE(save_fault_plan({}, path));
  ASSERT_TRUE(save_fault_plan(plan, path, "the second"));
  EXPECT_EQ(load_fault_plan(path, Driver::simulate).value(), plan);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(SavedPlan, names_the_file_that_cannot_be_written) {
  const auto saved = save_fault_plan({}, (directory_ / "none" / "plan.yaml").string());
  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().to_string(),
              HasSubstr("none/plan.yaml: expected a file that can be written, seen No such file"));
}

}  // namespace
}  // namespace ssm::config
