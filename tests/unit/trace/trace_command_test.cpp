#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "ssm/protocol/codec.hpp"
#include "trace_decode.hpp"
#include "trace_fixture.hpp"

namespace ssmsim {
namespace {

namespace protocol = ssm::protocol;
namespace schema = ssm::schema::v1;
namespace trace = ssm::trace;
using std::chrono_literals::operator""ms;
using testing::HasSubstr;
using testing::Not;

std::string message(std::string_view payload, std::string_view type = "output_stream_data") {
  protocol::MessageHeader header;
  header.type = type;
  header.created_date_ms = 1'700'000'000'000;
  header.sequence_number = 3;
  header.message_id = protocol::Uuid::parse("01234567-89ab-4def-8123-456789abcdef").value();
  header.payload_type = protocol::PayloadType::output;
  const protocol::Frame frame = protocol::encode(header, protocol::as_bytes(payload)).value();
  return std::string(protocol::as_text(frame.bytes()));
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char character : bytes) {
    text += digits[static_cast<unsigned char>(character) >> 4U];
    text += digits[static_cast<unsigned char>(character) & 0xFU];
  }
  return text;
}

/// A recording of binary messages.
std::string recording(const std::vector<std::string>& messages) {
  std::string out;
  trace::Writer writer(std::make_unique<trace::test::MemorySink>(out), trace::test::options());
  for (const std::string& bytes : messages) {
    writer.message(1ms, trace::test::binary(bytes));
  }
  return out;
}

struct Outcome {
  int exit_code = -1;
  std::string out;
};

Outcome decode(const std::string& input, TraceDecodeOptions options = {}) {
  std::istringstream in(input);
  std::ostringstream out;
  const int exit_code = decode_trace(in, out, options);
  return {exit_code, out.str()};
}

TEST(TraceDecode, prints_a_line_for_each_record) {
  std::string bytes;
  trace::Writer writer(std::make_unique<trace::test::MemorySink>(bytes), trace::test::options());
  writer.connection_opened(0ms, 1, schema::TRACE_SIDE_CLIENT);
  writer.message(1ms, trace::test::text(R"({"TokenValue":"secret"})"));
  const std::string output = message("ls -la\r\n\x1b[31m");
  const std::string_view rules[] = {"cut"};
  trace::MessageEvent event = trace::test::binary(output);
  event.direction = schema::TRACE_DIRECTION_SENT;
  event.fault_rules = rules;
  writer.message(1234567ms, event);
  writer.note(1234568ms, 0, "client away");
  writer.connection_closed(1234569ms, 1, schema::TRACE_SIDE_CLIENT, 0, "reset");
  const Outcome run = decode(bytes);
  EXPECT_EQ(run.exit_code, exit_ok);
  EXPECT_EQ(run.out,
            "# session user-1, recorded by ssmsim 0.1.0, time 0 is 1970-01-01T00:28:20.000000000Z, "
            "tokens redacted\n"
            "      0.000000  client#1  opened\n"
            "      0.001000  client#1 ->  text  23 bytes  {\"TokenValue\":\"******\"}\n"
            "   1234.567000  client#1 <-  output_stream_data  seq 3  flags -  output  13 bytes  "
            "digest ok  \"ls -la\\r\\n\\x1b[31m\"  [fault: cut]\n"
            "   1234.568000  note  client away\n"
            "   1234.569000  client#1  closed without a close frame: reset\n");
}

TEST(TraceDecode, shows_acknowledgements_and_json_without_quotes) {
  const std::string ack =
      R"({"AcknowledgedMessageType":"output_stream_data","AcknowledgedMessageId":)"
      R"("01234567-89ab-4def-8123-456789abcdef","AcknowledgedMessageSequenceNumber":5,)"
      R"("IsSequentialMessage":true})";
  const Outcome run = decode(recording({message(ack, "acknowledge"), message(R"({"cols":80})")}));
  EXPECT_THAT(run.out, HasSubstr("  acknowledges output_stream_data seq 5\n"));
  EXPECT_THAT(run.out, HasSubstr("  digest ok  {\"cols\":80}\n"));
}

TEST(TraceDecode, cuts_long_payloads) {
  const Outcome run = decode(recording({message(std::string(1000, 'x'))}));
  EXPECT_THAT(run.out, HasSubstr("1000 bytes  digest ok  \"" + std::string(80, 'x') + "\"...\n"));
}

TEST(TraceDecode, shows_a_wrong_digest_as_a_finding) {
  std::string bytes = message("payload");
  bytes.back() = 'D';
  const Outcome run = decode(recording({bytes}));
  EXPECT_EQ(run.exit_code, exit_findings);
  EXPECT_THAT(run.out, HasSubstr("digest WRONG  \"payloaD\"\n                ! "));
}

TEST(TraceDecode, shows_what_is_no_message_as_a_finding) {
  for (std::size_t size = 0; size < protocol::payload_offset; ++size) {
    const Outcome run = decode(recording({message("payload").substr(0, size)}));
    EXPECT_EQ(run.exit_code, exit_findings) << size;
    EXPECT_THAT(run.out, HasSubstr("undecodable  " + std::to_string(size) + " bytes")) << size;
  }
}

TEST(TraceDecode, prints_no_control_character_of_a_peer) {
  std::string type_with_escape = message("p");
  type_with_escape[4] = '\x1b';
  std::string bytes = recording({type_with_escape, "\x1b[2J", message("\x9b\x07")});
  for (const bool json : {false, true}) {
    const Outcome run = decode(bytes, {.json = json});
    EXPECT_THAT(run.out, Not(HasSubstr("\x1b")));
    EXPECT_THAT(run.out, Not(HasSubstr("\x07")));
  }
}

TEST(TraceDecode, shows_a_cut_recording_up_to_there) {
  const std::string whole = recording({message("one"), message("two")});
  const Outcome run = decode(whole.substr(0, whole.size() - 1));
  EXPECT_EQ(run.exit_code, exit_findings);
  EXPECT_THAT(run.out, HasSubstr("\"one\""));
  EXPECT_THAT(run.out, HasSubstr("! the last record is cut (byte "));
}

TEST(TraceDecode, shows_a_damaged_recording_up_to_there) {
  std::string bytes = recording({message("one"), message("two")});
  bytes[bytes.size() - 10] ^= 0x55;
  const Outcome run = decode(bytes);
  EXPECT_EQ(run.exit_code, exit_findings);
  EXPECT_THAT(run.out, HasSubstr("\"one\""));
  EXPECT_THAT(run.out, HasSubstr("! a record is damaged (byte "));
}

TEST(TraceDecode, a_size_limit_that_was_reached_is_no_finding) {
  std::string bytes;
  trace::WriterOptions options = trace::test::options();
  options.max_bytes = 16 * 1024;
  trace::Writer writer(std::make_unique<trace::test::MemorySink>(bytes), options);
  const std::string data = message(std::string(1000, 'x'));
  for (int i = 0; i < 100; ++i) {
    writer.message(1ms, trace::test::binary(data));
  }
  const Outcome run = decode(bytes);
  EXPECT_EQ(run.exit_code, exit_ok);
  EXPECT_THAT(run.out, HasSubstr("the recording reached its limit of 16384 bytes and ends here"));
}

TEST(TraceDecode, writes_json_objects) {
  const Outcome run = decode(recording({message("\xFF")}), {.json = true});
  EXPECT_EQ(run.exit_code, exit_ok);
  EXPECT_EQ(
      run.out,
      R"({"kind":"header","format_version":1,"program_version":"0.1.0",)"
      R"("start":"1970-01-01T00:28:20.000000000Z","session_id":"user-1","secrets_redacted":true})"
      "\n"
      R"({"time_ns":1000000,"kind":"message","connection":1,"side":"client",)"
      R"("direction":"received","form":"binary","message":{"type":"output_stream_data",)"
      R"("sequence":3,"flags":0,"payload_type":"output","payload_type_number":1,)"
      R"("message_id":"01234567-89ab-4def-8123-456789abcdef","created_ms":1700000000000,)"
      R"("schema_version":1,"header_length":116,"payload_length_field":1,"payload_size":1,)"
      R"("digest_ok":true,"payload_base64":"/w=="},"fault_rules":[]})"
      "\n");
}

TEST(TraceDecode, refuses_what_is_no_recording) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(decode("GIF89a, honestly").exit_code, exit_infrastructure);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "ssmsim: not a recording (byte 0): expected the file to begin with SSMTRACE\n");
}

