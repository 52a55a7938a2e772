#include <gmock/gmock.h>

#include "program_fixture.hpp"

namespace ssm::client {
namespace {

using test::json_answer;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ConnectProgram : public test::ProgramTest {
 protected:
  std::vector<std::string> arguments(std::vector<std::string> more = {}) {
    std::vector<std::string> all = {program("ssmsim"),  "connect",  "shell", "--endpoint",
                                    service.endpoint(), "--target", "i-1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void run_session_on_terminal() {
    run_on_terminal(arguments());
    ASSERT_TRUE(until_session());
    ASSERT_TRUE(until([&] { return pty.raw(); }));
  }
};

TEST_F(ConnectProgram, starts_a_session_and_shows_it) {
  run(arguments({"--reason", "test", "--document-name", "D", "--parameter", "command=a=b",
                 "--parameter", "command=c"}),
      "exit\n");
  ASSERT_TRUE(until_session());
  ASSERT_TRUE(until([&] { return service.input() == "exit\n\x04"; }));
  service.close_channel("");
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0) << errors;
  EXPECT_EQ(output,
            "\nStarting session with SessionId: test-1\n$ \n\nExiting session with sessionId: "
            "test-1.\n\n");
  EXPECT_EQ(errors, "");
  EXPECT_THAT(service.operations(), ElementsAre("StartSession"));
  EXPECT_EQ(service.calls[0].request.body, R"({"Target":"i-1","DocumentName":"D","Reason":"test",)"
                                           R"("Parameters":{"command":["a=b","c"]}})");
}

TEST_F(ConnectProgram, quiet_shows_nothing_but_the_session) {
  run(arguments({"--quiet"}));
  ASSERT_TRUE(until_session());
  service.close_channel("");
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0);
  EXPECT_EQ(output, "$ ");
  EXPECT_EQ(errors, "");
}

TEST_F(ConnectProgram, takes_the_endpoint_from_the_environment) {
  run({program("ssmsim"), "connect", "shell", "--target", "i-1"}, "",
      {"AWS_ENDPOINT_URL_SSM=" + service.endpoint()});
  EXPECT_TRUE(until_session());
}

TEST_F(ConnectProgram, attaches_to_a_session_that_others_started) {
  run({program("ssmsim"), "connect", "shell", "--endpoint", service.endpoint(), "--session-id",
       "test-1", "--stream-url", service.stream_url()},
      "", {"SSMSIM_TOKEN=token-1"});
  ASSERT_TRUE(until_session());
  EXPECT_THAT(service.texts[0], HasSubstr("token-1"));
  EXPECT_TRUE(service.calls.empty());
}

TEST_F(ConnectProgram, says_on_stderr_what_happens_to_the_connection) {
  run(arguments({"--quiet"}));
  ASSERT_TRUE(until_session());
  service.cut();
  ASSERT_TRUE(until([&] { return service.texts.size() == 2; }));
  service.close_channel("");
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(output, "$ ");
  EXPECT_THAT(errors, AllOf(StartsWith("ssmsim: connection lost ("),
                            HasSubstr("\nssmsim: connection resumed\n")));
}

TEST_F(ConnectProgram, a_session_closed_with_a_text_is_no_success) {
  run(arguments());
  ASSERT_TRUE(until_session());
  service.close_channel("idle for too long");
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 3);
  EXPECT_THAT(output, HasSubstr("\n\nSessionId: test-1 : idle for too long\n\n"));
}

class KilledConnect : public ConnectProgram, public ::testing::WithParamInterface<int> {};

TEST_P(KilledConnect, terminates_its_session_and_restores_the_terminal) {
  run_session_on_terminal();
  child->send_signal(GetParam());
  ASSERT_TRUE(until([&] { return child->ended(); }));
  EXPECT_EQ(child->status(), -GetParam());
  EXPECT_TRUE(pty.cooked());
  EXPECT_THAT(service.operations(), ElementsAre("StartSession", "TerminateSession"));
}

INSTANTIATE_TEST_SUITE_P(Signals, KilledConnect, ::testing::Values(SIGTERM, SIGINT, SIGHUP));

