#include "ssm/agent/session_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "ssm/protocol/profile.hpp"

namespace ssm::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

protocol::SessionTask task(std::string document, std::string parameters = "null") {
  return {.document_name = "d",
          .document_content = std::move(document),
          .session_id = "s-1",
          .parameters = std::move(parameters),
          .run_as_user = {},
          .session_owner = {}};
}

std::string document(const std::string& type, const std::string& rest = "") {
  return R"({"schemaVersion":"1.0","sessionType":")" + type + "\"" + rest + "}";
}

auto plan(const protocol::SessionTask& session_task, std::string_view profile = "strict") {
  return make_session_plan(session_task, *protocol::find_agent_profile(profile));
}

SessionPlan good(const protocol::SessionTask& session_task) {
  auto made = plan(session_task);
  EXPECT_TRUE(made) << made.error().text;
  return made ? *made : SessionPlan{};
}

TaskRefusal refusal(const protocol::SessionTask& session_task,
                    std::string_view profile = "strict") {
  const auto made = plan(session_task, profile);
  EXPECT_FALSE(made);
  return made ? TaskRefusal{} : made.error();
}

std::string port_with(const std::string& properties) {
  return document("Port", R"(,"properties":)" + properties);
}

std::string command_with(const std::string& linux,
                         const std::string& type = "InteractiveCommands") {
  return document(type, R"(,"properties":{"linux":)" + linux + "}");
}

PortPlan port_plan(const protocol::SessionTask& session_task) {
  return std::get<PortPlan>(good(session_task).work);
}

// --- reading ------------------------------------------------------------------------------------

TEST(SessionPlan, is_a_shell_with_the_preferences_of_the_document) {
  const SessionPlan made =
      good(task(document("Standard_Stream",
                         R"(,"inputs":{"kmsKeyId":"k","runAsEnabled":"true","runAsDefaultUser":"u",
      "shellProfile":{"linux":"cd /tmp","windows":"dir"},"idleSessionTimeout":20})")));
  EXPECT_EQ(made.session_id, "s-1");
  EXPECT_EQ(made.description.session_type, "Standard_Stream");
  EXPECT_EQ(made.description.kms_key_id, "k");
  EXPECT_TRUE(made.run_as_enabled);
  EXPECT_EQ(made.run_as_user, "u");
  EXPECT_EQ(std::get<ShellPlan>(made.work).profile, "cd /tmp");
}

TEST(SessionPlan, prefers_the_principals_user_to_the_documents) {
  protocol::SessionTask session_task =
      task(document("Standard_Stream", R"(,"inputs":{"runAsDefaultUser":"u"})"));
  session_task.run_as_user = "principal";
  EXPECT_EQ(good(session_task).run_as_user, "principal");
}

TEST(SessionPlan, matches_member_names_whatever_their_letter_case) {
  EXPECT_EQ(good(task(R"({"SCHEMAVERSION":"1.0","SessionType":"Standard_Stream"})"))
                .description.session_type,
            "Standard_Stream");
}

TEST(SessionPlan, takes_port_properties_and_tells_the_client_all_of_them) {
  const auto session_task = task(
      port_with(R"({"portNumber":"80","host":"db","type":"LocalPortForwarding","other":"kept"})"));
  const PortPlan made = port_plan(session_task);
  EXPECT_EQ(made.port, "80");
  EXPECT_EQ(made.host, "db");
  EXPECT_EQ(made.type, "LocalPortForwarding");
  EXPECT_EQ(good(session_task).description.properties,
            R"({"portNumber":"80","host":"db","type":"LocalPortForwarding","other":"kept"})");
}

TEST(SessionPlan, takes_a_command_of_this_platform) {
  const SessionPlan made = good(task(command_with(
      R"({"commands":"ls -l","runAsElevated":true,"separateOutputStream":"true",
      "stdOutSeparatorPrefix":"O:","stdErrSeparatorPrefix":"E:"})",
      "NonInteractiveCommands")));
  const auto& command = std::get<CommandPlan>(made.work);
  EXPECT_FALSE(command.interactive);
  EXPECT_EQ(command.commands, "ls -l");
  EXPECT_TRUE(command.elevated);
  EXPECT_TRUE(made.description.separate_output);
  EXPECT_EQ(command.stdout_prefix, "O:");
  EXPECT_EQ(command.stderr_prefix, "E:");
}