TEST(TraceDecode, decodes_a_hex_dump_of_one_message) {
  const Outcome run = decode(hex(message("hello")), {.hex = true});
  EXPECT_EQ(run.exit_code, exit_ok);
  EXPECT_EQ(run.out, "output_stream_data  seq 3  flags -  output  5 bytes  digest ok  \"hello\"\n");
}

TEST(TraceDecode, judges_a_hex_dump_of_one_message) {
  std::string bytes = message("hello");
  bytes.back() = 'O';
  const Outcome run = decode(hex(bytes), {.hex = true});
  EXPECT_EQ(run.exit_code, exit_findings);
  EXPECT_THAT(run.out, HasSubstr("digest WRONG"));
}

TEST(TraceDecode, refuses_what_is_no_hex_dump) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(decode("hello", {.hex = true}).exit_code, exit_infrastructure);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "ssmsim: line 1: expected pairs of hex digits, seen 'h'\n");
}

TEST(TraceDecode, reports_output_that_cannot_be_written) {
  std::istringstream in(recording({message("one")}));
  std::ofstream full("/dev/full");
  EXPECT_EQ(decode_trace(in, full, {}), exit_infrastructure);
}

/// The command as the program runs it, with standard output and standard error in one text.
class TraceCommand : public testing::Test {
 protected:
  TraceCommand() {
    std::string pattern = testing::TempDir() + "ssm_trace_command_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~TraceCommand() override { std::filesystem::remove_all(directory_); }

  Outcome run(std::vector<const char*> arguments) {
    CLI::App app("", "ssmsim");
    app.require_subcommand(1);
    Action action;
    add_trace_command(app, action);
    arguments.insert(arguments.begin(), "ssmsim");
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Outcome result;
    if (parse_command_line(app, static_cast<int>(arguments.size()), arguments.data(),
                           result.exit_code)) {
      result.exit_code = action();
    }
    result.out = testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
    return result;
  }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
};

TEST_F(TraceCommand, decodes_a_file) {
  std::ofstream(path("a")) << recording({message("hello")});
  const Outcome result = run({"trace", "decode", path("a").c_str()});
  EXPECT_EQ(result.exit_code, exit_ok);
  EXPECT_THAT(result.out, HasSubstr("\"hello\""));
}

TEST_F(TraceCommand, takes_options_in_any_order) {
  std::ofstream(path("a")) << hex(message("hello"));
  const Outcome result = run({"trace", "decode", path("a").c_str(), "--json", "--hex"});
  EXPECT_EQ(result.exit_code, exit_ok);
  EXPECT_THAT(result.out, HasSubstr("\"payload\":\"hello\""));
}

TEST_F(TraceCommand, says_which_file_cannot_be_read) {
  const Outcome missing = run({"trace", "decode", path("none").c_str()});
  EXPECT_EQ(missing.exit_code, exit_infrastructure);
  EXPECT_THAT(missing.out, HasSubstr(path("none") + ": No such file or directory"));
  const Outcome directory = run({"trace", "decode", directory_.c_str()});
  EXPECT_EQ(directory.exit_code, exit_infrastructure);
  EXPECT_THAT(directory.out, HasSubstr("expected a file, seen a directory"));
}

TEST_F(TraceCommand, needs_a_file) {
  EXPECT_EQ(run({"trace", "decode"}).exit_code, exit_usage);
  EXPECT_EQ(run({"trace"}).exit_code, exit_usage);
}

TEST_F(TraceCommand, explains_itself) {
  const Outcome help = run({"trace", "decode", "--help"});
  EXPECT_EQ(help.exit_code, exit_ok);
  EXPECT_THAT(help.out, HasSubstr("Examples:\n  ssmsim trace decode "));
  EXPECT_THAT(help.out, HasSubstr("Exit codes: 0 ok; 1 a message is malformed"));
}

}  // namespace
}  // namespace ssmsim
