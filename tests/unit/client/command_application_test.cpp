#include "ssm/client/command_application.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>

#include "fake_service.hpp"
#include "handshake_peer.hpp"
#include "loop_until.hpp"
#include "ssm/net/descriptor.hpp"
#include "ssm/protocol/profile.hpp"

namespace ssm::client {
namespace {

using protocol::PayloadType;
using test::FakeService;
using test::json_answer;

class CommandTest : public ::testing::Test {
 protected:
  /// One of the command's streams, read into `text`.
  struct Output {
    explicit Output(net::EventLoop& loop) {
      std::array<int, 2> ends{};
      EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
      reader.emplace(loop, ends[0]);
      write_end = ends[1];
    }
    ~Output() { close(write_end); }
    void read() {
      reader->start_reading(
          65536, [this](protocol::Bytes bytes) { text += protocol::as_text(bytes); },
          [](boost::system::error_code) {});
    }
    std::optional<net::Descriptor> reader;
    int write_end = -1;
    std::string text;
  };

  void start(const std::string& type = "NonInteractiveCommands") {
    test::lead_handshake(service, type);
    service.answer = [](const auto&) { return json_answer("{}"); };
    api.emplace(loop,
                ApiClientOptions{.endpoint = *net::Url::parse(service.endpoint()), .sign = {}});
    session.emplace(
        loop,
        client_config(
            *protocol::find_client_profile("strict"),
            {.session_id = "test-1", .token = "token-1", .stream_url = service.stream_url()}),
        SessionApi{.client = &*api, .why_not = {}},
        SessionOptions{.make_application =
                           [this](const protocol::SessionStarted& started, SessionHost& host) {
                             return make_command(
                                 started, host,
                                 {.output = output.write_end, .error = error.write_end}, result);
                           },
                       .note = [this](std::string_view text) { notes.emplace_back(text); },
                       .message = {}},
        [this](SessionOutcome ended) { outcome = std::move(ended); });
    session->start();
  }
  void start_command() {
    start();
    output.read();
    error.read();
    ASSERT_TRUE(until([&] { return result.started; }));
  }
  bool until(const std::function<bool()>& condition) { return test::loop_until(loop, condition); }

  net::EventLoop loop;
  FakeService service{loop};
  Output output{loop};
  Output error{loop};
  CommandResult result;
  std::optional<ApiClient> api;
  std::optional<SessionClient> session;
  std::optional<SessionOutcome> outcome;
  std::vector<std::string> notes;
};

//= CMD-004
//= CMD-005
TEST_F(CommandTest, keeps_the_streams_apart_and_learns_the_exit_code) {
  start_command();
  service.send_output("out 1\n");
  service.send_output("err\n", PayloadType::std_err);
  service.send_output("out 2\n");
  service.send_output("EXIT_CODE: 7", PayloadType::exit_code);
  service.close_channel("");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  ASSERT_TRUE(until([&] { return output.text.size() == 12 && error.text.size() == 4; }));
  EXPECT_EQ(output.text, "out 1\nout 2\n");
  EXPECT_EQ(error.text, "err\n");
  EXPECT_EQ(result.exit_code, 7);
}

TEST_F(CommandTest, without_one_the_exit_code_is_unknown) {
  start_command();
  service.send_output("out");
  service.close_channel("");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_FALSE(result.exit_code);
}

TEST_F(CommandTest, binary_output_is_unchanged) {
  start_command();
  const std::string binary("\0\xFF\xFE\r\n\x1B", 6);
  service.send_output(binary);
  EXPECT_TRUE(until([&] { return output.text == binary; }));
}

TEST_F(CommandTest, a_slow_reader_of_either_stream_makes_the_command_wait) {
  start();
  output.read();
  ASSERT_TRUE(until([&] { return result.started; }));
  for (int i = 0; i < 20'000; ++i) {
    service.send_output(std::string(1024, 'e'), PayloadType::std_err);
  }
  ASSERT_TRUE(until([&] { return service.congested(); }));
  EXPECT_LT(service.acknowledged, 5'000U);
  error.read();
  EXPECT_TRUE(until([&] { return error.text.size() == 20'000U * 1024; }));
}

//= CMD-009
TEST_F(CommandTest, passes_a_signal_on_and_ends_at_the_second) {
  start_command();
  std::raise(SIGINT);
  ASSERT_TRUE(until([&] { return service.input() == "\x03"; }));
  EXPECT_FALSE(outcome);
  std::raise(SIGINT);
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::stopped);
  EXPECT_EQ(notes.size(), 1U);
}

TEST_F(CommandTest, quit_is_passed_on_as_quit) {
  start_command();
  std::raise(SIGQUIT);
  EXPECT_TRUE(until([&] { return service.input() == "\x1C"; }));
}

TEST_F(CommandTest, sends_no_terminal_size) {
  start_command();
  std::raise(SIGINT);
  ASSERT_TRUE(until([&] { return service.input() == "\x03"; }));
  for (const auto& message : service.messages) {
    EXPECT_NE(message.type, PayloadType::size);
  }
}

TEST_F(CommandTest, shells_are_no_commands) {
  start("Standard_Stream");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::unsupported_session_type);
}

TEST(ShellQuoting, leaves_harmless_arguments_alone) {
  EXPECT_EQ(quote_for_shell("/usr/bin/x-y_z.1:2,3+4@5%6"), "/usr/bin/x-y_z.1:2,3+4@5%6");
}

TEST(ShellQuoting, quotes_what_means_something_to_a_shell) {
  EXPECT_EQ(quote_for_shell(""), "''");
  EXPECT_EQ(quote_for_shell("a b"), "'a b'");
  EXPECT_EQ(quote_for_shell("it's"), R"('it'\''s')");
  EXPECT_EQ(quote_for_shell("$HOME"), "'$HOME'");
  EXPECT_EQ(quote_for_shell("a\nb"), "'a\nb'");
  EXPECT_EQ(quote_for_shell("~x"), "'~x'");
  EXPECT_EQ(quote_for_shell(std::vector<std::string>{"a", "b c"}), "a 'b c'");
}

TEST(ShellQuoting, survives_a_real_shell) {
  const std::vector<std::string> arguments = {"",       " ",   "a b",  "it's", "\"",       "\\",
                                              "a\\'b",  "$x",  "`id`", "*",    "~",        "#c",
                                              "a\nb\n", "\t!", "=",    "&&",   "\xC3\xA9", "-n"};
  std::string expected;
  for (const std::string& argument : arguments) {
    expected += "<" + argument + ">";
  }
  const std::string command = "printf '<%s>' " + quote_for_shell(arguments);
  FILE* shell = ::popen(command.c_str(), "r");
  ASSERT_NE(shell, nullptr);
  std::string seen;
  for (int c = std::fgetc(shell); c != EOF; c = std::fgetc(shell)) {
    seen += static_cast<char>(c);
  }
  ::pclose(shell);
  EXPECT_EQ(seen, expected);
}

}  // namespace
}  // namespace ssm::client