// --- parameters ---------------------------------------------------------------------------------

TEST(SessionPlanParameters, replace_references_with_the_callers_values) {
  EXPECT_EQ(port_plan(task(port_with(R"({"portNumber":"{{ port }}","host":"{{host}}"})"),
                           R"({"port":"22","host":"h"})"))
                .port,
            "22");
}

TEST(SessionPlanParameters, have_the_documents_defaults) {
  const std::string text =
      document("Port", R"(,"parameters":{"portNumber":{"type":"String","default":"22"}},
                          "properties":{"portNumber":"{{ portNumber }}"})");
  EXPECT_EQ(port_plan(task(text)).port, "22");
  EXPECT_EQ(port_plan(task(text, R"({"portNumber":"23"})")).port, "23");
}

TEST(SessionPlanParameters, go_into_longer_texts_once_and_with_their_dollars_expanded) {
  const std::string linux = R"({"commands":"a {{ x }} {{y}} {{ z }}"})";
  const auto made =
      good(task(command_with(linux), R"({"x":"{{y}} $$5 $0 ${gone}$HOME $","y":"Y"})"));
  EXPECT_EQ(std::get<CommandPlan>(made.work).commands, "a {{y}} $5 {{ x }}  $ Y {{ z }}");
}

TEST(SessionPlanParameters, keep_dollars_where_the_value_is_the_whole_text) {
  const auto made = good(task(command_with(R"({"commands":"{{c}}"})"), R"({"c":"echo $HOME $$"})"));
  EXPECT_EQ(std::get<CommandPlan>(made.work).commands, "echo $HOME $$");
}

TEST(SessionPlanParameters, that_are_lists_break_fields_that_are_texts) {
  const SessionPlan made = good(task(port_with(R"({"portNumber":"{{ p }}"})"), R"({"p":["22"]})"));
  EXPECT_THAT(std::get<UnusablePlan>(made.work).text,
              "Unable to remarshal session properties. json: cannot unmarshal array into Go struct "
              "field PortParameters.portNumber of type string");
}

TEST(SessionPlanParameters, go_into_longer_texts_as_json_if_they_are_lists) {
  const auto made = good(task(command_with(R"({"commands":"a {{c}}"})"), R"({"c":["x","y"]})"));
  EXPECT_EQ(std::get<CommandPlan>(made.work).commands, R"(a ["x","y"])");
}

TEST(SessionPlanParameters, with_other_names_than_letters_and_digits_are_ignored) {
  const SessionPlan made = good(task(port_with(R"({"portNumber":"{{ a-b }}"})"), R"({"a-b":"1"})"));
  EXPECT_EQ(std::get<PortPlan>(made.work).port, "{{ a-b }}");
}

TEST(SessionPlanParameters, from_the_parameter_store_are_refused) {
  const TaskRefusal refused = refusal(task(port_with(R"({"portNumber":"{{ ssm:port }}"})")));
  EXPECT_FALSE(refused.unreadable);
  EXPECT_EQ(refused.text, "there is no Parameter Store to look up {{ ssm:port }}");
}

TEST(SessionPlanParameters, are_replaced_in_the_preferences_too) {
  const SessionPlan made = good(
      task(document("Standard_Stream", R"(,"inputs":{"shellProfile":{"linux":"cd {{ where }}"}})"),
           R"({"where":"/"})"));
  EXPECT_EQ(std::get<ShellPlan>(made.work).profile, "cd /");
}

// --- refusals -----------------------------------------------------------------------------------

TEST(SessionPlanRefusal, is_silent_for_a_document_that_cannot_be_decoded) {
  for (const std::string& text :
       {std::string("{"), std::string("[]"), std::string("null"), std::string("\"x\""),
        std::string(R"({"schemaVersion":1.0,"sessionType":"Standard_Stream"})"),
        document("Standard_Stream", R"(,"inputs":[])"),
        document("Standard_Stream", R"(,"inputs":{"runAsEnabled":"maybe"})"),
        document("Standard_Stream", R"(,"inputs":{"cloudWatchStreamingEnabled":"true"})"),
        document("Standard_Stream", R"(,"inputs":{"kmsKeyId":7})"),
        document("Standard_Stream", R"(,"parameters":7)")}) {
    EXPECT_TRUE(refusal(task(text)).unreadable) << text;
  }
  EXPECT_TRUE(refusal(task(document("Standard_Stream"), "[")).unreadable);
  EXPECT_TRUE(refusal(task(document("Standard_Stream"), "[]")).unreadable);
}

