#include "ssm/protocol/service_role.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "role_script.hpp"
#include "ssm/protocol/channel_closed.hpp"

namespace ssm::protocol {
namespace {

using test::ack_frame;
using test::at_ms;
using test::control_frame;
using test::drain;
using test::input_frame;
using test::Lines;
using test::output_frame;
using test::run_until;
using testing::ElementsAre;
using testing::IsEmpty;

ServiceRole service(ServiceRules rules = {}) {
  ServiceRole role({.rules = rules,
                    .session_id = "user-1",
                    .target = "i-1",
                    .epoch = {.start = at_ms(0), .unix_ms_at_start = 1'700'000'000'000},
                    .seed = 1});
  role.start(at_ms(0));
  EXPECT_THAT(drain(role), ElementsAre("* connecting"));
  return role;
}

ServiceRole joined(ServiceRules rules = {}) {
  ServiceRole role = service(rules);
  role.attached(Side::client, at_ms(0));
  role.attached(Side::agent, at_ms(0));
  EXPECT_THAT(drain(role), ElementsAre("* connected"));
  return role;
}

Frame state(std::string_view text) {
  return control_frame(
      MessageType::agent_session_state,
      R"({"SchemaVersion":1,"SessionState":")" + std::string(text) + R"(","SessionId":"user-1"})");
}

TEST(ServiceRole, relays_both_ways_byte_for_byte) {
  ServiceRole role = joined();
  const Frame from_client = input_frame(0, "ls");
  const Frame from_agent = output_frame(0, "$ ");
  role.receive(Side::client, from_client, at_ms(1));
  role.receive(Side::agent, from_agent, at_ms(1));
  role.receive(Side::agent, ack_frame(0), at_ms(1));
  const auto first = role.poll_output();
  const auto second = role.poll_output();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(std::get<Deliver>(*first).to, Side::agent);
  EXPECT_EQ(std::get<Deliver>(*first).message.bytes().data(), from_client.bytes().data())
      << "the same bytes, not a copy";
  EXPECT_EQ(std::get<Deliver>(*second).to, Side::client);
  EXPECT_THAT(drain(role), ElementsAre("to client: ack 0"));
}

TEST(ServiceRole, relays_messages_whose_digest_is_wrong) {
  ServiceRole role = joined();
  Frame damaged = Frame::copy_of(input_frame(0, "good").bytes());
  damaged.writable()[payload_offset] = std::byte{'w'};
  role.receive(Side::client, damaged, at_ms(1));
  const auto output = role.poll_output();
  ASSERT_TRUE(output);
  EXPECT_EQ(std::get<Deliver>(*output).to, Side::agent);
}

TEST(ServiceRole, keeps_agent_session_state_to_itself) {
  ServiceRole role = joined();
  role.receive(Side::agent, state("Connected"), at_ms(1));
  EXPECT_THAT(drain(role), IsEmpty());
}

TEST(ServiceRole, ends_the_session_on_terminating) {
  ServiceRole role = joined();
  role.receive(Side::agent, output_frame(0, "logout"), at_ms(1));
  role.receive(Side::agent, state("Terminating"), at_ms(1));
  EXPECT_THAT(drain(role), ElementsAre("to client: output 0 output 'logout'",
                                       "to client: channel_closed", "* over"));
  EXPECT_TRUE(role.over());
  role.detached(Side::agent, at_ms(2));
  EXPECT_THAT(run_until(role, at_ms(10'000)), ElementsAre("@2001", "close client"));
}

TEST(ServiceRole, tells_both_ends_when_terminated_from_outside) {
  ServiceRole role = joined();
  role.terminate("", false, at_ms(5));
  EXPECT_THAT(drain(role),
              ElementsAre("to client: channel_closed", "to agent: channel_closed", "* over"));
  role.terminate("", false, at_ms(6));
  EXPECT_THAT(drain(role), IsEmpty()) << "only once";
  EXPECT_THAT(run_until(role, at_ms(10'000)), ElementsAre("@2005", "close client", "close agent"));
}

TEST(ServiceRole, gives_the_failure_text_to_the_client_only) {
  ServiceRole role = joined();
  role.terminate("no shell", true, at_ms(5));
  const auto to_client = role.poll_output();
  const auto to_agent = role.poll_output();
  ASSERT_TRUE(to_client && to_agent);
  const auto text = [](const ServiceOutput& output) {
    const auto view = decode(std::get<Deliver>(output).message.bytes());
    return parse_channel_closed(view->payload)->output;
  };
  EXPECT_EQ(text(*to_client), "no shell");
  EXPECT_EQ(text(*to_agent), "");
  EXPECT_THAT(drain(role), ElementsAre("* failed: no shell"));
}

TEST(ServiceRole, holds_what_arrives_before_the_other_end_and_delivers_it_in_order) {
  ServiceRole role = service();
  role.attached(Side::agent, at_ms(0));
  role.receive(Side::agent, output_frame(0, "a"), at_ms(1));
  role.receive(Side::agent, output_frame(1, "b"), at_ms(1));
  EXPECT_THAT(drain(role), IsEmpty());
  role.attached(Side::client, at_ms(2));
  EXPECT_THAT(drain(role), ElementsAre("to client: output 0 output 'a'",
                                       "to client: output 1 output 'b'", "* connected"));
}

TEST(ServiceRole, holds_no_more_than_its_limits) {
  ServiceRole role = service({.held_messages = 2});
  role.attached(Side::client, at_ms(0));
  for (int i = 0; i < 5; ++i) {
    role.receive(Side::client, input_frame(i, "x"), at_ms(1));
  }
  EXPECT_EQ(role.dropped(Side::agent), 3U);
  (void)drain(role);
  role.attached(Side::agent, at_ms(2));
  EXPECT_THAT(drain(role), ElementsAre("to agent: input 0 output 'x'",
                                       "to agent: input 1 output 'x'", "* connected"));

  ServiceRole by_bytes = service({.held_bytes = encoded_size(1)});
  by_bytes.attached(Side::client, at_ms(0));
  by_bytes.receive(Side::client, input_frame(0, "x"), at_ms(1));
  by_bytes.receive(Side::client, input_frame(1, "x"), at_ms(1));
  EXPECT_EQ(by_bytes.dropped(Side::agent), 1U);
}

TEST(ServiceRole, pauses_the_agent_while_the_client_is_away) {
  ServiceRole role = joined();
  role.detached(Side::client, at_ms(1));
  EXPECT_THAT(drain(role), ElementsAre("to agent: pause_publication", "* disconnected"));
  role.attached(Side::client, at_ms(2));
  EXPECT_THAT(drain(role), ElementsAre("to agent: start_publication", "* connected"));
}

TEST(ServiceRole, pauses_an_agent_that_comes_back_while_the_client_is_away) {
  ServiceRole role = joined();
  role.detached(Side::client, at_ms(1));
  role.detached(Side::agent, at_ms(1));
  (void)drain(role);
  role.attached(Side::agent, at_ms(2));
  EXPECT_THAT(drain(role), ElementsAre("to agent: pause_publication"));
}

TEST(ServiceRole, refuses_service_messages_from_the_ends) {
  ServiceRole role = joined();
  role.receive(Side::client, control_frame(MessageType::channel_closed, "{}"), at_ms(1));
  role.receive(Side::agent, control_frame(MessageType::pause_publication, "{}"), at_ms(1));
  role.receive(Side::client, state("Terminating"), at_ms(1));
  const Lines said = drain(role);
  ASSERT_EQ(said.size(), 3U);
  for (const std::string& line : said) {
    EXPECT_THAT(line, testing::StartsWith("* refused from"));
  }
  EXPECT_FALSE(role.over());
}

TEST(ServiceRole, refuses_what_is_no_message_and_goes_on) {
  ServiceRole role = joined();
  role.receive(Side::client, Frame::copy_of(as_bytes("garbage")), at_ms(1));
  role.receive(Side::client, Frame(), at_ms(1));
  EXPECT_EQ(drain(role).size(), 2U);
  role.receive(Side::client, input_frame(0, "ls"), at_ms(1));
  EXPECT_THAT(drain(role), ElementsAre("to agent: input 0 output 'ls'"));
}

TEST(ServiceRole, relays_unknown_types) {
  ServiceRole role = joined();
  const Frame unknown =
      encode({.type = "bogus_type",
              .created_date_ms = 1,
              .message_id = Uuid::parse("0a1b2c3d-4e5f-4a6b-8c7d-9e8f0a1b2c3d").value()},
             as_bytes("x"))
          .value();
  role.receive(Side::client, unknown, at_ms(1));
  EXPECT_THAT(drain(role), ElementsAre("to agent: bogus_type"));
}

TEST(ServiceRole, ends_a_session_whose_agent_never_joins) {
  ServiceRole role = service({.agent_join_limit = std::chrono::seconds(60)});
  role.attached(Side::client, at_ms(10));
  (void)drain(role);
  EXPECT_THAT(run_until(role, at_ms(60'000)),
              ElementsAre("@60000", "to client: channel_closed",
                          "* failed: The agent did not join the session."));
}

TEST(ServiceRole, ends_a_session_whose_client_never_returns) {
  ServiceRole role =
      joined({.client_absence_limit = std::chrono::seconds(30), .idle_timeout = Duration::zero()});
  role.detached(Side::client, at_ms(1000));
  (void)drain(role);
  EXPECT_THAT(run_until(role, at_ms(31'000)),
              ElementsAre("@31000", "to agent: channel_closed", "* over"));
}

TEST(ServiceRole, ends_an_idle_session_and_counts_only_stream_data_as_activity) {
  ServiceRole role = joined({.idle_timeout = std::chrono::seconds(60)});
  role.receive(Side::client, input_frame(0, "x"), at_ms(10'000));
  role.receive(Side::agent, ack_frame(0), at_ms(50'000));
  (void)drain(role);
  EXPECT_THAT(run_until(role, at_ms(70'000)),
              ElementsAre("@70000", "to client: channel_closed", "to agent: channel_closed",
                          "* over: Your session timed out due to inactivity."));
}

TEST(ServiceRole, ends_a_busy_session_at_its_maximum_duration) {
  ServiceRole role = joined({.max_duration = std::chrono::seconds(5)});
  role.receive(Side::client, input_frame(0, "x"), at_ms(4'999));
  (void)drain(role);
  EXPECT_THAT(run_until(role, at_ms(5'000)),
              ElementsAre("@5000", "to client: channel_closed", "to agent: channel_closed",
                          "* over: Your session reached its maximum duration."));
}

TEST(ServiceRole, tells_an_end_that_joins_too_late_that_it_is_over) {
  ServiceRole role = service();
  role.terminate("", false, at_ms(1));
  (void)drain(role);
  role.attached(Side::agent, at_ms(2));
  EXPECT_THAT(drain(role), ElementsAre("to agent: channel_closed", "close agent"));
}

// --- late clients -------------------------------------------------------------------------------

TEST(ServiceRole, tells_a_client_that_was_away_how_the_session_ended) {
  ServiceRole role = joined();
  role.detached(Side::client, at_ms(1));
  role.receive(Side::agent, output_frame(0, "last words"), at_ms(2));
  role.receive(Side::agent, state("Terminating"), at_ms(3));
  role.detached(Side::agent, at_ms(4));
  (void)drain(role);
  EXPECT_TRUE(role.over());
  EXPECT_TRUE(role.resumable());
  EXPECT_FALSE(role.forgettable());
  role.attached(Side::client, at_ms(20'000));
  EXPECT_THAT(drain(role), ElementsAre("to client: output 0 output 'last words'",
                                       "to client: channel_closed", "close client"));
  EXPECT_FALSE(role.resumable());
  role.detached(Side::client, at_ms(20'001));
  EXPECT_TRUE(role.forgettable());
}

TEST(ServiceRole, waits_for_a_late_client_no_longer_than_its_grace) {
  ServiceRole role = joined({.resume_grace = std::chrono::seconds(30)});
  role.detached(Side::client, at_ms(0));
  role.terminate("", false, at_ms(1000));
  role.detached(Side::agent, at_ms(1001));
  EXPECT_TRUE(role.resumable());
  (void)run_until(role, at_ms(31'000));
  EXPECT_FALSE(role.resumable());
  EXPECT_TRUE(role.forgettable());
  EXPECT_FALSE(role.next_timeout());
}

TEST(ServiceRole, tells_a_client_that_came_too_late_why_its_session_failed) {
  ServiceRole role = service();
  role.terminate("no shell", true, at_ms(1));
  EXPECT_TRUE(role.resumable());
  (void)drain(role);
  role.attached(Side::client, at_ms(20));
  EXPECT_THAT(drain(role), ElementsAre("to client: channel_closed", "close client"));
  EXPECT_FALSE(role.resumable());
}

TEST(ServiceRole, keeps_the_output_of_a_program_that_was_faster_than_its_client) {
  ServiceRole role = service();
  role.attached(Side::agent, at_ms(0));
  role.receive(Side::agent, output_frame(0, "all"), at_ms(1));
  role.receive(Side::agent, state("Terminating"), at_ms(2));
  role.detached(Side::agent, at_ms(3));
  (void)drain(role);
  role.attached(Side::client, at_ms(20));
  EXPECT_THAT(drain(role), ElementsAre("to client: output 0 output 'all'",
                                       "to client: channel_closed", "close client"));
}

TEST(ServiceRole, needs_no_grace_for_a_client_that_was_told_or_never_came) {
  ServiceRole told = joined();
  told.terminate("", false, at_ms(1));
  EXPECT_FALSE(told.resumable());
  ServiceRole alone = service();
  alone.terminate("", false, at_ms(1));
  EXPECT_FALSE(alone.resumable());
}

// --- rate and age -------------------------------------------------------------------------------

TEST(ServiceRole, closes_connections_at_their_age_with_code_1000) {
  ServiceRole role =
      joined({.idle_timeout = Duration::zero(), .recycle_after = std::chrono::minutes(60)});
  role.detached(Side::agent, at_ms(1'000'000));
  role.attached(Side::agent, at_ms(1'000'000));
  (void)drain(role);
  EXPECT_THAT(run_until(role, at_ms(4'599'999)), ElementsAre("@3600000", "close client 1000"))
      << "once";
  EXPECT_THAT(run_until(role, at_ms(4'600'000)), ElementsAre("@4600000", "close agent 1000"));
}

TEST(ServiceRole, pauses_an_end_that_sends_too_fast_and_starts_it_when_half_of_its_burst_is_free) {
  ServiceRole role = joined({.rate_limit = 10, .rate_burst = 4});
  for (int i = 0; i < 4; ++i) {
    role.receive(Side::agent, output_frame(i, "x"), at_ms(0));
  }
  EXPECT_EQ(drain(role).size(), 4U);
  role.receive(Side::agent, output_frame(4, "x"), at_ms(0));
  role.receive(Side::agent, output_frame(5, "x"), at_ms(0));
  EXPECT_THAT(drain(role),
              ElementsAre("to client: output 4 output 'x'", "to agent: pause_publication",
                          "to client: output 5 output 'x'"))
      << "nothing is dropped, and it is said once";
  EXPECT_THAT(run_until(role, at_ms(1000)), ElementsAre("@400", "to agent: start_publication"));
}

TEST(ServiceRole, lets_an_end_send_at_its_rate_for_ever) {
  ServiceRole role = joined({.rate_limit = 10, .rate_burst = 1});
  for (int i = 0; i < 100; ++i) {
    role.receive(Side::client, input_frame(i, "x"), at_ms(100 * i));
    EXPECT_EQ(drain(role).size(), 1U) << i;
  }
}

TEST(ServiceRole, closes_an_end_that_sends_too_fast_if_told_so) {
  ServiceRole role = joined({.rate_limit = 1, .rate_action = RateAction::close});
  role.receive(Side::client, input_frame(0, "x"), at_ms(0));
  role.receive(Side::client, input_frame(1, "x"), at_ms(0));
  role.receive(Side::client, input_frame(2, "x"), at_ms(0));
  EXPECT_THAT(
      drain(role),
      ElementsAre("to agent: input 0 output 'x'", "to agent: input 1 output 'x'",
                  "close client 1008 message rate exceeded", "to agent: input 2 output 'x'"));
}

}  // namespace
}  // namespace ssm::protocol
