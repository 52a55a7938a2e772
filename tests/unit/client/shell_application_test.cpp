#include "ssm/client/shell_application.hpp"

#include <csignal>

#include "pty_pair.hpp"
#include "shell_fixture.hpp"
#include "ssm/client/plugin_texts.hpp"
#include "ssm/protocol/open_data_channel.hpp"

namespace ssm::client {
namespace {

using protocol::PayloadType;
using test::ShellTest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

//= TRANS-007
TEST_F(ShellTest, opens_with_the_token_and_shows_the_first_output) {
  start_session();
  const auto open = protocol::parse_open_data_channel(protocol::as_bytes(service.texts[0]));
  ASSERT_TRUE(open);
  EXPECT_EQ(open->token_value, "token-1");
  EXPECT_EQ(service.upgrades,
            std::vector<std::string>{"/v1/data-channel/test-1?role=publish_subscribe"});
}

//= SHELL-001
//= SHELL-003
TEST_F(ShellTest, sends_the_size_before_any_input) {
  type("early");
  start_session();
  ASSERT_TRUE(until([&] { return service.messages.size() >= 2; }));
  EXPECT_EQ(service.messages[0].type, PayloadType::size);
  EXPECT_EQ(service.messages[0].payload, R"({"cols":300,"rows":100})");
  EXPECT_EQ(service.messages[1].payload, "early");
}

//= SHELL-011
TEST_F(ShellTest, sends_a_paste_in_messages_of_1024_bytes) {
  start_session();
  const std::string paste(3000, 'p');
  type(paste);
  ASSERT_TRUE(until([&] { return service.input().size() == paste.size(); }));
  EXPECT_EQ(service.input(), paste);
  EXPECT_THAT(service.input_sizes(), ElementsAre(1024, 1024, 952));
}

//= SHELL-011
TEST_F(ShellTest, keeps_the_pace_of_the_reference) {
  start_session("plugin-1.2.677");
  std::string paste;
  for (int i = 0; i < 40; ++i) {
    paste += std::string(1024, static_cast<char>('a' + i % 26));
  }
  const net::Instant begin = net::EventLoop::now();
  type(paste);
  ASSERT_TRUE(until([&] { return service.input().size() == paste.size(); }));
  EXPECT_EQ(service.input(), paste);
  // 1 ms after each of them but the last.
  EXPECT_GE(net::EventLoop::now() - begin, std::chrono::milliseconds(39));
}

//= SHELL-009
//= SHELL-010
TEST_F(ShellTest, sends_a_lone_line_feed_as_return_and_leaves_others_alone) {
  start_session();
  type("\n");
  ASSERT_TRUE(until([&] { return service.input().size() == 1; }));
  type("ls\n");
  ASSERT_TRUE(until([&] { return service.input().size() == 4; }));
  EXPECT_EQ(service.input(), "\rls\n");
}

//= SHELL-006
//= SHELL-007
TEST_F(ShellTest, writes_the_bytes_of_every_payload_type_unchanged) {
  start_session();
  const std::string binary("\x00\xff\r\n\x1b[0m", 8);
  service.send_output(binary);
  service.send_output("err", PayloadType::std_err);
  service.send_output("12", PayloadType::exit_code);
  service.send_output("99", static_cast<PayloadType>(99));
  ASSERT_TRUE(until([&] { return output.size() == binary.size() + 7; }));
  EXPECT_EQ(output, binary + "err1299");
}

TEST_F(ShellTest, does_not_show_a_repeated_message_twice) {
  start_session();
  service.send_output("one ");
  service.send_output_as(1, "one ");
  service.send_output("two");
  ASSERT_TRUE(until([&] { return service.acknowledged == 4; }));
  ASSERT_TRUE(until([&] { return output.size() >= 7; }));
  EXPECT_EQ(output, "one two");
}

//= CLOSE-001
//= CLOSE-003
//= CLOSE-008
TEST_F(ShellTest, ends_with_the_channel_after_all_output) {
  start_session();
  service.send_output("bye\r\n");
  service.close_channel("");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::channel_closed);
  EXPECT_TRUE(until([&] { return output == "bye\r\n"; }));
  EXPECT_EQ(end_text(*outcome, "test-1"), "\n\nExiting session with sessionId: test-1.\n\n");
}

TEST_F(ShellTest, does_not_end_before_a_slow_reader_has_all_output) {
  start();
  ASSERT_TRUE(until([&] { return service.texts.size() == 1; }));
  std::string expected;
  for (char c = 'a'; c <= 'z'; ++c) {
    const std::string text(8192, c);
    expected += text;
    service.send_output(text);
  }
  service.close_channel("");
  // The client has dropped the connection, and the pipe holds less than what was sent.
  ASSERT_TRUE(until([&] { return service.ends == 1; }));
  EXPECT_FALSE(outcome);
  read_output();
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_TRUE(until([&] { return output.size() == expected.size(); }));
  EXPECT_TRUE(output == expected);
}

//= CLOSE-002
TEST_F(ShellTest, gives_the_text_of_a_channel_closed_with_one) {
  start_session();
  service.close_channel("Session was terminated");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(end_text(*outcome, "test-1"), "\n\nSessionId: test-1 : Session was terminated\n\n");
}

//= CLOSE-006
TEST_F(ShellTest, ends_with_the_channel_before_the_session_began) {
  start();
  ASSERT_TRUE(until([&] { return service.texts.size() == 1; }));
  service.close_channel("refused");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->text, "refused");
}

