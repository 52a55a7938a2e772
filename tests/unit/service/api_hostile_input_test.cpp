// Input that no correct client sends: every answer is a clear error and nothing else happens.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "service_fixture.hpp"

namespace ssm::service {
namespace {

using test::parse;
using test::ServiceTest;
using test::text;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HostileInput : public ServiceTest {
 protected:
  void expect_validation(std::string_view operation, std::string_view body,
                         const std::string& message) {
    expect_error(call(operation, body), 400,
                 R"({"__type":"ValidationException","message":")" + message + "\"}");
  }
  void expect_serialization(std::string_view operation, std::string_view body,
                            const std::string& message) {
    expect_error(call(operation, body), 400,
                 R"({"__type":"SerializationException","message":")" + message + "\"}");
  }
};

//= SVC-004
TEST_F(HostileInput, bodies_that_are_no_json_object_are_serialization_errors) {
  expect_serialization("StartSession", "", "The request body is not valid JSON: incomplete JSON");
  expect_serialization("StartSession", R"({"Target":)",
                       "The request body is not valid JSON: incomplete JSON");
  expect_serialization("StartSession", "{} trailing",
                       "The request body is not valid JSON: extra data");
  expect_serialization("StartSession", "{\"Target\":\"\xFF\"}",
                       "The request body is not valid JSON: syntax error");
  expect_serialization("StartSession", R"({"Target":"\ud800"})",
                       "The request body is not valid JSON: syntax error");
  for (const std::string_view body : {"[]", "null", "\"x\"", "7", "true"}) {
    expect_serialization("StartSession", body, "The request body must be a JSON object.");
  }
}

//= SVC-004
TEST_F(HostileInput, deeply_nested_json_is_refused) {
  const std::string body =
      R"({"Target":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  expect_serialization("StartSession", body, "The request body is not valid JSON: too deep");
}

TEST_F(HostileInput, an_oversized_body_is_refused_before_anything_else) {
  const std::string body(SsmApi::max_body_bytes + 1, ' ');
  expect_error(router.handle(unsigned_request("StartSession", body), now_ms), 413,
               R"({"__type":"RequestEntityTooLargeException","message":"The request body has )"
               R"(262145 bytes; this service takes at most 262144."})");
}

//= SVC-004
TEST_F(HostileInput, members_of_the_wrong_type_are_named) {
  expect_serialization("StartSession", R"({"Target":7})",
                       "NUMBER_VALUE can not be converted to a String (at 'target')");
  expect_serialization("StartSession", R"({"Target":true})",
                       "TRUE_VALUE can not be converted to a String (at 'target')");
  expect_serialization("StartSession", R"({"Target":[]})",
                       "Start of list found where not expected. (at 'target')");
  expect_serialization("StartSession", R"({"Target":{}})",
                       "Start of structure or map found where not expected. (at 'target')");
  expect_serialization("StartSession", R"({"Target":"i-1","Parameters":["x"]})",
                       "Expected map or null (at 'parameters')");
  expect_serialization("StartSession", R"({"Target":"i-1","Parameters":{"a":"b"}})",
                       "Expected list or null (at 'parameters.a')");
  expect_serialization(
      "StartSession", R"({"Target":"i-1","Parameters":{"A":["b",3]}})",
      "NUMBER_VALUE can not be converted to a String (at 'parameters.A.2.member')");
  expect_serialization("DescribeSessions", R"({"State":"Active","MaxResults":"9"})",
                       "STRING_VALUE can not be converted to an Integer (at 'maxResults')");
  expect_serialization("DescribeSessions", R"({"State":"Active","MaxResults":1.5})",
                       "NUMBER_VALUE can not be converted to an Integer (at 'maxResults')");
  expect_serialization("DescribeSessions", R"({"State":"Active","Filters":{}})",
                       "Expected list or null (at 'filters')");
  expect_serialization("DescribeSessions", R"({"State":"Active","Filters":["x"]})",
                       "Expected a structure (at 'filters.1.member')");
}

