/// What a peer may send to do harm: every parser ends with a value or an error, within bounds, and
/// what it accepts survives writing and reading.

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mutation.hpp"
#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/agent_session_state.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/encryption_challenge.hpp"
#include "ssm/protocol/exit_code.hpp"
#include "ssm/protocol/handshake.hpp"
#include "ssm/protocol/open_control_channel.hpp"
#include "ssm/protocol/open_data_channel.hpp"
#include "ssm/protocol/port_flag.hpp"
#include "ssm/protocol/task.hpp"
#include "ssm/protocol/terminal_size.hpp"

namespace ssm::protocol {
namespace {

/// Whether the payload was accepted; fails the test if its value does not survive.
using Check = std::function<bool(std::string_view)>;

template <class T>
Check check_json(Result<T> (*parse)(Bytes)) {
  return [parse](std::string_view payload) {
    const Result<T> value = parse(as_bytes(payload));
    if (value.has_error()) {
      EXPECT_TRUE(value.error().code == make_error_code(Errc::malformed_json) ||
                  value.error().code == make_error_code(Errc::malformed_field));
      EXPECT_LT(value.error().context.size(), 500U);
      return false;
    }
    const std::string written = serialize(*value);
    const Result<T> again = parse(as_bytes(written));
    if (again.has_error()) {
      ADD_FAILURE() << again.error().to_string() << "\n" << payload << "\n" << written;
    } else {
      EXPECT_EQ(serialize(*again), written) << payload;
      EXPECT_TRUE(*again == *value) << payload;
    }
    return true;
  };
}

struct Parser {
  std::string valid;
  Check check;
};

std::vector<Parser> json_parsers() {
  return {
      {R"({"Cookie":null,"MessageSchemaVersion":"1.0","RequestId":"r","TokenValue":"t",)"
       R"("AgentVersion":"3.3.0.0","PlatformType":"linux"})",
       check_json(parse_open_control_channel)},
      {R"({"AcknowledgedMessageType":"output_stream_data","AcknowledgedMessageId":)"
       R"("dd01e56b-ff48-483e-a508-b5f073f31b16","AcknowledgedMessageSequenceNumber":2,)"
       R"("IsSequentialMessage":true})",
       check_json(parse_acknowledge)},
      {R"({"MessageType":"channel_closed","MessageId":"m","DestinationId":"d","SessionId":"s",)"
       R"("SchemaVersion":1,"CreatedDate":"now","Output":"o"})",
       check_json(parse_channel_closed)},
      {R"({"cols":80,"rows":24})", check_json(parse_terminal_size)},
      {R"({"MessageSchemaVersion":"1.0","RequestId":"r","TokenValue":"t","ClientInstanceId":"i",)"
       R"("ClientId":"c","ClientVersion":"1.2.0.0"})",
       check_json(parse_open_data_channel)},
      {R"({"SchemaVersion":1,"SessionState":"Connected","SessionId":"s"})",
       check_json(parse_agent_session_state)},
      {R"({"AgentVersion":"3.3.0.0","RequestedClientActions":[{"ActionType":"SessionType",)"
       R"("ActionParameters":{"SessionType":"Port","Properties":{"portNumber":"80"}}},)"
       R"({"ActionType":"KMSEncryption","ActionParameters":{"KMSKeyId":"k","Challenge":"QQ=="}},)"
       R"({"ActionType":"Foo","ActionParameters":[1.5,"<",null]}]})",
       check_json(parse_handshake_request)},
      {R"({"ClientVersion":"1","ProcessedClientActions":[{"ActionType":"KMSEncryption",)"
       R"("ActionStatus":1,"ActionResult":{"KMSCipherTextKey":"QQ==","KMSCipherTextHash":null},)"
       R"("Error":""},{"ActionType":"Foo","ActionStatus":0,"ActionResult":3,"Error":"e"}],)"
       R"("Errors":["e"]})",
       check_json(parse_handshake_response)},
      {R"({"HandshakeTimeToComplete":11901357,"CustomerMessage":"m"})",
       check_json(parse_handshake_complete)},
      {R"({"Challenge":"QUJD"})", check_json(parse_encryption_challenge)},
      {R"({"Content":"{\"DocumentName\":\"n\",\"DocumentContent\":{\"a\":[1]},\"SessionId\":\"s\",)"
       R"(\"Parameters\":{\"p\":\"\\u003c\"},\"RunAsUser\":\"\",\"SessionOwner\":\"o\"}",)"
       R"("TaskId":"t","Topic":"interactive_shell","SchemaVersion":1})",
       check_json(parse_interactive_shell)},
      {R"({"SchemaVersion":1,"TaskId":"t","Topic":"agent_task_complete","FinalTaskStatus":"Success",)"
       R"("IsRoutingFailure":false,"AwsAccountId":"","InstanceId":"i","Output":"","S3Bucket":"",)"
       R"("S3UrlSuffix":"","CwlGroup":"","CwlStream":"","RetryNumber":1})",
       check_json(parse_agent_task_complete)},
      {R"({"SchemaVersion":1,"MessageId":"m","TaskId":"t","Topic":"agent_task_complete"})",
       check_json(parse_agent_task_acknowledge)},
  };
}

void expect_refused(const std::string& payload) {
  for (const Parser& parser : json_parsers()) {
    EXPECT_FALSE(parser.check(payload)) << payload.substr(0, 80);
  }
}

std::string repeated(std::size_t times, std::string_view text) {
  std::string out;
  out.reserve(times * text.size());
  for (std::size_t i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

TEST(HostilePayload, examples_of_these_tests_are_valid) {
  for (const Parser& parser : json_parsers()) {
    EXPECT_TRUE(parser.check(parser.valid)) << parser.valid;
  }
}

TEST(HostilePayload, truncated_at_any_byte_is_refused) {
  for (const Parser& parser : json_parsers()) {
    for (std::size_t size = 0; size < parser.valid.size(); ++size) {
      EXPECT_FALSE(parser.check(parser.valid.substr(0, size))) << parser.valid.substr(0, size);
    }
  }
}

TEST(HostilePayload, nested_up_to_the_limit_is_read) {
  const std::string payload = "{\"x\":" + repeated(31, "[") + repeated(31, "]") + "}";
  EXPECT_TRUE(check_json(parse_terminal_size)(payload));
}

TEST(HostilePayload, nested_beyond_the_limit_is_refused) {
  expect_refused("{\"x\":" + repeated(32, "[") + repeated(32, "]") + "}");
  expect_refused(repeated(500'000, "["));
  expect_refused(repeated(150'000, "{\"a\":"));
}

TEST(HostilePayload, nested_content_has_the_same_limit) {
  const std::string content =
      "{\\\"Parameters\\\":{\\\"x\\\":" + repeated(31, "[") + repeated(31, "]") + "}}";
  EXPECT_FALSE(check_json(parse_interactive_shell)("{\"Content\":\"" + content + "\"}"));
}

TEST(HostilePayload, larger_than_the_limit_is_refused_unread) {
  expect_refused("{\"x\":\"" + std::string(1'048'576, 'a') + "\"}");
  expect_refused(std::string(1'048'577, ' '));
}

TEST(HostilePayload, string_of_almost_a_megabyte_is_read_whole) {
  const std::string text(1'048'000, 'a');
  const auto closed = parse_channel_closed(as_bytes("{\"Output\":\"" + text + "\"}"));
  ASSERT_TRUE(closed) << closed.error().to_string();
  EXPECT_EQ(closed->output, text);
}

TEST(HostilePayload, string_of_invalid_bytes_grows_at_most_threefold) {
  const auto closed =
      parse_channel_closed(as_bytes("{\"Output\":\"" + std::string(1'000'000, '\xFF') + "\"}"));
  ASSERT_TRUE(closed) << closed.error().to_string();
  EXPECT_EQ(closed->output.size(), 3'000'000U);
}

TEST(HostilePayload, with_more_values_than_the_limit_is_refused) {
  const Check check = check_json(parse_terminal_size);
  EXPECT_TRUE(check("{\"x\":[" + repeated(65'533, "1,") + "1]}"));
  EXPECT_FALSE(check("{\"x\":[" + repeated(65'534, "1,") + "1]}"));
  EXPECT_TRUE(check("{" + repeated(65'534, "\"\":1,") + "\"\":1}"));
  EXPECT_FALSE(check("{" + repeated(65'535, "\"\":1,") + "\"\":1}"));
}

TEST(HostilePayload, number_with_very_many_digits_is_bounded) {
  const std::string digits(1'000'000, '9');
  EXPECT_FALSE(check_json(parse_terminal_size)("{\"cols\":" + digits + "}"));
  EXPECT_FALSE(
      check_json(parse_acknowledge)("{\"AcknowledgedMessageSequenceNumber\":-" + digits + "}"));
  EXPECT_FALSE(
      check_json(parse_handshake_complete)("{\"HandshakeTimeToComplete\":1e" + digits + "}"));
}

TEST(HostilePayload, damaged_at_random_never_gives_a_value_that_does_not_survive) {
  test::Mutation mutation(
      {"\"",      "\\",    "\\\"", "\\\\",  "\\u003c",    "\\ud800",
       "\\udc00", "{",     "}",    "[",     "]",          ",",
       ":",       "0",     "-1",   "1e5",   "1.0",        " ",
       "true",    "false", "null", "\xFF",  "\xC5\xBF",   "\xE2\x80\xA8",
       "<",       "{}",    "[]",   "\"\":", "4294967296", "9223372036854775808"});
  std::size_t accepted = 0;
  for (const Parser& parser : json_parsers()) {
    for (int run = 0; run < 3'000 && !testing::Test::HasFailure(); ++run) {
      accepted += parser.check(mutation.apply(parser.valid)) ? 1U : 0U;
    }
  }
  EXPECT_GT(accepted, 1'000U) << "too few damaged payloads are still valid to say anything";
}

TEST(HostilePayload, texts_that_are_no_json_are_checked_too) {
  test::Mutation mutation({"EXIT_CODE: ", "-", "9999999999", " ", "\n"});
  for (int run = 0; run < 3'000; ++run) {
    const std::string payload = mutation.apply("EXIT_CODE: -12");
    if (const Result<int> code = parse_exit_code(as_bytes(payload))) {
      EXPECT_EQ(parse_exit_code(as_bytes(serialize_exit_code(*code))).value(), *code) << payload;
    }
    const Result<PortFlag> flag = parse_port_flag(as_bytes(payload));
    EXPECT_EQ(flag.has_value(), payload.size() == 4) << payload;
  }
}

}  // namespace
}  // namespace ssm::protocol