TEST(SessionPlanRefusal, is_silent_for_another_schema_version) {
  const TaskRefusal refused =
      refusal(task(R"({"schemaVersion":"2.2","sessionType":"Standard_Stream"})"));
  EXPECT_TRUE(refused.unreadable);
  EXPECT_THAT(refused.text, StartsWith("Document with schema version 2.2 is not supported"));
}

TEST(SessionPlanRefusal, names_an_unknown_session_type) {
  const TaskRefusal refused = refusal(task(document("Nope")));
  EXPECT_FALSE(refused.unreadable);
  EXPECT_EQ(refused.text,
            "Plugin with name Nope is not supported by this version of ssm agent, please update to "
            "latest version. Step name: Nope");
}

TEST(SessionPlanRefusal, comes_from_an_agent_that_is_older_than_the_session_type) {
  const auto session_task = task(command_with(R"({"commands":"x"})", "NonInteractiveCommands"));
  EXPECT_THAT(refusal(session_task, "agent-3.0").text,
              StartsWith("Plugin with name NonInteractiveCommands"));
  EXPECT_TRUE(plan(session_task, "agent-3.1.1511"));
}

TEST(SessionPlanRefusal, has_the_agents_text_for_blank_commands) {
  EXPECT_EQ(refusal(task(command_with(R"({"commands":" \n"})"))).text,
            "Commands cannot be empty for session type InteractiveCommands");
  EXPECT_EQ(refusal(task(document("NonInteractiveCommands"))).text,
            "Commands cannot be empty for session type NonInteractiveCommands");
}

TEST(SessionPlanRefusal, shows_command_properties_that_cannot_be_decoded) {
  EXPECT_EQ(refusal(task(command_with(R"({"commands":7})"))).text,
            "Invalid format in session properties map[linux:map[commands:7]];\n"
            "error json: cannot unmarshal number into Go struct field ShellConfig.commands of type "
            "string");
}

TEST(SessionPlanRefusal, names_a_bad_prefix) {
  EXPECT_THAT(refusal(task(command_with(R"({"commands":"x","stdErrSeparatorPrefix":"STD@OUT:"})",
                                        "NonInteractiveCommands")))
                  .text,
              HasSubstr("stdErrSeparatorPrefix is invalid"));
}

TEST(SessionPlanRefusal, of_port_properties_waits_until_the_client_was_told_of_them) {
  EXPECT_EQ(std::get<UnusablePlan>(good(task(port_with(R"({"portNumber":22})"))).work).text,
            "Unable to remarshal session properties. json: cannot unmarshal number into Go struct "
            "field PortParameters.portNumber of type string");
  EXPECT_EQ(
      std::get<UnusablePlan>(good(task(port_with(R"({"portNumber":"","type":"t"})"))).work).text,
      "Port number is empty in session properties. map[portNumber: type:t]");
}

TEST(SessionPlan, of_an_agent_without_remote_hosts_ignores_the_host) {
  const auto session_task = task(port_with(R"({"portNumber":"1","host":"h"})"));
  EXPECT_EQ(std::get<PortPlan>(plan(session_task, "agent-3.0")->work).host, "");
  EXPECT_EQ(std::get<PortPlan>(plan(session_task, "agent-3.3")->work).host, "h");
}

// --- words --------------------------------------------------------------------------------------

TEST(SplitCommand, splits_at_white_space_outside_of_quotes) {
  EXPECT_THAT(*split_command("echo  'a b' \"c \\\" d\" e\\ f g'h'i \"\" # rest\nnext"),
              ElementsAre("echo", "a b", "c \" d", "e f", "ghi", "", "next"));
  EXPECT_THAT(*split_command(" \n"), IsEmpty());
}

TEST(SplitCommand, expands_nothing) {
  EXPECT_THAT(*split_command("echo $HOME *"), ElementsAre("echo", "$HOME", "*"));
}

TEST(SplitCommand, says_what_is_not_closed) {
  EXPECT_EQ(split_command("a 'b").error(), "EOF found when expecting closing quote");
  EXPECT_EQ(split_command("a \\").error(), "EOF found after escape character");
}

}  // namespace
}  // namespace ssm::agent