//= SVC-005
TEST_F(HostileInput, missing_members_are_validation_errors) {
  const std::string missing =
      "1 validation error detected: Value null at '%' failed to satisfy constraint: Member must "
      "not be null";
  const auto at = [&missing](std::string_view member) {
    std::string message = missing;
    return message.replace(message.find('%'), 1, member);
  };
  expect_validation("StartSession", "{}", at("target"));
  expect_validation("StartSession", R"({"Target":null})", at("target"));
  expect_validation("StartSession", R"({"target":"i-123456789"})", at("target"));
  expect_validation("ResumeSession", "{}", at("sessionId"));
  expect_validation("TerminateSession", "{}", at("sessionId"));
  expect_validation("GetConnectionStatus", "{}", at("target"));
  expect_validation("DescribeSessions", "{}", at("state"));
  expect_validation("DescribeSessions", R"({"State":"Active","Filters":[{"key":"Owner"}]})",
                    at("filters.1.member.value"));
}

//= SVC-005
TEST_F(HostileInput, lengths_are_checked_in_characters) {
  expect_validation("StartSession", R"({"Target":""})",
                    "1 validation error detected: Value '' at 'target' failed to satisfy "
                    "constraint: Member must have length greater than or equal to 1");
  std::string accents;
  for (int i = 0; i < 400; ++i) {
    accents += "\xC3\xA9";
  }
  expect_error(call("GetConnectionStatus", R"({"Target":")" + accents + "x\"}"), 400,
               R"({"__type":"ValidationException","message":"1 validation error detected: )"
               R"(Value ')" +
                   accents.substr(0, 512) +
                   R"(...' at 'target' failed to satisfy constraint: Member must have length )"
                   R"(less than or equal to 400"})");
  EXPECT_EQ(call("GetConnectionStatus", R"({"Target":")" + accents + "\"}").status, 200U);
  expect_validation("ResumeSession", R"({"SessionId":")" + std::string(97, 'x') + "\"}",
                    "1 validation error detected: Value '" + std::string(97, 'x') +
                        "' at 'sessionId' failed to satisfy constraint: Member must have length "
                        "less than or equal to 96");
}

//= SVC-005
TEST_F(HostileInput, patterns_and_enumerations_are_checked) {
  expect_validation("StartSession", R"({"Target":"i-123456789","DocumentName":"a b"})",
                    "1 validation error detected: Value 'a b' at 'documentName' failed to satisfy "
                    R"(constraint: Member must satisfy regular expression pattern: )"
                    R"(^[a-zA-Z0-9_\\-.:/]{3,128}$)");
  expect_validation("StartSession", R"({"Target":"i-123456789","Reason":"two\nlines"})",
                    R"(1 validation error detected: Value 'two\nlines' at 'reason' failed to )"
                    "satisfy constraint: Member must satisfy regular expression pattern: "
                    "^.{1,256}$");
  expect_validation("DescribeSessions", R"({"State":"active"})",
                    "1 validation error detected: Value 'active' at 'state' failed to satisfy "
                    "constraint: Member must satisfy enum value set: [Active, History]");
}

