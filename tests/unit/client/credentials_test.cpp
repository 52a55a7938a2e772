#include "ssm/client/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace ssm::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() : home_(make_home()) {
    std::filesystem::create_directory(home_ + "/.aws");
    variables["HOME"] = home_;
  }
  ~CredentialsTest() override { std::filesystem::remove_all(home_); }

  void write(const std::string& name, std::string_view text) {
    std::ofstream(home_ + "/.aws/" + name) << text;
  }
  CredentialsResult find(std::string_view profile = {}) {
    return find_credentials(profile, environment());
  }
  Environment environment() {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables.find(std::string(name));
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
  }

  std::map<std::string, std::string> variables;

 private:
  static std::string make_home() {
    std::string pattern = ::testing::TempDir() + "ssm_home_XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    return pattern;
  }
  std::string home_;
};

TEST_F(CredentialsTest, come_from_the_environment) {
  variables["AWS_ACCESS_KEY_ID"] = "AKIA1";
  variables["AWS_SECRET_ACCESS_KEY"] = "secret1";
  variables["AWS_SESSION_TOKEN"] = "token1";
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->access_key_id, "AKIA1");
  EXPECT_EQ(found->secret_access_key, "secret1");
  EXPECT_EQ(found->session_token, "token1");
}

TEST_F(CredentialsTest, of_a_named_profile_win_over_the_environment) {
  variables["AWS_ACCESS_KEY_ID"] = "AKIA1";
  variables["AWS_SECRET_ACCESS_KEY"] = "secret1";
  write("credentials",
        "[default]\naws_access_key_id = A\naws_secret_access_key = B\n"
        "# comment\n[work]\n aws_session_token = nested\naws_access_key_id=AKIA2\n"
        "aws_secret_access_key = se=cret2 \n");
  const auto found = find("work");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->access_key_id, "AKIA2");
  EXPECT_EQ(found->secret_access_key, "se=cret2");
  EXPECT_EQ(found->session_token, "");
}

TEST_F(CredentialsTest, are_those_of_aws_profile_without_keys_in_the_environment) {
  variables["AWS_PROFILE"] = "work";
  write("config", "[profile work]\naws_access_key_id = AKIA3\naws_secret_access_key = s\n");
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->access_key_id, "AKIA3");
}

TEST_F(CredentialsTest, are_read_from_the_files_that_variables_name) {
  write("elsewhere", "[default]\naws_access_key_id = AKIA4\naws_secret_access_key = s\n");
  variables["AWS_SHARED_CREDENTIALS_FILE"] = variables["HOME"] + "/.aws/elsewhere";
  const auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->access_key_id, "AKIA4");
}

TEST_F(CredentialsTest, of_single_sign_on_are_refused_with_the_way_out) {
  write("config", "[profile sso]\nsso_session = corp\n");
  const auto found = find("sso");
  ASSERT_FALSE(found);
  EXPECT_THAT(
      found.error().reason,
      AllOf(HasSubstr("sso_session"), HasSubstr("aws configure export-credentials --profile sso")));
}

TEST_F(CredentialsTest, that_are_nowhere_are_refused_with_what_was_looked_at) {
  const auto found = find();
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().reason,
              AllOf(HasSubstr("AWS_ACCESS_KEY_ID"), HasSubstr("'default'"),
                    HasSubstr("/.aws/credentials"), HasSubstr("/.aws/config")));
}

TEST_F(CredentialsTest, without_the_secret_name_what_is_missing) {
  write("credentials", "[default]\naws_access_key_id = AKIA5\n");
  const auto found = find();
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().reason, HasSubstr("aws_secret_access_key"));
}

TEST_F(CredentialsTest, endpoint_and_region_follow_the_order_of_the_sdks) {
  EXPECT_EQ(resolve_endpoint("", environment()), "http://127.0.0.1:4580");
  EXPECT_EQ(resolve_region("", environment()), "us-east-1");
  variables["AWS_ENDPOINT_URL"] = "http://all";
  variables["AWS_DEFAULT_REGION"] = "eu-north-1";
  EXPECT_EQ(resolve_endpoint("", environment()), "http://all");
  EXPECT_EQ(resolve_region("", environment()), "eu-north-1");
  variables["AWS_ENDPOINT_URL_SSM"] = "http://ssm";
  variables["AWS_REGION"] = "eu-west-1";
  EXPECT_EQ(resolve_endpoint("", environment()), "http://ssm");
  EXPECT_EQ(resolve_region("", environment()), "eu-west-1");
  EXPECT_EQ(resolve_endpoint("http://option", environment()), "http://option");
  EXPECT_EQ(resolve_region("us-gov-east-1", environment()), "us-gov-east-1");
}

}  // namespace
}  // namespace ssm::client
