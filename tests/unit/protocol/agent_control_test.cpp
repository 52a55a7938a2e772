#include "ssm/protocol/agent_control.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/open_control_channel.hpp"

namespace ssm::protocol {
namespace {

using namespace std::chrono_literals;

/// One line per output and event, in the order in which the machine gives them: outputs first.
class AgentControlTest : public ::testing::Test {
 protected:
  explicit AgentControlTest(AgentControlRules rules = {}) : machine(config(rules)) {}

  static AgentControlConfig config(AgentControlRules rules) {
    return {.rules = rules,
            .instance_id = "i-1",
            .version = "3.3.0.0",
            .platform_type = "linux",
            .epoch = {.start = Instant{}, .unix_ms_at_start = 1000},
            .seed = 7};
  }

  std::vector<std::string> drain() {
    std::vector<std::string> lines;
    while (auto output = machine.poll_output()) {
      std::visit([&](const auto& one) { lines.push_back(describe(one)); }, *output);
    }
    while (auto event = machine.poll_event()) {
      std::visit([&](const auto& one) { lines.push_back(describe(one)); }, *event);
    }
    return lines;
  }
  void expect(const std::vector<std::string>& lines) { EXPECT_EQ(drain(), lines); }

  static std::string describe(const RequestControlChannel& request) {
    return request.request_id.size() == 36 ? "request" : "request without id";
  }
  static std::string describe(const OpenConnection&) { return "open"; }
  static std::string describe(const DropConnection&) { return "drop"; }
  std::string describe(const SendText& text) {
    const auto open = parse_open_control_channel(as_bytes(text.text));
    EXPECT_TRUE(open);
    return "hello " + open->token_value + " " + open->agent_version + " " + open->platform_type;
  }
  std::string describe(const SendBinary& binary) {
    last_sent = binary.frame;
    const auto view = parse(binary.frame.bytes(), pedantic_message_rules);
    EXPECT_TRUE(view);
    EXPECT_EQ(view->type, MessageType::agent_task_complete);
    const auto complete = parse_agent_task_complete(view->payload);
    EXPECT_TRUE(complete);
    last_message_id = view->message_id.to_string();
    return "complete " + complete->task_id + " " + complete->final_task_status +
           (complete->output.empty() ? "" : " " + complete->output);
  }
  static std::string describe(const SendPing&) { return "ping"; }
  static std::string describe(const ControlOpened&) { return "opened"; }
  std::string describe(const ControlLost& lost) {
    last_delay = lost.retry_in;
    return (lost.denied ? "denied: " : "lost: ") + lost.reason;
  }
  static std::string describe(const SessionOrdered& order) {
    return "session " + order.task.session_id + " " + order.task.parameters;
  }
  static std::string describe(const SessionCancelled& cancelled) {
    return "cancelled " + cancelled.session_id;
  }
  static std::string describe(const CompletionUnacknowledged& lost) {
    return "unacknowledged " + lost.session_id;
  }
  static std::string describe(const ControlMessageRefused&) { return "refused"; }

  void advance(Duration by) {
    now += by;
    machine.on_timer(now);
  }
  /// Lets the machine's own deadline come.
  void fire() {
    ASSERT_TRUE(machine.next_timeout().has_value());
    now = *machine.next_timeout();
    machine.on_timer(now);
  }
  void receive(MessageType type, std::string_view payload) {
    Random random(1);
    const auto frame = encode({.type = wire_name(type),
                               .created_date_ms = 1,
                               .sequence_number = 0,
                               .flags = 0,
                               .message_id = Uuid::random_v4(random),
                               .payload_type = PayloadType::none},
                              as_bytes(payload));
    machine.receive(frame->bytes(), now);
  }
  void order(const std::string& session_id) {
    receive(MessageType::interactive_shell,
            serialize(InteractiveShell{.content = {.document_name = "Doc",
                                                   .document_content = "{}",
                                                   .session_id = session_id,
                                                   .parameters = R"({"a":"b"})",
                                                   .run_as_user = {},
                                                   .session_owner = {}},
                                       .task_id = session_id}));
  }
  void acknowledge(const std::string& message_id) {
    receive(MessageType::agent_task_acknowledge,
            serialize(AgentTaskAcknowledge{.message_id = message_id, .task_id = "s-1"}));
  }
  void connect() {
    machine.start(now);
    machine.channel_created("token", now);
    machine.connection_opened(now);
    expect({"request", "open", "hello token 3.3.0.0 linux", "opened"});
  }