TEST_F(ConnectProgram, crashed_leaves_the_terminal_restored) {
  run_session_on_terminal();
  child->send_signal(SIGSEGV);
  ASSERT_TRUE(until([&] { return child->ended(); }));
  EXPECT_TRUE(pty.cooked());
}

TEST_F(ConnectProgram, suspended_gives_the_terminal_back_and_takes_it_again) {
  run_session_on_terminal();
  child->send_signal(SIGTSTP);
  ASSERT_TRUE(until([&] { return child->stopped(); }));
  EXPECT_TRUE(pty.cooked());
  child->send_signal(SIGCONT);
  EXPECT_TRUE(until([&] { return pty.raw(); }));
  ASSERT_TRUE(write_all(pty.master, "x"));
  EXPECT_TRUE(until([&] { return service.input() == "x"; }));
}

TEST_F(ConnectProgram, left_with_tilde_dot_terminates_the_session) {
  run_session_on_terminal();
  ASSERT_TRUE(write_all(pty.master, "~."));
  ASSERT_TRUE(until([&] { return child->ended(); }));
  EXPECT_EQ(child->status(), 0);
  EXPECT_THAT(service.operations(), ElementsAre("StartSession", "TerminateSession"));
  EXPECT_TRUE(pty.cooked());
}

TEST_F(ConnectProgram, wrong_usage_is_status_2_and_says_what_was_expected) {
  struct Case {
    std::vector<std::string> arguments;
    const char* expected;
  };
  const Case cases[] = {
      {{}, "expected one of: "},
      {{"nonsense"}, "expected one of: "},
      {{"connect"}, "expected one of: "},
      {{"connect", "shell"}, "expected either --target, or --session-id"},
      {{"connect", "shell", "--target", "i", "--token", "t"}, "expected either --target"},
      {{"connect", "shell", "--token", "t"}, "are all needed"},
      {{"connect", "shell", "--target", "i", "--profile", "x"}, "expected one of: strict"},
      {{"connect", "shell", "--target", "i", "--endpoint", "x"}, "like http://127.0.0.1:4580"},
      {{"connect", "shell", "--target", "i", "--parameter", "x"}, "expects NAME=VALUE, got 'x'"},
      {{"connect", "shell", "--target"}, "--target"},
  };
  for (const Case& test : cases) {
    std::vector<std::string> arguments = test.arguments;
    arguments.insert(arguments.begin(), program("ssmsim"));
    output.clear();
    errors.clear();
    run(arguments);
    ASSERT_TRUE(until_ended());
    EXPECT_EQ(child->status(), 2) << errors;
    EXPECT_EQ(output, "");
    EXPECT_THAT(errors,
                AllOf(StartsWith("ssmsim: "), HasSubstr(test.expected), HasSubstr("--help")));
  }
}

TEST_F(ConnectProgram, failures_of_the_world_are_status_3_with_advice) {
  service.answer = [](const auto&) {
    return json_answer(R"({"__type":"TargetNotConnected","Message":"i-1 is not connected."})", 400);
  };
  run(arguments());
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 3);
  EXPECT_THAT(errors, AllOf(HasSubstr("TargetNotConnected: i-1 is not connected."),
                            HasSubstr("describe-instance-information")));
}

TEST_F(ConnectProgram, an_unreachable_endpoint_is_status_3_with_advice) {
  std::string gone;
  {
    net::EventLoop other;
    gone = test::FakeService(other).endpoint();
  }
  run({program("ssmsim"), "connect", "shell", "--target", "i-1", "--endpoint", gone});
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 3);
  EXPECT_THAT(errors, AllOf(HasSubstr("Connection refused"), HasSubstr("ssmsim serve")));
}

TEST_F(ConnectProgram, version_names_compiler_and_libraries) {
  run({program("ssmsim"), "--version"});
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0);
  EXPECT_THAT(output, AllOf(StartsWith("ssmsim "), HasSubstr("\ncompiler: "),
                            HasSubstr("\nBoost: "), HasSubstr("\nOpenSSL: ")));
}

}  // namespace
}  // namespace ssm::client
