#include "ssm/conformance/requirement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "ssm/conformance/case.hpp"

namespace ssm::conformance {
namespace {

using testing::HasSubstr;

TEST(Requirements, that_are_judged_for_clients_are_those_with_cases) {
  std::set<std::string_view> with_cases;
  for (const Case& definition : client_cases()) {
    with_cases.insert(definition.requirement_id());
  }
  std::set<std::string_view> judged;
  for (const Requirement& requirement : requirements()) {
    if (contains(requirement.judged, Role::client)) {
      judged.insert(requirement.id);
    }
  }
  EXPECT_THAT(with_cases, testing::ContainerEq(judged));
}

TEST(Requirements, of_the_message_format_are_complete) {
  for (int number = 1; number <= 26; ++number) {
    std::array<char, 16> id{};
    std::snprintf(id.data(), id.size(), "WIRE-%03d", number);
    const Requirement* requirement = find_requirement(id.data());
    ASSERT_NE(requirement, nullptr) << id.data();
    EXPECT_FALSE(requirement->evidence.empty()) << id.data();
    EXPECT_EQ(contains(requirement->roles, Role::client),
              contains(requirement->judged, Role::client))
        << id.data();
  }
}

TEST(Requirements, are_not_found_by_half_a_name) {
  EXPECT_EQ(find_requirement("WIRE-01"), nullptr);
  EXPECT_EQ(find_requirement(""), nullptr);
}

TEST(Cases, have_ids_of_their_own) {
  std::set<std::string_view> ids;
  for (const Case& definition : client_cases()) {
    EXPECT_TRUE(ids.insert(definition.id).second) << definition.id;
  }
}

TEST(Filter, names_areas_requirements_and_cases) {
  const auto selected = [](std::string_view pattern) {
    return selects(pattern, "WIRE-010", "WIRE-010/digest-bit");
  };
  EXPECT_TRUE(selected(""));
  EXPECT_TRUE(selected("*"));
  EXPECT_TRUE(selected("WIRE"));
  EXPECT_TRUE(selected("wire-01*"));
  EXPECT_TRUE(selected("WIRE-010"));
  EXPECT_TRUE(selected("WIRE-010/digest-bit"));
  EXPECT_TRUE(selected("*digest*"));
  EXPECT_FALSE(selected("WIRE-01"));
  EXPECT_FALSE(selected("SEQ*"));
  EXPECT_FALSE(selected("WIRE-010/digest"));
}

// --- the generator ------------------------------------------------------------------------------

constexpr std::string_view good_entry =
    "area: WIRE\n"
    "title: Format\n"
    "requirements:\n"
    "  - id: WIRE-001\n"
    "    roles: [client]\n"
    "    level: must\n"
    "    title: Some rule.\n"
    "    evidence:\n"
    "      - {program: p, version: v, path: f}\n"
    "    basis: observed\n"
    "    judged: [client]\n";

struct Generated {
  int status = 0;
  std::string messages;
};

Generated generate(const std::string& yaml) {
  const auto folder =
      std::filesystem::path(testing::TempDir()) / ("requirements." + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "in.yaml") << yaml;
  const std::string command = SSM_BIN_DIR "/embed_requirements '" + (folder / "out.cpp").string() +
                              "' '" + (folder / "in.yaml").string() + "' 2>&1";
  Generated result;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << "cannot run " << command;
    return result;
  }
  std::array<char, 256> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
    result.messages += buffer.data();
  }
  result.status = WEXITSTATUS(::pclose(pipe));
  std::filesystem::remove_all(folder);
  return result;
}

std::string changed(std::string_view from, std::string_view to) {
  std::string yaml(good_entry);
  return yaml.replace(yaml.find(from), from.size(), to);
}

TEST(RequirementGenerator, takes_a_good_file) {
  EXPECT_EQ(generate(std::string(good_entry)).status, 0);
}

TEST(RequirementGenerator, names_the_line_of_a_mistake) {
  const struct {
    std::string yaml;
    const char* message;
  } mistakes[] = {
      {changed("level: must", "level: shall"), "in.yaml:6: expected one of must, should, may"},
      {changed("WIRE-001", "WIRE-1"), "in.yaml:4: expected an id like WIRE-001"},
      {changed("judged: [client]", "judged: [agent]"),
       "in.yaml:11: 'agent' is not among the roles"},
      {changed("basis:", "bases:"), "in.yaml:10: unknown member 'bases'"},
      {changed("title: Some rule.", "title:"), "in.yaml:7: expected 'title' with a text"},
      {changed("roles: [client]", "roles: [client"), "in.yaml:"},
      {std::string(good_entry) + std::string(good_entry).substr(good_entry.find("  - id")),
       "in.yaml:12: WIRE-001 stands here for the second time"},
  };
  for (const auto& [yaml, message] : mistakes) {
    const Generated result = generate(yaml);
    EXPECT_EQ(result.status, 1) << yaml;
    EXPECT_THAT(result.messages, HasSubstr(message));
  }
}

}  // namespace
}  // namespace ssm::conformance
