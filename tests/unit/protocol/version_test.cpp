#include "ssm/protocol/version.hpp"

#include <gtest/gtest.h>

namespace ssm::protocol {
namespace {

constexpr auto less = std::strong_ordering::less;
constexpr auto equal = std::strong_ordering::equal;
constexpr auto greater = std::strong_ordering::greater;

TEST(Version, client_compares_numbers_from_the_left) {
  EXPECT_EQ(compare_as_client("3.1.1511.0", "3.0.196.0"), greater);
  EXPECT_EQ(compare_as_client("3.0.196.0", "3.0.196.0"), equal);
  EXPECT_EQ(compare_as_client("3.0.9.0", "3.0.196.0"), less);
}

//= HS-033
TEST(Version, client_cannot_compare_other_counts_empty_texts_and_words) {
  EXPECT_EQ(compare_as_client("3.1.1511", "3.0.196.0"), std::nullopt);
  EXPECT_EQ(compare_as_client("3.1.1511.0.0", "3.0.196.0"), std::nullopt);
  EXPECT_EQ(compare_as_client("", "3.0.196.0"), std::nullopt);
  EXPECT_EQ(compare_as_client("abc", "3.0.196.0"), std::nullopt);
  EXPECT_EQ(compare_as_client("3.0.x.0", "3.0.196.0"), std::nullopt);
  EXPECT_EQ(compare_as_client("99999999999999999999.0.0.0", "3.0.196.0"), std::nullopt);
}

TEST(Version, client_looks_no_further_than_the_first_difference) {
  EXPECT_EQ(compare_as_client("4.x.0.0", "3.0.196.0"), greater);
}

TEST(Version, agent_takes_the_longer_version_for_the_greater_one) {
  EXPECT_EQ(compare_as_agent("1.2.295.0", "1.2.295"), greater);
  EXPECT_EQ(compare_as_agent("1.2.295", "1.2.295"), equal);
  EXPECT_EQ(compare_as_agent("1.2.219.0", "1.2.295"), less);
}

//= HS-034
TEST(Version, agent_takes_an_empty_version_for_the_least) {
  EXPECT_EQ(compare_as_agent("", "1.1.70"), less);
}

TEST(Version, agent_compares_words_as_text) {
  EXPECT_EQ(compare_as_agent("abc", "1.1.70"), greater);
  EXPECT_EQ(compare_as_agent("1.x", "1.1.70"), greater);
  EXPECT_EQ(compare_as_agent("-", "1.1.70"), less);
}

TEST(Version, agent_goes_by_semver_when_both_have_three_parts) {
  EXPECT_EQ(compare_as_agent("1.2.295-beta", "1.2.295"), less);
  EXPECT_EQ(compare_as_agent("1.2.295-beta.2", "1.2.295-beta.10"), less);
  EXPECT_EQ(compare_as_agent("1.2.295-beta.1", "1.2.295-beta"), greater);
  EXPECT_EQ(compare_as_agent("1.2.295+build", "1.2.295"), equal);
  EXPECT_EQ(compare_as_agent("1.10.0", "1.9.99"), greater);
}

//= PORT-002
//= PORT-003
TEST(Version, client_gates_open_above_the_named_agent_version) {
  EXPECT_FALSE(client_gate::agent_knows_terminate_flag("2.3.722.0"));
  EXPECT_TRUE(client_gate::agent_knows_terminate_flag("2.3.750.0"));
  EXPECT_FALSE(client_gate::agent_multiplexes("3.0.196.0"));
  EXPECT_TRUE(client_gate::agent_multiplexes("3.0.197.0"));
  EXPECT_FALSE(client_gate::keep_alive_is_off("3.1.1511.0"));
  EXPECT_TRUE(client_gate::keep_alive_is_off("3.1.1512.0"));
}

TEST(Version, client_gates_stay_shut_for_versions_that_cannot_be_compared) {
  for (const char* version : {"", "abc", "3.3", "9.9.9.9.9"}) {
    EXPECT_FALSE(client_gate::agent_knows_terminate_flag(version)) << version;
    EXPECT_FALSE(client_gate::agent_multiplexes(version)) << version;
    EXPECT_FALSE(client_gate::keep_alive_is_off(version)) << version;
  }
}

//= HS-031
TEST(Version, agent_gates_decide_on_the_client_version) {
  EXPECT_TRUE(agent_gate::client_mixes_output("1.2.219"));
  EXPECT_TRUE(agent_gate::client_mixes_output("1.2.295"));
  EXPECT_FALSE(agent_gate::client_mixes_output("1.2.295.0"));
  EXPECT_TRUE(agent_gate::client_mixes_output(""));
  EXPECT_FALSE(agent_gate::client_multiplexes("1.1.61.0"));
  EXPECT_TRUE(agent_gate::client_multiplexes("1.1.70"));
  EXPECT_TRUE(agent_gate::client_multiplexes("1.2.0.0"));
  EXPECT_FALSE(agent_gate::keep_alive_is_off("1.2.331.0"));
  EXPECT_TRUE(agent_gate::keep_alive_is_off("1.2.331.1"));
  EXPECT_FALSE(agent_gate::keep_alive_is_off("1.2.0.0"));
}

}  // namespace
}  // namespace ssm::protocol
