#include "ssm/protocol/command_output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ssm/protocol/session_output.hpp"

namespace ssm::protocol {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr CommandStream out = CommandStream::standard_output;
constexpr CommandStream err = CommandStream::standard_error;

class Script {
 public:
  explicit Script(const CommandOutputConfig& config) : command(config) {}

  std::size_t write(CommandStream stream, std::string_view text) {
    return command.write(stream, as_bytes(text));
  }
  /// `1 text` for a payload of type 1.
  std::vector<std::string> output() {
    std::vector<std::string> lines;
    while (const auto part = command.poll_output(now)) {
      lines.push_back(std::to_string(static_cast<unsigned>(part->type)) + " " +
                      std::string(as_text(part->data)));
    }
    return lines;
  }
  void end_streams() {
    command.stream_ended(out);
    command.stream_ended(err);
  }

  Instant now{};
  CommandOutput command;
};

CommandOutputConfig separate() {
  return {.separate_output = true};
}

CommandOutputConfig as_agent(bool separate_output) {
  return {.separate_output = separate_output, .rules = *find_command_output_rules("agent-3.3")};
}

TEST(CommandOutput, sends_separate_streams_as_types_1_and_11) {
  Script script(separate());
  script.write(out, "one");
  script.write(err, "two");
  EXPECT_THAT(script.output(), ElementsAre("1 one", "11 two"));
}

TEST(CommandOutput, sends_the_exit_code_after_everything_else) {
  Script script(separate());
  script.write(out, "one");
  script.command.exited(3);
  EXPECT_THAT(script.output(), ElementsAre("1 one"));
  script.write(err, "late");
  script.end_streams();
  EXPECT_FALSE(script.command.finished());
  EXPECT_THAT(script.output(), ElementsAre("11 late", "12 EXIT_CODE: 3"));
  ASSERT_TRUE(script.command.finished());
  EXPECT_TRUE(script.command.finished()->success);
  EXPECT_TRUE(script.command.finished()->reports_terminating);
}

TEST(CommandOutput, sends_minus_1_for_a_command_that_a_signal_ended) {
  Script script(separate());
  script.end_streams();
  script.command.exited(-1);
  EXPECT_THAT(script.output(), ElementsAre("12 EXIT_CODE: -1"));
}

TEST(CommandOutput, sends_no_exit_code_after_cancellation) {
  Script script(separate());
  script.command.cancelled();
  script.end_streams();
  EXPECT_THAT(script.output(), IsEmpty());
  EXPECT_TRUE(script.command.finished()->reports_terminating);
}

TEST(CommandOutput, takes_nothing_before_the_end_without_separate_streams) {
  Script script(CommandOutputConfig{});
  EXPECT_EQ(script.write(out, "early"), 0U);
  script.command.exited(0);
  EXPECT_EQ(script.write(out, "all of it"), 9U);
  EXPECT_FALSE(script.command.finished());
  script.command.stream_ended(out);
  EXPECT_THAT(script.output(), ElementsAre("1 all of it"));
  EXPECT_TRUE(script.command.finished());
}

TEST(CommandOutput, puts_the_prefix_before_the_first_chunk_and_after_each_line) {
  CommandOutputConfig config = separate();
  config.stdout_prefix = "OUT:";
  config.stderr_prefix = "ERR:";
  Script script(config);
  script.write(out, "a");
  EXPECT_THAT(script.output(), ElementsAre("1 OUT:a"));
  script.write(out, "b\nc\n");
  script.write(err, "x");
  EXPECT_THAT(script.output(), testing::UnorderedElementsAre("1 b\nc\n", "11 ERR:x"));
  script.write(out, "d");
  EXPECT_THAT(script.output(), ElementsAre("1 OUT:d"));
}

TEST(CommandOutput, has_chunks_of_1024_bytes_with_the_prefix) {
  CommandOutputConfig config = separate();
  config.stdout_prefix = "OUT:";
  Script script(config);
  script.write(out, std::string(2500, 'x'));
  std::vector<std::size_t> sizes;
  for (const std::string& line : script.output()) {
    sizes.push_back(line.size() - 2);
  }
  EXPECT_THAT(sizes, ElementsAre(1024, 1020, 460));
}

TEST(CommandOutput, splits_no_character) {
  Script script(separate());
  script.write(out, "\xc3");
  EXPECT_THAT(script.output(), IsEmpty());
  script.write(out, "\xa4");
  EXPECT_THAT(script.output(), ElementsAre("1 \xc3\xa4"));
  script.write(out, "\xff");
  script.end_streams();
  EXPECT_THAT(script.output(), ElementsAre("1 \xff"));
}

TEST(CommandOutput, takes_only_so_much_at_a_time) {
  Script script(separate());
  EXPECT_EQ(script.write(out, std::string(100'000, 'x')), 65536U);
  EXPECT_EQ(script.command.room(out), 0U);
  EXPECT_EQ(script.command.room(err), 65536U);
  (void)script.command.poll_output(script.now);
  EXPECT_EQ(script.command.room(out), 1024U);
}

TEST(CommandOutput, reports_a_start_failure_before_the_exit_code) {
  Script script(separate());
  script.command.start_failed("exec: nosuch: not found", true, script.now);
  EXPECT_THAT(script.output(), ElementsAre("11 exec: nosuch: not found", "12 EXIT_CODE: 1"));
  EXPECT_FALSE(script.command.finished()->success);
  EXPECT_TRUE(script.command.finished()->reports_terminating);
}

TEST(CommandOutput, of_the_agent_reports_a_start_failure_a_second_after_the_exit_code) {
  Script script(as_agent(true));
  script.command.start_failed("not found", true, script.now);
  EXPECT_THAT(script.output(), ElementsAre("12 EXIT_CODE: 1"));
  EXPECT_FALSE(script.command.finished());
  EXPECT_EQ(script.command.next_timeout(), script.now + seconds(1));
  script.now += seconds(1);
  EXPECT_THAT(script.output(), ElementsAre("11 not found"));
  EXPECT_TRUE(script.command.finished()->reports_terminating);
}

TEST(CommandOutput, of_the_agent_waits_3_seconds_when_nothing_could_be_prepared) {
  for (const bool separate_output : {false, true}) {
    Script script(as_agent(separate_output));
    script.command.start_failed("not found", false, script.now);
    script.now += seconds(3) - std::chrono::nanoseconds(1);
    EXPECT_THAT(script.output(), IsEmpty());
    script.now += std::chrono::nanoseconds(1);
    EXPECT_THAT(script.output(), ElementsAre("11 Unable to start command: not found\n"));
    EXPECT_FALSE(script.command.finished()->reports_terminating);
  }
}

TEST(CommandOutput, of_the_agent_loses_what_comes_after_a_pause) {
  Script strict(separate());
  Script agent(as_agent(true));
  for (Script* const script : {&strict, &agent}) {
    script->command.paused();
    script->write(out, "after");
    script->end_streams();
    script->command.exited(0);
  }
  EXPECT_THAT(strict.output(), ElementsAre("1 after", "12 EXIT_CODE: 0"));
  EXPECT_THAT(agent.output(), ElementsAre("12 EXIT_CODE: 0"));
  EXPECT_FALSE(agent.command.finished()->success);
}

TEST(CommandPrefix, has_30_characters_of_a_few_kinds_at_most) {
  for (const char* const good : {"", "STD_OUT:", "a-Z_09:\r\n", "123456789012345678901234567890"}) {
    EXPECT_TRUE(check_output_prefix(good).has_value()) << good;
  }
  for (const char* const bad : {"STD@OUT:", "a b", "1234567890123456789012345678901", "\xc3\xa4"}) {
    EXPECT_FALSE(check_output_prefix(bad).has_value()) << bad;
  }
}

TEST(CommandSignals, are_the_first_of_two_bytes_in_output_payloads) {
  EXPECT_EQ(find_command_signal(PayloadType::output, as_bytes("\x03")), CommandSignal::interrupt);
  EXPECT_EQ(find_command_signal(PayloadType::output, as_bytes("abc\x1c\x03")), CommandSignal::quit);
  EXPECT_EQ(find_command_signal(PayloadType::output, as_bytes("text\n")), std::nullopt);
  EXPECT_EQ(find_command_signal(PayloadType::size, as_bytes("\x03")), std::nullopt);
}

TEST(SessionOutput, tells_stdout_stderr_and_exit_code_apart) {
  SessionOutput session;
  const auto text = session.receive(PayloadType::output, as_bytes("out"));
  ASSERT_TRUE(text);
  EXPECT_EQ(text->target, SessionText::Target::standard_output);
  EXPECT_EQ(as_text(text->data), "out");
  EXPECT_EQ(session.receive(PayloadType::std_err, as_bytes("err"))->target,
            SessionText::Target::standard_error);
  EXPECT_FALSE(session.exit_code());
  EXPECT_FALSE(session.receive(PayloadType::exit_code, as_bytes("EXIT_CODE: 7")));
  EXPECT_EQ(session.exit_code(), 7);
}

TEST(SessionOutput, survives_a_bad_exit_code_and_unknown_types) {
  SessionOutput session;
  EXPECT_FALSE(session.receive(PayloadType::exit_code, as_bytes("EXIT_CODE: x")));
  EXPECT_FALSE(session.receive(static_cast<PayloadType>(99), as_bytes("?")));
  EXPECT_FALSE(session.exit_code());
}

TEST(SessionOutput, of_the_plugin_prints_everything) {
  SessionOutput session({.prints_every_type = true});
  for (const unsigned type : {1U, 2U, 10U, 11U, 12U, 99U}) {
    const auto text = session.receive(static_cast<PayloadType>(type), as_bytes("EXIT_CODE: 7"));
    ASSERT_TRUE(text);
    EXPECT_EQ(text->target, SessionText::Target::standard_output);
  }
  EXPECT_FALSE(session.exit_code());
}

}  // namespace
}  // namespace ssm::protocol
