#include "ssm/service/document_parser.hpp"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <string>
#include <string_view>

#include "service_fixture.hpp"

namespace ssm::service {
namespace {

using test::parse;
using test::text;

[[nodiscard]] SessionDocument parsed(std::string_view json) {
  auto document = parse_session_document("Doc", json);
  EXPECT_TRUE(document) << document.error().message;
  return document ? std::move(*document) : SessionDocument{};
}

void expect_refused(std::string_view json, std::string_view code, std::string_view message) {
  const auto document = parse_session_document("Doc", json);
  ASSERT_FALSE(document) << json;
  EXPECT_EQ(document.error().code, code);
  EXPECT_EQ(document.error().message, message);
}

void expect_invalid(std::string_view json, std::string_view message) {
  expect_refused(json, "InvalidDocumentContent", message);
}

[[nodiscard]] std::string with_parameter(std::string_view definition) {
  return R"({"schemaVersion":"1.0","sessionType":"Port","properties":{},"parameters":{"p":)" +
         std::string(definition) + "}}";
}

[[nodiscard]] std::string with_inputs(std::string_view members) {
  return R"({"schemaVersion":"1.0","sessionType":"Standard_Stream","inputs":{)" +
         std::string(members) + "}}";
}

TEST(DocumentParser, keeps_what_the_service_needs) {
  const SessionDocument document = parsed(R"({
    "schemaVersion": "1.0", "description": "d", "sessionType": "NonInteractiveCommands",
    "inputs": {"maxSessionDuration": "90", "idleSessionTimeout": 5},
    "parameters": {
      "a": {"type": "String", "default": "", "allowedValues": ["", "x"]},
      "b": {"type": "StringList", "allowedPattern": "^[a-c]+$"}
    },
    "properties": {"linux": {"commands": "{{ a }}"}}
  })");
  EXPECT_EQ(document.name, "Doc");
  EXPECT_EQ(document.document_type, "Session");
  EXPECT_EQ(document.session_type, "NonInteractiveCommands");
  EXPECT_EQ(document.max_session_duration, "90");
  ASSERT_EQ(document.parameters.size(), 2U);
  EXPECT_EQ(document.parameters[0].type, ParameterType::string);
  EXPECT_TRUE(document.parameters[0].has_default);
  EXPECT_EQ(document.parameters[0].allowed_values, (std::vector<std::string>{"", "x"}));
  EXPECT_EQ(document.parameters[1].type, ParameterType::string_list);
  EXPECT_FALSE(document.parameters[1].has_default);
  EXPECT_TRUE(document.parameters[1].matches_pattern("abc"));
  EXPECT_FALSE(document.parameters[1].matches_pattern("abcd"));
}

//= CTL-012
TEST(DocumentParser, the_agent_gets_references_and_unknown_members_as_they_are) {
  constexpr std::string_view json =
      R"({"schemaVersion":"1.0","sessionType":"Port","later":[1,2,null],)"
      R"("properties":{"portNumber":"{{ portNumber }}"}})";
  EXPECT_EQ(parsed(json).content, json);
}

//= CTL-013
TEST(DocumentParser, cloudwatch_streaming_becomes_a_boolean) {
  EXPECT_EQ(parsed(with_inputs(R"("cloudWatchStreamingEnabled":"true")")).content,
            with_inputs(R"("cloudWatchStreamingEnabled":true)"));
  EXPECT_EQ(parsed(with_inputs(R"("runAsEnabled":"true")")).content,
            with_inputs(R"("runAsEnabled":"true")"));
}

//= DOC-008
TEST(DocumentParser, refuses_other_schema_versions) {
  expect_refused(R"({"schemaVersion":"2.2","sessionType":"Port"})", "InvalidDocumentSchemaVersion",
                 R"(schemaVersion: session documents have the version "1.0", got "2.2".)");
  expect_refused("{}", "InvalidDocumentSchemaVersion",
                 R"(schemaVersion: session documents have the version "1.0", but it is missing.)");
}

//= DOC-008
TEST(DocumentParser, refuses_what_is_no_json_object) {
  expect_invalid("{", "The content is not valid JSON: incomplete JSON.");
  expect_invalid("[]", "The content must be a JSON object, got [].");
  expect_invalid(std::string(40, '[') + std::string(40, ']'),
                 "The content is not valid JSON: too deep.");
}

TEST(DocumentParser, refuses_members_that_would_make_an_agent_drop_the_task) {
  expect_invalid(R"({"schemaVersion":"1.0","sessionType":"Shell"})",
                 "sessionType: expected Standard_Stream, InteractiveCommands, "
                 "NonInteractiveCommands or Port, got \"Shell\".");
  expect_invalid(R"({"schemaVersion":"1.0","sessionType":"Port"})",
                 "properties: expected an object, because the sessionType is Port, but it is "
                 "missing.");
  expect_invalid(R"({"schemaVersion":"1.0","sessionType":"Standard_Stream"})",
                 "inputs: expected an object, because the sessionType is Standard_Stream, but it "
                 "is missing.");
  expect_invalid(with_inputs(R"("kmsKeyId":7)"), "inputs.kmsKeyId: expected text, got 7.");
  expect_invalid(with_inputs(R"("runAsEnabled":"yes")"),
                 R"(inputs.runAsEnabled: expected true or false, got "yes".)");
  expect_invalid(with_inputs(R"("shellProfile":{"linux":1})"),
                 "inputs.shellProfile.linux: expected text, got 1.");
  expect_invalid(
      with_inputs(R"("maxSessionDuration":"1441")"),
      R"(inputs.maxSessionDuration: expected minutes from 1 to 1440 as text, got "1441".)");
  expect_invalid(with_inputs(R"("idleSessionTimeout":"0")"),
                 R"(inputs.idleSessionTimeout: expected minutes from 1 to 60 as text, got "0".)");
}

TEST(DocumentParser, refuses_parameters_that_no_agent_finds) {
  expect_invalid(with_parameter("7"), "parameters.p: expected an object, got 7.");
  expect_invalid(with_parameter("{}"),
                 "parameters.p.type: expected String or StringList, but it is missing.");
  expect_invalid(with_parameter(R"({"type":"Integer"})"),
                 R"(parameters.p.type: expected String or StringList, got "Integer".)");
  expect_invalid(with_parameter(R"({"type":"String","default":80})"),
                 "parameters.p.default: expected text, because the type is String, got 80.");
  expect_invalid(with_parameter(R"({"type":"StringList","default":"x"})"),
                 R"(parameters.p.default: expected a list of texts, got "x".)");
  expect_invalid(
      R"({"schemaVersion":"1.0","sessionType":"Port","properties":{},)"
      R"("parameters":{"a-b":{"type":"String"}}})",
      R"(parameters.a-b: expected a name of letters and digits, got {"type":"String"}.)");
}

TEST(DocumentParser, refuses_patterns_that_re2_does_not_have) {
  expect_invalid(with_parameter(R"j({"type":"String","allowedPattern":"(?=a)"})j"),
                 "parameters.p.allowedPattern: expected a regular expression of RE2's syntax "
                 "(invalid perl operator: (?=), got \"(?=a)\".");
  expect_invalid(with_parameter(R"({"type":"String","allowedPattern":"[a"})"),
                 "parameters.p.allowedPattern: expected a regular expression of RE2's syntax "
                 "(missing ]: [a), got \"[a\".");
}

TEST(DocumentParser, takes_a_pattern_of_the_user_guide) {
  const SessionDocument document =
      parsed(with_parameter(R"({"type":"String","allowedPattern":"^[a-zA-Z0-9-_/]+(.log)$"})"));
  EXPECT_TRUE(document.parameters[0].matches_pattern("/var/log/agent-1_x.log"));
  EXPECT_FALSE(document.parameters[0].matches_pattern("/var/log/agent.log; reboot"));
}

TEST(DocumentParser, hostile_patterns_cost_no_more_than_the_value_is_long) {
  const std::string value(65535, 'a');
  for (const std::string_view pattern :
       {"^(a+)+$", "(a|a)*b", "(x+x+)+y", "^(((a*)*)*)*b$", "((a{1,30}){1,30}b|a)+c"}) {
    const auto document = parse_session_document(
        "Doc",
        with_parameter(R"({"type":"String","allowedPattern":")" + std::string(pattern) + "\"}"));
    if (document) {
      EXPECT_EQ(document->parameters[0].matches_pattern(value), pattern == "^(a+)+$") << pattern;
    }
  }
  const std::string deep = std::string(500, '(') + "a" + std::string(500, ')');
  EXPECT_TRUE(parse_session_document(
      "Doc", with_parameter(R"({"type":"String","allowedPattern":")" + deep + "\"}")));
}

