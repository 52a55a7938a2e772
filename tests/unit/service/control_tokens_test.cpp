#include "ssm/service/control_tokens.hpp"

#include <gtest/gtest.h>

#include <string>

#include "service_fixture.hpp"

namespace ssm::service {
namespace {

using namespace std::chrono_literals;

class ControlTokensTest : public ::testing::Test {
 protected:
  ControlTokens tokens{test::counting_random(), 60s};
};

TEST_F(ControlTokensTest, a_token_opens_one_channel_of_its_instance) {
  const auto token = tokens.issue("i-1", 0);
  ASSERT_TRUE(token);
  ASSERT_TRUE(tokens.issue("i-2", 0));
  EXPECT_EQ(tokens.accept("i-2", token->reveal(), 1), TokenVerdict::wrong);
  EXPECT_EQ(tokens.accept("i-3", token->reveal(), 1), TokenVerdict::wrong);
  EXPECT_EQ(tokens.accept("i-1", "x", 1), TokenVerdict::wrong);
  EXPECT_EQ(tokens.accept("i-1", token->reveal(), 1), TokenVerdict::ok);
  EXPECT_EQ(tokens.accept("i-1", token->reveal(), 1), TokenVerdict::wrong);
}

TEST_F(ControlTokensTest, a_token_expires) {
  const auto token = tokens.issue("i-1", 1000);
  EXPECT_EQ(tokens.accept("i-1", token->reveal(), 61000), TokenVerdict::expired);
}

TEST_F(ControlTokensTest, the_eight_latest_tokens_of_an_instance_count) {
  const auto first = tokens.issue("i-1", 0);
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(tokens.issue("i-1", 0));
  }
  EXPECT_EQ(tokens.accept("i-1", first->reveal(), 1), TokenVerdict::wrong);
}

TEST_F(ControlTokensTest, made_up_ids_do_not_grow_it_for_ever) {
  for (std::size_t i = 0; i < ControlTokens::max_instances; ++i) {
    ASSERT_TRUE(tokens.issue("i-" + std::to_string(i), 0));
  }
  EXPECT_FALSE(tokens.issue("i-more", 59999));
  EXPECT_TRUE(tokens.issue("i-0", 59999));
  EXPECT_TRUE(tokens.issue("i-more", 60000));
}

}  // namespace
}  // namespace ssm::service