TEST_F(ShellTest, start_text_is_that_of_the_plugin) {
  EXPECT_EQ(start_text("abc"), "\nStarting session with SessionId: abc\n");
}

// --- pace ---------------------------------------------------------------------------------------

TEST_F(ShellTest, makes_the_agent_wait_while_the_output_is_not_read_and_loses_nothing) {
  start();
  ASSERT_TRUE(until([&] { return service.texts.size() == 1; }));
  constexpr std::size_t count = 20'000;
  std::string expected;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string text = std::to_string(i) + std::string(1000, '.');
    expected += text;
    service.send_output(text);
  }
  // The pipe is full, the client reads no more: acknowledgements stop.
  std::size_t seen = 0;
  int quiet = 0;
  ASSERT_TRUE(until([&] {
    quiet = service.acknowledged == std::exchange(seen, service.acknowledged) && seen > 0
                ? quiet + 1
                : 0;
    return quiet > 100;
  }));
  EXPECT_LT(service.acknowledged, 2'000U);
  read_output();
  ASSERT_TRUE(until([&] { return output.size() == expected.size(); }));
  EXPECT_TRUE(output == expected);
}

TEST_F(ShellTest, stops_reading_input_while_nothing_is_acknowledged) {
  service.acknowledges = false;
  start_session();
  const std::string chunk(64 * 1024, 'i');
  fcntl(options.input, F_SETPIPE_SZ, 4096);
  // Much more than the window; the writer's end says when the client takes no more.
  std::size_t written = 0;
  int quiet = 0;
  ASSERT_TRUE(until([&] {
    const ssize_t count = try_type(chunk);
    written += count > 0 ? static_cast<std::size_t>(count) : 0;
    quiet = count > 0 ? 0 : quiet + 1;
    return quiet > 100 || written > 16U * 1024 * 1024;
  }));
  const auto window =
      protocol::find_client_profile("strict")->channel.send.buffer_messages * 1024 + 128 * 1024;
  EXPECT_GT(written, 100'000U);
  EXPECT_LT(written, window);
}

// --- end of the input ---------------------------------------------------------------------------

TEST_F(ShellTest, tells_the_remote_side_of_the_end_of_the_input) {
  start_session();
  type("ls\n");
  end_input();
  ASSERT_TRUE(until([&] { return service.input().ends_with('\x04'); }));
  EXPECT_EQ(service.input(), "ls\n\x04");
  EXPECT_FALSE(outcome);
}

TEST_F(ShellTest, ends_an_unfinished_last_line_first) {
  start_session();
  type("ls");
  end_input();
  ASSERT_TRUE(until([&] { return service.input().ends_with('\x04'); }));
  EXPECT_EQ(service.input(), "ls\r\x04");
}

TEST_F(ShellTest, repeats_the_end_of_the_input_while_the_session_lasts) {
  options.end_of_transmission_interval = std::chrono::milliseconds(1);
  start_session();
  end_input();
  EXPECT_TRUE(until([&] { return service.input() == "\x04\x04\x04"; }));
  service.close_channel("");
  EXPECT_TRUE(until([&] { return ended() == SessionEnd::channel_closed; }));
}

TEST_F(ShellTest, shows_output_that_comes_after_the_end_of_the_input) {
  end_input();
  start_session();
  ASSERT_TRUE(until([&] { return service.input() == "\x04"; }));
  service.send_output("late");
  EXPECT_TRUE(until([&] { return output == "late"; }));
}

//= SHELL-029
TEST_F(ShellTest, as_plugin_ends_with_the_input_once_it_is_acknowledged) {
  options.input_end = InputEnd::end_client;
  service.acknowledges = false;
  start_session();
  type("exit\n");
  end_input();
  ASSERT_TRUE(until([&] { return service.input() == "exit\n"; }));
  EXPECT_FALSE(outcome);
  service.acknowledges = true;  // the next retransmission is
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::input_ended);
  EXPECT_EQ(service.input(), "exit\n");
  EXPECT_EQ(end_text(*outcome, "test-1"), "Cannot perform start session: EOF\n");
}

TEST_F(ShellTest, as_plugin_waits_for_acknowledgements_only_so_long) {
  options.input_end = InputEnd::end_client;
  options.acknowledgement_limit = std::chrono::milliseconds(1);
  service.acknowledges = false;
  start_session();
  end_input();
  EXPECT_TRUE(until([&] { return ended() == SessionEnd::input_ended; }));
}

TEST_F(ShellTest, reports_an_output_that_nobody_reads) {
  std::signal(SIGPIPE, SIG_IGN);
  start_session();
  close_output_reader();
  service.send_output("x");
  EXPECT_TRUE(until([&] { return ended() == SessionEnd::output_failed; }));
  EXPECT_THAT(outcome->text, HasSubstr("Broken pipe"));
}