TEST(DocumentParser, refuses_content_of_more_than_64_kib) {
  expect_refused(std::string(max_document_bytes + 1, ' '), "MaxDocumentSizeExceeded",
                 "The document has 65537 bytes; the most is 65536.");
}

//= DOC-001
TEST(AwsDocuments, each_is_one_that_agents_read) {
  const DocumentStore documents;
  const std::vector<std::pair<std::string_view, std::string_view>> types = {
      {"SSM-SessionManagerRunShell", "Standard_Stream"},
      {"AWS-StartSSHSession", "Port"},
      {"AWS-StartPortForwardingSession", "Port"},
      {"AWS-StartPortForwardingSessionToRemoteHost", "Port"},
      {"AWS-StartPortForwardingSessionToSocket", "Port"},
      {"AWS-StartInteractiveCommand", "InteractiveCommands"},
      {"AWS-StartNonInteractiveCommand", "NonInteractiveCommands"},
      {"AWS-PasswordReset", "InteractiveCommands"},
      {"AmazonECS-ExecuteInteractiveCommand", "InteractiveCommands"},
  };
  EXPECT_EQ(aws_documents().size(), types.size());
  for (const auto& [name, type] : types) {
    ASSERT_NE(documents.find(name), nullptr) << name;
    EXPECT_EQ(documents.find(name)->session_type, type) << name;
  }
}

