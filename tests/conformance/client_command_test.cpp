#include "client_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ssm::conformance {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

const SessionForClient session{.endpoint = "http://127.0.0.1:4",
                               .stream_url = "ws://127.0.0.1:4/x",
                               .token = "{target}",
                               .session_id = "test-1",
                               .target = "i-1",
                               .region = "us-east-1"};

TEST(ClientCommand, replaces_placeholders_wherever_they_stand) {
  EXPECT_THAT(expand({"client", "--url={stream_url}", "{session_id}{region}"}, session),
              ElementsAre("client", "--url=ws://127.0.0.1:4/x", "test-1us-east-1"));
}

TEST(ClientCommand, leaves_other_braces_alone) {
  EXPECT_THAT(expand({R"({"Target":"{target}"})", "{nothing}", "{", ""}, session),
              ElementsAre(R"({"Target":"i-1"})", "{nothing}", "{", ""));
}

TEST(ClientCommand, does_not_replace_inside_of_values) {
  EXPECT_THAT(expand({"{token}"}, session), ElementsAre("{target}"));
}

TEST(ClientEnvironment, names_the_session_and_the_endpoint) {
  const auto entries = client_environment({"HOME=/h"}, session);
  EXPECT_THAT(entries, Contains("HOME=/h"));
  EXPECT_THAT(entries, Contains("SSMSIM_ENDPOINT=http://127.0.0.1:4"));
  EXPECT_THAT(entries, Contains("SSMSIM_TOKEN_VALUE={target}"));
  EXPECT_THAT(entries, Contains("AWS_ENDPOINT_URL=http://127.0.0.1:4"));
  EXPECT_THAT(entries, Contains("TERM=xterm"));
}

TEST(ClientEnvironment, keeps_the_accounts_of_the_caller_out) {
  const auto entries = client_environment(
      {"AWS_PROFILE=production", "AWS_ACCESS_KEY_ID=REAL", "SSMSIM_TOKEN=old", "TERM=screen"},
      session);
  EXPECT_THAT(entries, Not(Contains("AWS_PROFILE=production")));
  EXPECT_THAT(entries, Not(Contains("AWS_ACCESS_KEY_ID=REAL")));
  EXPECT_THAT(entries, Not(Contains("SSMSIM_TOKEN=old")));
  EXPECT_THAT(entries, Contains("AWS_ACCESS_KEY_ID=test"));
  EXPECT_THAT(entries, Contains("TERM=screen"));
}

TEST(ClientEnvironment, keeps_loopback_away_from_proxies) {
  const auto entries = client_environment({"no_proxy=example", "http_proxy=http://p"}, session);
  EXPECT_THAT(entries, Contains("no_proxy=127.0.0.1,localhost"));
  EXPECT_THAT(entries, Not(Contains("no_proxy=example")));
}

}  // namespace
}  // namespace ssm::conformance
