#include "ssm/service/secret.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "service_fixture.hpp"
#include "ssm/service/secret_fmt.hpp"
#include "ssm/service/secure_random.hpp"

namespace ssm::service {
namespace {

TEST(Secret, prints_as_stars_on_a_stream) {
  std::ostringstream out;
  out << Secret("hunter2");
  EXPECT_EQ(out.str(), "***");
}

TEST(Secret, prints_as_stars_through_fmt) {
  EXPECT_EQ(fmt::format("token={}", Secret("hunter2")), "token=***");
}

TEST(Secret, equals_only_the_same_text) {
  const Secret secret("hunter2");
  EXPECT_TRUE(secret.equals("hunter2"));
  EXPECT_FALSE(secret.equals("hunter3"));
  EXPECT_FALSE(secret.equals("hunter"));
  EXPECT_FALSE(secret.equals(""));
}

TEST(Secret, leaves_nothing_behind_when_moved) {
  Secret first("short");
  const Secret second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): the state under test
  EXPECT_EQ(second.reveal(), "short");
}

TEST(Secret, survives_assignment_to_itself) {
  Secret secret("a value that is too long for the small string buffer");
  const Secret& same = secret;
  secret = same;
  EXPECT_EQ(secret.reveal(), "a value that is too long for the small string buffer");
}

TEST(SecureRandom, tokens_have_43_url_safe_characters_and_differ) {
  const SecureRandom random = system_secure_random();
  std::set<std::string> tokens;
  for (int i = 0; i < 100; ++i) {
    const Secret token = random_token(random);
    EXPECT_EQ(token.reveal().size(), 43U);
    EXPECT_EQ(token.reveal().find_first_not_of(
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    tokens.insert(token.reveal());
  }
  EXPECT_EQ(tokens.size(), 100U);
}

TEST(SecureRandom, makes_version_4_uuids) {
  const std::string uuid = random_uuid(test::counting_random());
  ASSERT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4');
  EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
  for (const std::size_t hyphen : {8U, 13U, 18U, 23U}) {
    EXPECT_EQ(uuid[hyphen], '-');
  }
}

TEST(SecureRandom, lower_alnum_text_uses_every_digit) {
  const std::string text = random_lower_alnum(test::counting_random(), 2000);
  EXPECT_EQ(std::set<char>(text.begin(), text.end()).size(), 36U);
}

}  // namespace
}  // namespace ssm::service
