#include <gmock/gmock.h>

#include "handshake_peer.hpp"
#include "program_fixture.hpp"

namespace ssm::client {
namespace {

using protocol::PayloadType;
using test::json_answer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// `ssmsim connect exec` as a process of its own.
class ExecProgram : public test::ProgramTest {
 protected:
  void run_exec(std::vector<std::string> command, std::vector<std::string> options = {}) {
    std::vector<std::string> all = {program("ssmsim"),  "connect",  "exec", "--endpoint",
                                    service.endpoint(), "--target", "i-1"};
    all.insert(all.end(), options.begin(), options.end());
    all.emplace_back("--");
    all.insert(all.end(), command.begin(), command.end());
    run(all, "input that nobody reads");
  }
  /// What the agent does once the command runs.
  void play(std::function<void()> script) {
    test::lead_handshake(service, "NonInteractiveCommands", std::move(script));
  }
};

TEST_F(ExecProgram, passes_streams_and_exit_code_through) {
  play([this] {
    service.send_output("out\n");
    service.send_output("err\n", PayloadType::std_err);
    service.send_output("EXIT_CODE: 42", PayloadType::exit_code);
    service.close_channel("");
  });
  run_exec({"printf", "%s", "it's"});
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 42);
  EXPECT_EQ(output, "out\n");
  EXPECT_EQ(errors, "err\n");
  EXPECT_EQ(service.calls[0].request.body,
            R"({"Target":"i-1","DocumentName":"AWS-StartNonInteractiveCommand","Parameters":)"
            R"({"command":["printf %s 'it'\\''s'"],"separateOutputStream":["true"]}})");
  EXPECT_EQ(service.input(), "");
}

TEST_F(ExecProgram, a_command_that_a_signal_ended_is_255) {
  play([this] {
    service.send_output("EXIT_CODE: -1", PayloadType::exit_code);
    service.close_channel("");
  });
  run_exec({"x"});
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 255);
}

TEST_F(ExecProgram, an_unknown_exit_code_is_no_success) {
  play([this] {
    service.send_output("out\n");
    service.close_channel("");
  });
  run_exec({"x"});
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 3);
  EXPECT_EQ(output, "out\n");
  EXPECT_THAT(errors, HasSubstr("the agent did not tell its exit code"));
}

TEST_F(ExecProgram, json_tells_the_commands_3_from_ours) {
  play([this] {
    service.send_output("EXIT_CODE: 3", PayloadType::exit_code);
    service.close_channel("");
  });
  run_exec({"x"}, {"--json"});
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 3);
  EXPECT_EQ(errors, R"({"session_id":"test-1","exit_code":3,"status":3,"error":""})"
                    "\n");
}

TEST_F(ExecProgram, a_session_closed_with_an_error_is_3_with_the_reason) {
  play([this] { service.close_channel("Commands cannot be empty"); });
  run_exec({"x"}, {"--json"});
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 3);
  EXPECT_THAT(errors,
              HasSubstr(R"("exit_code":null,"status":3,)"
                        R"("error":"session test-1 was closed: Commands cannot be empty")"));
}

TEST_F(ExecProgram, a_document_that_cannot_separate_the_streams_is_used_as_it_is) {
  int asked = 0;
  service.answer = [&](const auto&) {
    return ++asked == 1 ? json_answer(R"({"__type":"InvalidParameters","message":"no such"})", 400)
                        : json_answer(service.start_answer());
  };
  play([this] { service.close_channel(""); });
  run_exec({"x"}, {"--document-name", "D"});
  ASSERT_TRUE(until_ended());
  EXPECT_THAT(service.operations(), ElementsAre("StartSession", "StartSession"));
  EXPECT_EQ(service.calls[1].request.body,
            R"({"Target":"i-1","DocumentName":"D","Parameters":{"command":["x"]}})");
}

TEST_F(ExecProgram, a_refused_session_is_3_with_the_services_words) {
  service.answer = [](const auto&) {
    return json_answer(R"({"__type":"TargetNotConnected","message":"i-1 is not connected."})", 400);
  };
  run_exec({"x"});
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 3);
  EXPECT_THAT(errors, HasSubstr("TargetNotConnected"));
}

TEST_F(ExecProgram, interrupted_twice_terminates_the_session) {
  play([this] { service.send_output("running\n"); });
  run_exec({"sleep", "60"});
  ASSERT_TRUE(until([&] { return output == "running\n"; }));
  child->send_signal(SIGINT);
  ASSERT_TRUE(until([&] { return service.input() == "\x03"; }));
  child->send_signal(SIGINT);
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), -SIGINT);
  EXPECT_THAT(service.operations(), ElementsAre("StartSession", "TerminateSession"));
}

TEST_F(ExecProgram, with_a_terminal_it_is_an_interactive_command) {
  test::lead_handshake(service, "InteractiveCommands", [this] {
    service.send_output("shown\r\n");
    service.close_channel("");
  });
  run_exec({"top", "-n 1"}, {"--tty"});
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0) << errors;
  EXPECT_EQ(output, "shown\r\n");
  EXPECT_EQ(service.calls[0].request.body,
            R"({"Target":"i-1","DocumentName":"AWS-StartInteractiveCommand","Parameters":)"
            R"({"command":["top '-n 1'"]}})");
}

}  // namespace
}  // namespace ssm::client
