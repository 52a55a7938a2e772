#include "ssm/client/plugin_arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

namespace ssm::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* response =
    R"({"SessionId":"s-1","TokenValue":"t-1","StreamUrl":"ws://host/x"})";

std::optional<std::string> no_variable(const std::string& name) {
  ADD_FAILURE() << "asked for " << name;
  return std::nullopt;
}

std::variant<PluginArguments, PluginReply> parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "session-manager-plugin");
  return parse_plugin_arguments(arguments, no_variable);
}

PluginReply reply_to(std::vector<std::string> arguments) {
  auto parsed = parse(std::move(arguments));
  if (auto* reply = std::get_if<PluginReply>(&parsed)) {
    return std::move(*reply);
  }
  ADD_FAILURE() << "a session, not a reply";
  return {};
}

TEST(PluginArguments, replies_without_a_session_are_those_of_the_plugin) {
  struct Case {
    std::vector<std::string> arguments;
    std::string text;
    int status;
  };
  const Case cases[] = {
      {{},
       "\nThe Session Manager plugin was installed successfully. Use the AWS CLI to start a "
       "session.\n\n",
       0},
      {{"--version"}, plugin_version() + "\n", 0},
      {{"--help"},
       "\nUnknown operation --help. \nUse session-manager-plugin --version to check the "
       "version.\n\n",
       0},
      {{"a", "b"},
       "\nUnknown operation a. \nUse session-manager-plugin --version to check the version.\n\n",
       0},
      {{response, "us-east-1", "ResumeSession"}, "Invalid Operation", 0},
  };
  for (const Case& test : cases) {
    const PluginReply reply = reply_to(test.arguments);
    EXPECT_EQ(reply.text, test.text);
    EXPECT_EQ(reply.status, test.status);
  }
}

TEST(PluginArguments, version_makes_clis_use_the_environment_form) {
  // awscli/customizations/sessionmanager.py: the pattern, and greater than 1.2.497.0 by components.
  const std::string version = plugin_version();
  ASSERT_TRUE(std::regex_match(version, std::regex(R"(\d+(\.\d+){0,3})"))) << version;
  int major = 0;
  int minor = 0;
  int patch = 0;
  ASSERT_EQ(std::sscanf(version.c_str(), "%d.%d.%d", &major, &minor, &patch), 3);
  EXPECT_GT(std::tuple(major, minor, patch), std::tuple(1, 2, 497));
}

TEST(PluginArguments, full_form_is_taken_apart) {
  const auto parsed = parse({response, "eu-west-1", "StartSession", "work",
                             R"({"Target":"i-1","DocumentName":"D"})", "http://127.0.0.1:1"});
  const auto& arguments = std::get<PluginArguments>(parsed);
  EXPECT_EQ(arguments.session.session_id, "s-1");
  EXPECT_EQ(arguments.session.token, "t-1");
  EXPECT_EQ(arguments.session.stream_url, "ws://host/x");
  EXPECT_EQ(arguments.region, "eu-west-1");
  EXPECT_EQ(arguments.profile, "work");
  EXPECT_EQ(arguments.target, "i-1");
  EXPECT_EQ(arguments.endpoint, "http://127.0.0.1:1");
  EXPECT_FALSE(arguments.cli_upgrade_needed);
}

TEST(PluginArguments, legacy_form_has_no_endpoint_and_asks_for_a_newer_cli) {
  const auto parsed = parse({response, "eu-west-1", "StartSession"});
  const auto& arguments = std::get<PluginArguments>(parsed);
  EXPECT_EQ(arguments.endpoint, "");
  EXPECT_TRUE(arguments.cli_upgrade_needed);
}

TEST(PluginArguments, response_is_taken_from_the_variable_that_is_named) {
  std::string asked;
  const std::vector<std::string> arguments = {"plugin", "AWS_SSM_START_SESSION_RESPONSE_7",
                                              "us-east-1", "StartSession"};
  const auto parsed = parse_plugin_arguments(arguments, [&](const std::string& name) {
    asked = name;
    return std::optional<std::string>(response);
  });
  EXPECT_EQ(asked, "AWS_SSM_START_SESSION_RESPONSE_7");
  EXPECT_EQ(std::get<PluginArguments>(parsed).session.session_id, "s-1");
}

TEST(PluginArguments, named_variable_that_is_not_set_is_an_error) {
  const std::vector<std::string> arguments = {"plugin", "AWS_SSM_START_SESSION_RESPONSE",
                                              "us-east-1", "StartSession"};
  const auto parsed =
      parse_plugin_arguments(arguments, [](const std::string&) { return std::nullopt; });
  const auto& reply = std::get<PluginReply>(parsed);
  EXPECT_EQ(reply.status, 1);
  EXPECT_THAT(reply.text, AllOf(StartsWith("Cannot perform start session: "),
                                HasSubstr("AWS_SSM_START_SESSION_RESPONSE is not set")));
}

TEST(PluginArguments, letter_case_of_the_response_does_not_matter) {
  const auto parsed =
      parse({R"({"sessionId":"s","tokenValue":"t","STREAMURL":"u"})", "us-east-1", "StartSession"});
  const auto& session = std::get<PluginArguments>(parsed).session;
  EXPECT_EQ(session.session_id + session.token + session.stream_url, "stu");
}

TEST(PluginArguments, exact_spelling_wins_over_another_one) {
  const auto parsed = parse({R"({"sessionid":"other","SessionId":"s","TokenValue":"t",)"
                             R"("StreamUrl":"u","ResponseMetadata":{"RetryAttempts":0}})",
                             "us-east-1", "StartSession"});
  EXPECT_EQ(std::get<PluginArguments>(parsed).session.session_id, "s");
}

TEST(PluginArguments, responses_that_cannot_be_used_are_explained_with_status_1) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "not a JSON object"},
      {"[]", "not a JSON object"},
      {"", "not a JSON object"},
      {R"({"TokenValue":"t","StreamUrl":"u"})", "lacks the text member SessionId"},
      {R"({"SessionId":"s","StreamUrl":"u"})", "lacks the text member TokenValue"},
      {R"({"SessionId":"s","TokenValue":"t"})", "lacks the text member StreamUrl"},
      {R"({"SessionId":"s","TokenValue":null,"StreamUrl":"u"})",
       "lacks the text member TokenValue"},
      {R"({"SessionId":1,"TokenValue":"t","StreamUrl":"u"})", "lacks the text member SessionId"},
      {R"({"SessionId":"","TokenValue":"t","StreamUrl":"u"})", "lacks the text member SessionId"},
  };
  for (const auto& [text, expected] : cases) {
    const PluginReply reply = reply_to({text, "us-east-1", "StartSession"});
    EXPECT_EQ(reply.status, 1) << text;
    EXPECT_THAT(reply.text,
                AllOf(StartsWith("Cannot perform start session: "), HasSubstr(expected)))
        << text;
  }
}

TEST(PluginArguments, request_parameters_that_are_no_json_do_no_harm) {
  for (const char* request : {"", "x", "[]", R"({"Target":1})"}) {
    const auto parsed = parse({response, "us-east-1", "StartSession", "", request, "http://h"});
    EXPECT_EQ(std::get<PluginArguments>(parsed).target, "") << request;
  }
}

}  // namespace
}  // namespace ssm::client
