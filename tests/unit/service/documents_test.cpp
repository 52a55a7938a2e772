#include "ssm/service/documents.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ssm::service {
namespace {

class DocumentParameters : public ::testing::Test {
 protected:
  DocumentParameters() {
    document.name = "Ports";
    document.parameters = {
        {.name = "portNumber",
         .has_default = true,
         .allowed_values = {},
         .pattern_text = "^[0-9]+$",
         .matches_pattern =
             [](std::string_view v) {
               return !v.empty() && v.find_first_not_of("0123456789") == std::string_view::npos;
             }},
        {.name = "host",
         .has_default = false,
         .allowed_values = {"a", "b"},
         .pattern_text = {},
         .matches_pattern = {}},
    };
  }
  void expect_refused(const SessionParameters& given, std::string_view message) const {
    const auto result = check_parameters(document, given);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, "InvalidParameters");
    EXPECT_EQ(result.error().message, message);
    EXPECT_EQ(result.error().status, 400U);
  }
  SessionDocument document;
};

TEST_F(DocumentParameters, a_parameter_with_a_default_may_be_left_out) {
  EXPECT_TRUE(check_parameters(document, {{"host", {"a"}}}));
}

TEST_F(DocumentParameters, a_string_takes_exactly_one_value) {
  expect_refused({{"host", {"a", "b"}}},
                 R"(Parameter "host" is of type String and takes exactly one value, not 2.)");
  expect_refused({{"host", {}}},
                 R"(Parameter "host" is of type String and takes exactly one value, not 0.)");
  document.parameters[1].type = ParameterType::string_list;
  EXPECT_TRUE(check_parameters(document, {{"host", {"a", "b"}}}));
}

//= SVC-014
TEST_F(DocumentParameters, refuses_undeclared_missing_and_unfit_values) {
  expect_refused({{"host", {"a"}}, {"colour", {"red"}}},
                 R"(Parameter "colour" is not defined in document Ports.)");
  expect_refused({}, R"(Parameter "host" is required by document Ports.)");
  expect_refused({{"host", {"c"}}},
                 R"(Parameter "host" value "c" is not one of the allowed values [a, b].)");
  expect_refused({{"host", {"a"}}, {"portNumber", {"x"}}},
                 R"(Parameter "portNumber" value "x" does not match the allowed pattern ^[0-9]+$)");
}

TEST(DocumentStore, finds_by_name_and_by_arn) {
  const DocumentStore documents;
  ASSERT_NE(documents.find("SSM-SessionManagerRunShell"), nullptr);
  EXPECT_EQ(
      documents.find("arn:aws:ssm:us-east-1:123456789012:document/SSM-SessionManagerRunShell"),
      documents.find("SSM-SessionManagerRunShell"));
  EXPECT_EQ(documents.find("arn:aws:ssm:us-east-1::parameter/x"), nullptr);
  EXPECT_EQ(documents.find("Nope"), nullptr);
}

//= CTL-011
TEST(SessionTask, string_parameters_are_scalars_and_lists_are_lists) {
  SessionDocument document;
  document.name = "Doc";
  document.content = R"({"schemaVersion":"1.0"})";
  document.parameters.resize(3);
  document.parameters[0].name = "portNumber";
  document.parameters[1].name = "hosts";
  document.parameters[1].type = ParameterType::string_list;
  document.parameters[2].name = "absent";
  Session session;
  session.id = "test-1";
  session.owner.arn = "arn:aws:iam::123456789012:user/test";
  session.parameters = {{"portNumber", {"22"}}, {"hosts", {"a"}}};
  const protocol::SessionTask task = make_session_task(session, document);
  EXPECT_EQ(task, (protocol::SessionTask{
                      .document_name = "Doc",
                      .document_content = R"({"schemaVersion":"1.0"})",
                      .session_id = "test-1",
                      .parameters = R"({"portNumber":"22","hosts":["a"]})",
                      .run_as_user = "",
                      .session_owner = "arn:aws:iam::123456789012:user/test",
                  }));
}

}  // namespace
}  // namespace ssm::service