//= SVC-005
TEST_F(HostileInput, ranges_and_list_sizes_are_checked) {
  expect_validation("DescribeSessions", R"({"State":"Active","MaxResults":0})",
                    "1 validation error detected: Value '0' at 'maxResults' failed to satisfy "
                    "constraint: Member must have value greater than or equal to 1");
  expect_validation("DescribeSessions", R"({"State":"Active","MaxResults":201})",
                    "1 validation error detected: Value '201' at 'maxResults' failed to satisfy "
                    "constraint: Member must have value less than or equal to 200");
  expect_validation("DescribeSessions", R"({"State":"Active","MaxResults":18446744073709551615})",
                    "1 validation error detected: Value '18446744073709551615' at 'maxResults' "
                    "failed to satisfy constraint: Member must have value less than or equal to "
                    "200");
  expect_validation("DescribeInstanceInformation", R"({"MaxResults":-1E300})",
                    "1 validation error detected: Value '-1E300' at 'maxResults' failed to satisfy "
                    "constraint: Member must have value greater than or equal to 5");
  expect_validation("DescribeSessions", R"({"State":"Active","MaxResults":1e999})",
                    "1 validation error detected: Value 'Infinity' at 'maxResults' failed to "
                    "satisfy constraint: Member must have value less than or equal to 200");
  expect_validation("DescribeSessions", R"({"State":"Active","Filters":[]})",
                    "1 validation error detected: Value '[]' at 'filters' failed to satisfy "
                    "constraint: Member must have length greater than or equal to 1");
  expect_validation("DescribeSessions",
                    R"({"State":"Active","Filters":[{},{},{},{},{},{},{},{},{}]})",
                    "1 validation error detected: Value '[...]' at 'filters' failed to satisfy "
                    "constraint: Member must have length less than or equal to 6");
}

TEST_F(HostileInput, several_violations_are_listed_together) {
  expect_validation("StartSession", R"({"Target":"","DocumentName":"!"})",
                    "2 validation errors detected: Value '' at 'target' failed to satisfy "
                    "constraint: Member must have length greater than or equal to 1; Value '!' at "
                    "'documentName' failed to satisfy constraint: Member must satisfy regular "
                    R"(expression pattern: ^[a-zA-Z0-9_\\-.:/]{3,128}$)");
}

TEST_F(HostileInput, map_keys_are_checked) {
  const auto response = call("StartSession", R"({"Target":"i-123456789","Parameters":{"":["x"]}})");
  EXPECT_EQ(text(parse(response.body), "message"),
            "1 validation error detected: Value '' at 'parameters' failed to satisfy constraint: "
            "Map keys must satisfy constraint: [Member must have length less than or equal to "
            "255, Member must have length greater than or equal to 1]");
}

TEST_F(HostileInput, a_flood_of_violations_gives_a_short_answer) {
  std::string body = R"({"Target":"i-123456789","Parameters":{"a":[)";
  for (int i = 0; i < 20'000; ++i) {
    body += R"("",)";
  }
  body += R"(""]}})";
  const auto response = call("StartSession", body);
  EXPECT_THAT(text(parse(response.body), "message"), StartsWith("20 validation errors detected"));
  EXPECT_LT(response.body.size(), 4000U);
}

TEST_F(HostileInput, unknown_members_and_duplicates_do_no_harm) {
  EXPECT_EQ(
      call("GetConnectionStatus", R"({"Target":"i-x","Extra":{"a":[1,2]},"Target":"i-123456789"})")
          .body,
      R"({"Target":"i-123456789","Status":"connected"})");
}

TEST_F(HostileInput, control_characters_come_back_escaped) {
  EXPECT_EQ(call("GetConnectionStatus", R"({"Target":"a\u0000\u001f\"\\"})").body,
            R"({"Target":"a\u0000\u001f\"\\","Status":"notconnected"})");
}

TEST_F(HostileInput, operation_names_that_only_resemble_are_unknown) {
  for (const std::string_view name : {"", "startsession", "StartSession.x", "StartSession\xFF"}) {
    const auto response = call(name, "{}");
    EXPECT_EQ(response.status, 400U);
    EXPECT_EQ(text(parse(response.body), "__type"), "UnknownOperationException") << name;
  }
}

TEST_F(HostileInput, surrounding_spaces_of_the_target_header_are_no_part_of_it) {
  auto request = unsigned_request("GetConnectionStatus", R"({"Target":"i-123456789"})");
  request.headers[1].value = " AmazonSSM.GetConnectionStatus ";
  sign_request(request, *state.credentials.find("test"), {"us-east-1", "ssm", now_ms});
  EXPECT_EQ(router.handle(request, now_ms).status, 200U);
}

}  // namespace
}  // namespace ssm::service
