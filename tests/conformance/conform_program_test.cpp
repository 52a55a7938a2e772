#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace {

using testing::HasSubstr;

constexpr const char* program = SSM_BIN_DIR "/ssmsim";
const std::string mutant = SSM_BIN_DIR "/mutant_client {stream_url} {token}";

struct ProgramRun {
  int status = 0;
  std::string output;  ///< both streams
};

ProgramRun run(const std::string& arguments) {
  const std::string command = std::string(program) + " conform " + arguments + " 2>&1";
  ProgramRun result;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << "cannot run " << command;
    return result;
  }
  std::array<char, 4096> buffer{};
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    result.output.append(buffer.data(), size);
  }
  result.status = WEXITSTATUS(::pclose(pipe));
  return result;
}

TEST(ConformClient, our_own_client_passes_at_the_strictest_level) {
  const ProgramRun result = run(std::string("client --level may -- ") + program +
                                " connect shell --endpoint {endpoint} --target {target}");
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr(" 0 failed, 2 not applicable\n")) << result.output;
}

TEST(ConformClient, our_own_client_passes_when_it_attaches_to_the_prepared_session) {
  const ProgramRun result =
      run(std::string("client --filter WIRE-001 -- ") + program +
          " connect shell --stream-url {stream_url} --session-id {session_id} --token {token}");
  EXPECT_EQ(result.status, 0) << result.output;
}

TEST(ConformClient, finds_a_mutant_and_says_how_to_see_it_again) {
  const ProgramRun result = run("client --filter WIRE-010 -- " + mutant + " digest-not-checked");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("FAIL  WIRE-010/digest-bit"));
  EXPECT_THAT(result.output, HasSubstr("--filter WIRE-010/digest-bit -- " SSM_BIN_DIR));
}

TEST(ConformClient, excuses_should_on_request) {
  const std::string command = " --filter WIRE-023 -- " + mutant + " flags-on-all-input";
  EXPECT_EQ(run("client" + command).status, 1);
  EXPECT_EQ(run("client --level must" + command).status, 0);
}

TEST(ConformClient, a_client_that_cannot_start_is_infrastructure) {
  const ProgramRun result = run("client --filter WIRE-001 -- /nonexistent/client");
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.output, HasSubstr("/nonexistent/client"));
}

TEST(ConformClient, refuses_what_cannot_be_meant) {
  EXPECT_EQ(run("client").status, 2);
  EXPECT_EQ(run("client --jsn -- /bin/true").status, 2);
  EXPECT_EQ(run("client --filter").status, 2);
  EXPECT_EQ(run("client --filter NOPE -- /bin/true").status, 2);
  EXPECT_EQ(run("client --level shall -- /bin/true").status, 2);
  EXPECT_EQ(run("client --timeout 0 -- /bin/true").status, 2);
  EXPECT_EQ(run("explain NOPE-001").status, 2);
}

TEST(ConformClient, hands_the_words_behind_the_dashes_to_the_client_as_they_are) {
  const ProgramRun result =
      run("client --filter WIRE-001 -- /bin/sh -c 'for a; do printf \"<%s>\" \"$a\"; done' sh "
          "--json --list '{\"a\":1}' '[\"22\"]' '[a,b]' '' -- list client");
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.output,
              HasSubstr("<--json><--list><{\"a\":1}><[\"22\"]><[a,b]><><--><list><client>"));
}

TEST(ConformClient, json_is_the_only_output) {
  const ProgramRun result = run("client --json --filter WIRE-001 -- " + mutant);
  EXPECT_EQ(result.status, 0);
  const auto report = boost::json::parse(result.output).as_object();
  EXPECT_EQ(report.at("totals").at("passed").to_number<int>(), 1);
}

TEST(ConformClient, writes_a_junit_file) {
  const auto file =
      std::filesystem::path(testing::TempDir()) / ("junit." + std::to_string(::getpid()) + ".xml");
  const ProgramRun result =
      run("client --filter WIRE-001 --junit " + file.string() + " -- " + mutant);
  EXPECT_EQ(result.status, 0);
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("<testsuite name=\"ssmsim conform client\" tests=\"1\""));
  std::filesystem::remove(file);
}

TEST(ConformList, shows_requirements_and_cases) {
  EXPECT_THAT(run("list").output, HasSubstr("WIRE-026"));
  EXPECT_THAT(run("client --list --filter 'WIRE-020*'").output, HasSubstr("WIRE-020/40-bytes"));
  const auto all = boost::json::parse(run("list --json --filter WIRE-010").output).as_array();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].at("cases").as_array().size(), 2U);
}

TEST(ConformExplain, shows_rule_evidence_and_cases) {
  const ProgramRun result = run("explain WIRE-010");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.output, HasSubstr("WIRE-010 (must, client)"));
  EXPECT_THAT(result.output, HasSubstr("session-manager-plugin 1.2.677.0"));
  EXPECT_THAT(result.output, HasSubstr("WIRE-010/digest-bit"));
}

}  // namespace
