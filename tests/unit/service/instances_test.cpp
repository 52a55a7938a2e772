#include "ssm/service/instances.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "ssm/service/documents.hpp"

namespace ssm::service {
namespace {

TEST(InstanceRegistry, replacing_an_instance_keeps_it_findable_and_in_place) {
  InstanceRegistry registry;
  registry.add({.id = "i-1"});
  registry.add({.id = "i-2"});
  ManagedInstance replacement;
  replacement.id = "i-1";
  replacement.name = "renamed";
  registry.add(std::move(replacement));
  ASSERT_EQ(registry.all().size(), 2U);
  EXPECT_EQ(registry.all().front().name, "renamed");
  ASSERT_NE(registry.find("i-1"), nullptr);
  EXPECT_EQ(registry.find("i-1")->name, "renamed");
  EXPECT_EQ(registry.find("i-2")->id, "i-2");
}

TEST(InstanceRegistry, set_online_records_the_ping) {
  InstanceRegistry registry;
  registry.add({.id = "i-1"});
  EXPECT_FALSE(registry.is_online("i-1"));
  EXPECT_TRUE(registry.set_online("i-1", true, 5));
  EXPECT_TRUE(registry.is_online("i-1"));
  EXPECT_TRUE(registry.set_online("i-1", false, 9));
  EXPECT_EQ(registry.find("i-1")->last_ping_ms, 5);
  EXPECT_EQ(registry.find("i-1")->ping_status(), "ConnectionLost");
  EXPECT_FALSE(registry.set_online("i-2", true, 5));
}

TEST(InstanceRegistry, the_defaults_are_three_instances_online) {
  const auto instances = default_instances(7);
  ASSERT_EQ(instances.size(), 3U);
  EXPECT_EQ(instances[0].id, "i-123456789");
  EXPECT_EQ(instances[1].id, "i-0123456789abcdef0");
  EXPECT_EQ(instances[2].id, "mi-0123456789abcdef0");
  for (const auto& instance : instances) {
    EXPECT_TRUE(instance.online);
    EXPECT_EQ(instance.last_ping_ms, 7);
  }
  EXPECT_EQ(instances[1].resource_type(), "EC2Instance");
  EXPECT_EQ(instances[2].resource_type(), "ManagedInstance");
}

class DocumentParameters : public ::testing::Test {
 protected:
  DocumentParameters() {
    document.name = "Ports";
    document.parameters = {
        {.name = "portNumber",
         .default_value = "80",
         .allowed_values = {},
         .pattern_text = "^[0-9]+$",
         .matches_pattern =
             [](std::string_view v) {
               return !v.empty() && v.find_first_not_of("0123456789") == std::string_view::npos;
             }},
        {.name = "host",
         .default_value = std::nullopt,
         .allowed_values = {"a", "b"},
         .pattern_text = {},
         .matches_pattern = {}},
    };
  }
  void expect_refused(SessionParameters given, std::string_view message) const {
    const auto result = resolve_parameters(document, std::move(given));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, "InvalidParameters");
    EXPECT_EQ(result.error().message, message);
    EXPECT_EQ(result.error().status, 400U);
  }
  SessionDocument document;
};

TEST_F(DocumentParameters, defaults_fill_what_the_caller_left_out) {
  const auto result = resolve_parameters(document, {{"host", {"a"}}});
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, (SessionParameters{{"host", {"a"}}, {"portNumber", {"80"}}}));
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

}  // namespace
}  // namespace ssm::service