//= DOC-002
TEST(AwsDocuments, an_ssh_session_has_no_type_and_port_22) {
  const DocumentStore documents;
  const auto document = parse(documents.find("AWS-StartSSHSession")->content);
  EXPECT_EQ(document.at("properties").as_object().size(), 1U);
  EXPECT_EQ(text(document.at("parameters").as_object().at("portNumber").as_object(), "default"),
            "22");
}

//= DOC-003
//= DOC-004
TEST(AwsDocuments, port_forwarding_is_of_the_local_type) {
  const DocumentStore documents;
  const auto forward = parse(documents.find("AWS-StartPortForwardingSession")->content);
  EXPECT_EQ(boost::json::serialize(forward.at("properties")),
            R"({"portNumber":"{{ portNumber }}","type":"LocalPortForwarding",)"
            R"("localPortNumber":"{{ localPortNumber }}"})");
  const auto remote = parse(documents.find("AWS-StartPortForwardingSessionToRemoteHost")->content);
  EXPECT_EQ(text(remote.at("properties").as_object(), "host"), "{{ host }}");
}

//= DOC-003
TEST(AwsDocuments, port_patterns_end_at_65535) {
  const DocumentStore documents;
  const SessionDocument& document = *documents.find("AWS-StartPortForwardingSession");
  ASSERT_EQ(document.parameters.size(), 2U);
  for (int port = -1; port <= 65537; ++port) {
    const std::string value = std::to_string(port);
    EXPECT_EQ(document.parameters[0].matches_pattern(value), port >= 1 && port <= 65535) << port;
    EXPECT_EQ(document.parameters[1].matches_pattern(value), port >= 0 && port <= 65535) << port;
  }
  for (const std::string_view value : {"", "080", "+80", "80 ", "80\n", "1e3", "0x50", "٣"}) {
    EXPECT_FALSE(document.parameters[0].matches_pattern(value)) << value;
  }
}

TEST(AwsDocuments, a_remote_host_is_a_name_or_an_address) {
  const DocumentStore documents;
  const SessionDocument& document = *documents.find("AWS-StartPortForwardingSessionToRemoteHost");
  const DocumentParameter& host = document.parameters.back();
  for (const std::string_view value : {"db", "db.example.com", "10.0.0.1", "::1", "fe80::1%eth0"}) {
    EXPECT_TRUE(host.matches_pattern(value)) << value;
  }
  for (const std::string_view value : {"", "a b", "$(reboot)", "a;b", "a|b", "a\nb", "'a'"}) {
    EXPECT_FALSE(host.matches_pattern(value)) << value;
  }
}

class DocumentRequests : public test::ServiceTest {};

//= SVC-014
//= DOC-003
TEST_F(DocumentRequests, a_port_that_breaks_the_pattern_starts_no_session) {
  const auto response = call("StartSession", R"({"Target":"i-123456789",)"
                                             R"("DocumentName":"AWS-StartPortForwardingSession",)"
                                             R"("Parameters":{"portNumber":["65536"]}})");
  EXPECT_EQ(response.status, 400U);
  const auto body = parse(response.body);
  EXPECT_EQ(text(body, "__type"), "InvalidParameters");
  EXPECT_EQ(text(body, "Message"),
            "Parameter \"portNumber\" value \"65536\" does not match the allowed pattern "
            "^([1-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|"
            "6553[0-5])$");
  EXPECT_TRUE(events.log.empty());
}

//= SVC-014
TEST_F(DocumentRequests, a_command_is_required) {
  expect_error(call("StartSession",
                    R"({"Target":"i-123456789","DocumentName":"AWS-StartInteractiveCommand"})"),
               400,
               R"({"__type":"InvalidParameters","Message":"Parameter \"command\" is required by )"
               R"(document AWS-StartInteractiveCommand."})");
}

TEST_F(DocumentRequests, the_session_keeps_the_callers_values_without_defaults) {
  const std::string id =
      start(R"({"Target":"i-123456789","DocumentName":"AWS-StartPortForwardingSession",)"
            R"("Parameters":{"portNumber":["22"]}})");
  ASSERT_NE(state.sessions.find(id), nullptr);
  const Session& session = *state.sessions.find(id);
  EXPECT_EQ(session.parameters, (SessionParameters{{"portNumber", {"22"}}}));
  EXPECT_EQ(make_session_task(session, *state.documents.find(session.document_name)).parameters,
            R"({"portNumber":"22"})");
}

}  // namespace
}  // namespace ssm::service