  AgentControl machine;
  Instant now{};
  Frame last_sent;
  std::string last_message_id;
  Duration last_delay{0};
};

TEST_F(AgentControlTest, asks_for_a_token_opens_and_says_who_it_is) {
  EXPECT_EQ(machine.state(), ConnectionState::idle);
  EXPECT_FALSE(machine.next_timeout());
  machine.start(now);
  expect({"request"});
  EXPECT_EQ(machine.state(), ConnectionState::requesting);
  machine.channel_created("token", now);
  expect({"open"});
  EXPECT_EQ(machine.state(), ConnectionState::opening);
  machine.connection_opened(now);
  expect({"hello token 3.3.0.0 linux", "opened"});
  EXPECT_EQ(machine.state(), ConnectionState::open);
}

//= CTL-007
TEST_F(AgentControlTest, pings_every_54_seconds_as_long_as_pongs_come) {
  connect();
  for (int i = 0; i < 10; ++i) {
    fire();
    EXPECT_EQ(now, Instant{} + 54s * (i + 1));
    expect({"ping"});
    machine.pong_received(now);
  }
}

TEST_F(AgentControlTest, a_service_that_sends_no_pong_is_left) {
  connect();
  fire();
  fire();
  expect({"ping", "ping"});
  fire();
  EXPECT_EQ(now, Instant{} + 114s);
  expect({"drop", "lost: no pong from the service"});
  EXPECT_EQ(machine.state(), ConnectionState::waiting);
}

//= CTL-003
TEST_F(AgentControlTest, refusals_are_tried_again_with_doubled_delays_for_ever) {
  machine.start(now);
  Duration longest{0};
  for (int i = 0; i < 100; ++i) {
    machine.channel_refused("status 403", now);
    expect({"request", "lost: status 403"});
    EXPECT_LE(last_delay, 10s);
    longest = std::max(longest, last_delay);
    advance(last_delay - 1ns);
    EXPECT_EQ(machine.state(), ConnectionState::waiting);
    advance(1ns);
    EXPECT_EQ(machine.state(), ConnectionState::requesting);
  }
  EXPECT_GE(longest, 5s);
}

TEST_F(AgentControlTest, the_reference_waits_from_five_seconds_to_forty_minutes) {
  const AgentProfile* profile = find_agent_profile("agent-3.3");
  ASSERT_NE(profile, nullptr);
  AgentControl reference(config(agent_control_rules(*profile)));
  reference.start(now);
  Duration delay{0};
  for (int i = 0; i < 20; ++i) {
    reference.channel_refused("no", now);
    while (auto event = reference.poll_event()) {
      if (const auto* lost = std::get_if<ControlLost>(&*event)) {
        delay = lost->retry_in;
      }
    }
    EXPECT_GE(delay, 5s / 2);
    EXPECT_LE(delay, i == 0 ? Duration(15s) : Duration(40min));
    now += delay;
    reference.on_timer(now);
    while (reference.poll_output()) {
    }
  }
  EXPECT_GE(delay, 20min);
}

//= CTL-004
TEST_F(AgentControlTest, a_denied_access_is_told_apart) {
  machine.start(now);
  machine.channel_refused(
      "status 403: <AccessDeniedException><Message>no</Message></AccessDeniedException>", now);
  expect(
      {"request",
       "denied: status 403: <AccessDeniedException><Message>no</Message></AccessDeniedException>"});
}

//= CTL-008
TEST_F(AgentControlTest, a_lost_channel_is_opened_again_soon_with_a_new_token) {
  connect();
  advance(10s);
  machine.connection_lost("reset", now);
  expect({"lost: reset"});
  EXPECT_LT(last_delay, 500ms);
  fire();
  expect({"request"});
  machine.channel_created("second", now);
  machine.connection_opened(now);
  expect({"open", "hello second 3.3.0.0 linux", "opened"});
}

//= CTL-006
TEST_F(AgentControlTest, refused_tokens_are_not_tried_at_full_speed) {
  machine.start(now);
  Duration total{0};
  for (int i = 0; i < 8; ++i) {
    machine.channel_created("wrong", now);
    machine.connection_opened(now);
    machine.connection_lost("closed: 1008", now);
    drain();
    total += last_delay;
    fire();
  }
  EXPECT_GT(total, 15s);
}

TEST_F(AgentControlTest, a_connection_that_cannot_be_opened_is_tried_again) {
  machine.start(now);
  machine.channel_created("token", now);
  machine.connection_failed("refused", now);
  expect({"request", "open", "lost: refused"});
  fire();
  expect({"request"});
}

TEST_F(AgentControlTest, each_session_is_ordered_once) {
  connect();
  order("s-1");
  order("s-1");
  order("s-2");
  expect({R"(session s-1 {"a":"b"})", R"(session s-2 {"a":"b"})"});
  machine.connection_lost("x", now);
  drain();
  fire();
  machine.channel_created("t", now);
  machine.connection_opened(now);
  drain();
  order("s-1");
  expect({});
}

//= CTL-020
TEST_F(AgentControlTest, a_cancelled_session_does_not_start_any_more) {
  connect();
  receive(MessageType::channel_closed, serialize(ChannelClosed{.message_id = {},
                                                               .destination_id = {},
                                                               .session_id = "s-1",
                                                               .created_date = {},
                                                               .output = {}}));
  order("s-1");
  expect({"cancelled s-1"});
}

//= CTL-016
TEST_F(AgentControlTest, an_acknowledged_completion_is_sent_once) {
  connect();
  machine.session_ended("s-1", AgentEnd::failed, "no shell", now);
  expect({"complete s-1 Failed no shell"});
  acknowledge("11111111-2222-4333-8444-555555555555");
  EXPECT_EQ(machine.unacknowledged(), 1U);
  acknowledge(last_message_id);
  EXPECT_EQ(machine.unacknowledged(), 0U);
  advance(5s);
  expect({});
}

//= CTL-016
TEST_F(AgentControlTest, an_unacknowledged_completion_is_sent_three_times_one_second_apart) {
  connect();
  machine.session_ended("s-1", AgentEnd::success, {}, now);
  expect({"complete s-1 Success"});
  const std::string message_id = last_message_id;
  fire();
  EXPECT_EQ(now, Instant{} + 1s);
  expect({"complete s-1 Success"});
  fire();
  expect({"complete s-1 Success"});
  EXPECT_EQ(last_message_id, message_id);
  fire();
  EXPECT_EQ(now, Instant{} + 3s);
  expect({"unacknowledged s-1"});
  EXPECT_EQ(machine.unacknowledged(), 0U);
}

TEST_F(AgentControlTest, completions_wait_for_a_channel) {
  machine.session_ended("s-1", AgentEnd::cancelled, {}, now);
  advance(10s);
  expect({});
  machine.start(now);
  machine.channel_created("token", now);
  machine.connection_opened(now);
  expect({"request", "open", "hello token 3.3.0.0 linux", "complete s-1 Cancelled", "opened"});
}

TEST_F(AgentControlTest, an_unacknowledged_completion_goes_on_over_the_next_channel) {
  connect();
  machine.session_ended("s-1", AgentEnd::success, {}, now);
  machine.connection_lost("x", now);
  drain();
  advance(10s);
  expect({"request"});
  machine.channel_created("t", now);
  machine.connection_opened(now);
  expect({"open", "hello t 3.3.0.0 linux", "complete s-1 Success", "opened"});
}

//= CTL-026
TEST_F(AgentControlTest, what_is_unknown_or_malformed_changes_nothing) {
  connect();
  receive(MessageType::input_stream_data, "x");
  receive(MessageType::start_publication, "x");
  expect({});
  receive(MessageType::interactive_shell, "not JSON");
  receive(MessageType::interactive_shell, R"({"Content":"{\"DocumentContent\":7}"})");
  receive(MessageType::interactive_shell, R"({"Content":"{}"})");
  receive(MessageType::agent_task_acknowledge, "[]");
  receive(MessageType::channel_closed, "{");
  machine.receive(as_bytes("short"), now);
  expect({"refused", "refused", "refused", "refused", "refused", "refused"});
  order("s-1");
  expect({R"(session s-1 {"a":"b"})"});
}

TEST_F(AgentControlTest, stop_drops_the_connection_and_start_begins_anew) {
  connect();
  machine.stop();
  expect({"drop"});
  EXPECT_FALSE(machine.next_timeout());
  machine.connection_lost("late", now);
  order("s-1");
  expect({});
  machine.start(now);
  expect({"request"});
}

TEST_F(AgentControlTest, answers_nobody_waits_for_are_ignored) {
  machine.channel_created("x", now);
  machine.channel_refused("x", now);
  machine.connection_opened(now);
  machine.connection_failed("x", now);
  machine.connection_lost("x", now);
  machine.pong_received(now);
  machine.on_timer(now);
  expect({});
}

TEST_F(AgentControlTest, text_of_a_failure_is_bounded_and_any_bytes) {
  connect();
  machine.session_ended("s-1", AgentEnd::failed, std::string(1 << 20, '\xE2'), now);
  ASSERT_EQ(drain().size(), 1U);
  EXPECT_LE(last_sent.size(), 400000U);
}

}  // namespace
}  // namespace ssm::protocol