// --- terminal and signals -----------------------------------------------------------------------

class ShellTerminalTest : public ShellTest {
 protected:
  ShellTerminalTest() {
    pty.resize(80, 24);
    options.input = pty.slave;
    options.output = pty.slave;
  }
  void start_on_terminal() {
    start();
    ASSERT_TRUE(until([&] { return service.texts.size() == 1; }));
    EXPECT_TRUE(pty.cooked()) << "before the session begins ^C must work";
    service.send_output("$ ");
    ASSERT_TRUE(until([&] { return service.messages.size() == 1; }));
  }
  void press(std::string_view keys) { ASSERT_TRUE(write_all(pty.master, keys)); }

  test::PtyPair pty;
};

TEST_F(ShellTerminalTest, is_raw_while_the_session_lasts) {
  start_on_terminal();
  EXPECT_TRUE(pty.raw());
  service.close_channel("");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_TRUE(pty.cooked());
}

TEST_F(ShellTerminalTest, is_restored_when_the_client_is_destroyed) {
  start_on_terminal();
  shell.reset();
  EXPECT_TRUE(pty.cooked());
}

TEST_F(ShellTerminalTest, sends_control_keys_as_bytes) {
  start_on_terminal();
  press("\x03\x1a\x1c\x04\r");
  ASSERT_TRUE(until([&] { return service.input().size() == 5; }));
  EXPECT_EQ(service.input(), "\x03\x1a\x1c\x04\r");
}

//= SHELL-002
TEST_F(ShellTerminalTest, sends_the_size_again_only_when_it_has_changed) {
  start_on_terminal();
  EXPECT_EQ(service.messages[0].payload, R"({"cols":80,"rows":24})");
  raise(SIGWINCH);
  press("x");
  ASSERT_TRUE(until([&] { return service.input() == "x"; }));
  EXPECT_THAT(service.messages, SizeIs(2));
  pty.resize(132, 50);
  raise(SIGWINCH);
  ASSERT_TRUE(until([&] { return service.messages.size() == 3; }));
  EXPECT_EQ(service.messages[2].type, PayloadType::size);
  EXPECT_EQ(service.messages[2].payload, R"({"cols":132,"rows":50})");
}

TEST_F(ShellTerminalTest, is_raw_again_after_a_stop) {
  start_on_terminal();
  termios cooked = pty.mode();
  cooked.c_lflag |= ECHO | ICANON | ISIG;
  cooked.c_iflag |= ICRNL;
  ASSERT_EQ(tcsetattr(pty.slave, TCSANOW, &cooked), 0);
  raise(SIGCONT);
  EXPECT_TRUE(until([&] { return pty.raw(); }));
}

TEST_F(ShellTerminalTest, leaves_on_enter_tilde_dot) {
  start_on_terminal();
  press("\r");
  ASSERT_TRUE(until([&] { return service.input() == "\r"; }));
  press("~");
  press(".");
  EXPECT_TRUE(until([&] { return ended() == SessionEnd::left; }));
  EXPECT_EQ(service.input(), "\r");
  EXPECT_TRUE(pty.cooked());
}

//= SHELL-008
TEST_F(ShellTest, as_plugin_turns_signals_into_one_byte_messages) {
  options.signals_are_input = true;
  start_session();
  std::string expected;
  for (const auto& [signal, byte] :
       {std::pair(SIGINT, '\x03'), std::pair(SIGQUIT, '\x1c'), std::pair(SIGTSTP, '\x1a')}) {
    raise(signal);
    expected += byte;
    ASSERT_TRUE(until([&] { return service.input() == expected; })) << strsignal(signal);
  }
  EXPECT_THAT(service.input_sizes(), ElementsAre(1, 1, 1));
  EXPECT_FALSE(outcome);
}

TEST_F(ShellTest, as_plugin_takes_signals_that_the_parent_ignores) {
  // The AWS CLI ignores SIGINT while the plugin runs, and a child inherits that.
  std::signal(SIGINT, SIG_IGN);
  options.signals_are_input = true;
  start_session();
  raise(SIGINT);
  EXPECT_TRUE(until([&] { return service.input() == "\x03"; }));
  std::signal(SIGINT, SIG_DFL);
}

TEST_F(ShellTest, otherwise_signals_end_the_client) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    outcome.reset();
    start();
    raise(signal);
    ASSERT_TRUE(until([&] { return outcome.has_value(); })) << strsignal(signal);
    EXPECT_EQ(outcome->end, SessionEnd::stopped);
    EXPECT_EQ(outcome->signal, signal);
    shell.reset();
  }
}

TEST_F(ShellTest, ignored_signals_stay_ignored) {
  std::signal(SIGHUP, SIG_IGN);
  start_session();
  raise(SIGHUP);
  type("x");
  EXPECT_TRUE(until([&] { return service.input() == "x"; }));
  EXPECT_FALSE(outcome);
  std::signal(SIGHUP, SIG_DFL);
}

}  // namespace
}  // namespace ssm::client
