#include <gmock/gmock.h>

#include "program_fixture.hpp"
#include "ssm/client/plugin_arguments.hpp"

namespace ssm::client {
namespace {

using test::json_answer;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class PluginProgram : public test::ProgramTest {
 protected:
  std::vector<std::string> arguments() {
    return {program("session-manager-plugin"),
            "AWS_SSM_START_SESSION_RESPONSE",
            "us-east-1",
            "StartSession",
            "",
            R"({"Target": "i-1"})",
            service.endpoint()};
  }
  std::vector<std::string> environment(bool with_keys = true) {
    std::vector<std::string> result = {"AWS_SSM_START_SESSION_RESPONSE=" + service.start_answer()};
    if (with_keys) {
      result.insert(result.end(), {"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"});
    }
    return result;
  }
  void run_session_on_terminal(bool with_keys = true) {
    run_on_terminal(arguments(), environment(with_keys));
    ASSERT_TRUE(until_session());
    ASSERT_TRUE(until([&] { return pty.raw(); }));
  }
};

constexpr const char* started = "\r\nStarting session with SessionId: test-1\r\n";

TEST_F(PluginProgram, without_arguments_says_that_it_is_installed) {
  run({program("session-manager-plugin")});
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(output,
            "\nThe Session Manager plugin was installed successfully. Use the AWS CLI to start a "
            "session.\n\n");
  EXPECT_EQ(child->status(), 0);
}

TEST_F(PluginProgram, prints_its_version) {
  run({program("session-manager-plugin"), "--version"});
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(output, plugin_version() + "\n");
  EXPECT_EQ(child->status(), 0);
}

TEST_F(PluginProgram, refuses_a_response_without_a_member) {
  run({program("session-manager-plugin"), R"({"SessionId":"s"})", "us-east-1", "StartSession"});
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(output,
            "Cannot perform start session: the response of StartSession lacks the text member "
            "TokenValue\n");
  EXPECT_EQ(child->status(), 1);
}

TEST_F(PluginProgram, runs_a_session_on_a_terminal_and_restores_it) {
  run_session_on_terminal();
  EXPECT_EQ(service.messages[0].payload, R"({"cols":80,"rows":24})");
  ASSERT_TRUE(write_all(pty.master, "ls\r"));
  ASSERT_TRUE(until([&] { return service.input() == "ls\r"; }));
  service.send_output("file\r\n");
  service.close_channel("");
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0);
  EXPECT_TRUE(until([&] {
    return output == std::string(started) +
                         "$ file\r\n\r\n\r\nExiting session with sessionId: test-1.\r\n\r\n";
  })) << output;
  EXPECT_TRUE(pty.cooked());
}

//= SHELL-029
TEST_F(PluginProgram, ends_with_its_input) {
  run(arguments(), "exit\n", environment());
  ASSERT_TRUE(until_session());
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(service.input(), "exit\n");
  EXPECT_EQ(output,
            "\nStarting session with SessionId: test-1\n$ Cannot perform start session: EOF\n");
  EXPECT_EQ(child->status(), 0);
}

//= SHELL-008
TEST_F(PluginProgram, sends_signals_as_bytes_and_lives) {
  run_session_on_terminal();
  child->send_signal(SIGINT);
  ASSERT_TRUE(until([&] { return service.input() == "\x03"; }));
  child->send_signal(SIGTSTP);
  ASSERT_TRUE(until([&] { return service.input() == "\x03\x1a"; }));
  EXPECT_FALSE(child->ended());
}

class KilledPlugin : public PluginProgram, public ::testing::WithParamInterface<int> {};

TEST_P(KilledPlugin, dies_of_the_signal_with_the_terminal_restored) {
  run_session_on_terminal();
  child->send_signal(GetParam());
  ASSERT_TRUE(until([&] { return child->ended(); }));
  EXPECT_EQ(child->status(), -GetParam());
  EXPECT_TRUE(pty.cooked());
}

INSTANTIATE_TEST_SUITE_P(Signals, KilledPlugin, ::testing::Values(SIGTERM, SIGHUP));

//= RESUME-001
TEST_F(PluginProgram, resumes_with_a_signed_call_to_the_endpoint_of_the_cli) {
  run_session_on_terminal();
  service.cut();
  ASSERT_TRUE(until([&] { return service.texts.size() == 2; }));
  ASSERT_EQ(service.operations(), std::vector<std::string>{"ResumeSession"});
  const std::string authorization(service.calls[0].request.header("Authorization").value_or(""));
  EXPECT_THAT(authorization, AllOf(StartsWith("AWS4-HMAC-SHA256 Credential=test/"),
                                   HasSubstr("/us-east-1/ssm/aws4_request")));
}

//= RESUME-003
TEST_F(PluginProgram, says_that_the_session_timed_out) {
  run_session_on_terminal();
  service.answer = [](const auto&) { return json_answer(R"({"SessionId":"test-1"})"); };
  service.close(1000);
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0);
  EXPECT_TRUE(until([&] { return output.ends_with("Session: test-1 timed out.\r\n"); })) << output;
}

TEST_F(PluginProgram, without_keys_ends_a_lost_session_with_the_reason) {
  run_session_on_terminal(false);
  service.cut();
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 1);
  EXPECT_TRUE(until([&] { return output.find("ResumeSession cannot be signed") != output.npos; }));
  EXPECT_THAT(output, HasSubstr("AWS_ACCESS_KEY_ID"));
}

TEST_F(PluginProgram, says_that_it_cannot_connect) {
  service.refuse_upgrades_with = 403;
  run(arguments(), "", environment());
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 1);
  EXPECT_THAT(output, AllOf(StartsWith("\nStarting session with SessionId: test-1\n"
                                       "Cannot perform start session: the data channel cannot be "
                                       "opened: "),
                            HasSubstr("403"), EndsWith("\n")));
}

TEST_F(PluginProgram, leaves_standard_streams_blocking) {
  run_session_on_terminal();
  EXPECT_EQ(fcntl(pty.slave, F_GETFL) & O_NONBLOCK, 0);
}

}  // namespace
}  // namespace ssm::client
