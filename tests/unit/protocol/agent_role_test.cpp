#include "ssm/protocol/agent_role.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "role_script.hpp"
#include "ssm/protocol/open_data_channel.hpp"

namespace ssm::protocol {
namespace {

using test::ack_frame;
using test::at_ms;
using test::control_frame;
using test::drain;
using test::frame_of;
using test::input_frame;
using test::Lines;
using test::run_until;
using testing::ElementsAre;
using testing::IsEmpty;

AgentConfig config(std::string_view profile = "strict") {
  return {.profile = *find_agent_profile(profile),
          .session_id = "user-1",
          .instance_id = "i-1",
          .epoch = {.start = at_ms(0), .unix_ms_at_start = 1'700'000'000'000},
          .seed = 1};
}

/// Connected at time 0, its program running.
AgentRole running(AgentConfig chosen) {
  AgentRole role(std::move(chosen));
  role.start(at_ms(0));
  role.channel_created("T1", at_ms(0));
  role.connection_opened(at_ms(0));
  const Lines said = drain(role);
  EXPECT_THAT(said, ElementsAre("call CreateDataChannel", "open", "token frame",
                                "agent_session_state Connected", "* connected"));
  role.set_input_ready(true, at_ms(0));
  return role;
}

AgentRole running(std::string_view profile = "strict") {
  return running(config(profile));
}

TEST(AgentRole, reports_connected_before_any_stream_data) {
  (void)running();
}

TEST(AgentRole, names_its_instance_and_the_new_token_in_the_first_frame) {
  AgentRole role(config());
  role.start(at_ms(0));
  role.channel_created("T1", at_ms(0));
  role.connection_opened(at_ms(0));
  (void)role.poll_output();
  (void)role.poll_output();
  const auto output = role.poll_output();
  ASSERT_TRUE(output);
  const auto open = parse_open_data_channel(as_bytes(std::get<SendText>(*output).text));
  ASSERT_TRUE(open);
  EXPECT_EQ(open->token_value, "T1");
  EXPECT_EQ(open->client_instance_id, "i-1");
  EXPECT_EQ(open->client_id, "");
  EXPECT_FALSE(open->client_version);
}

TEST(AgentRole, marks_only_output_zero_with_syn) {
  AgentRole role = running();
  role.send_output(PayloadType::output, as_bytes("a"), at_ms(1));
  role.send_output(PayloadType::output, as_bytes("b"), at_ms(1));
  EXPECT_THAT(drain(role), ElementsAre("output 0 output 'a' SYN", "output 1 output 'b'"));
}

TEST(AgentRole, leaves_input_unacknowledged_until_the_program_exists) {
  AgentRole role(config());
  role.start(at_ms(0));
  role.channel_created("T1", at_ms(0));
  role.connection_opened(at_ms(0));
  (void)drain(role);
  role.receive(input_frame(0, "ls"), at_ms(1));
  EXPECT_THAT(drain(role), IsEmpty());
  role.set_input_ready(true, at_ms(2));
  role.receive(input_frame(0, "ls"), at_ms(2));
  EXPECT_THAT(drain(role), ElementsAre("ack 0", "* output 'ls'"));
}

TEST(AgentRole, delivers_early_input_that_was_stored_ahead_once_ready) {
  AgentRole role(config());
  role.start(at_ms(0));
  role.channel_created("T1", at_ms(0));
  role.connection_opened(at_ms(0));
  (void)drain(role);
  role.receive(input_frame(0, "a"), at_ms(1));
  role.receive(input_frame(1, "b"), at_ms(1));
  EXPECT_THAT(drain(role), ElementsAre("ack 1"));
  role.set_input_ready(true, at_ms(2));
  role.receive(input_frame(0, "a"), at_ms(2));
  EXPECT_THAT(drain(role), ElementsAre("ack 0", "* output 'a'", "* output 'b'"));
}

TEST(AgentRole, acknowledges_duplicates_again_without_delivering_them) {
  AgentRole role = running();
  role.receive(input_frame(0, "a"), at_ms(1));
  role.receive(input_frame(0, "a"), at_ms(1));
  role.receive(input_frame(-1, "a"), at_ms(1));
  EXPECT_THAT(drain(role), ElementsAre("ack 0", "ack 0", "ack -1", "* output 'a'"));
}

TEST(AgentRole, applies_sizes_and_ignores_unknown_payload_types) {
  AgentRole role = running();
  role.receive(frame_of({.type = MessageType::input_stream_data,
                         .sequence = 0,
                         .payload = R"({"cols":80,"rows":24})",
                         .payload_type = PayloadType::size}),
               at_ms(1));
  role.receive(frame_of({.type = MessageType::input_stream_data,
                         .sequence = 1,
                         .payload = "?",
                         .payload_type = static_cast<PayloadType>(99)}),
               at_ms(1));
  EXPECT_THAT(drain(role), ElementsAre("ack 0", "ack 1", "* size 80x24"));
}

TEST(AgentRole, leaves_a_malformed_size_unacknowledged) {
  AgentRole role = running();
  role.receive(frame_of({.type = MessageType::input_stream_data,
                         .sequence = 0,
                         .payload = R"({"cols":-1,"rows":24})",
                         .payload_type = PayloadType::size}),
               at_ms(1));
  EXPECT_THAT(drain(role), IsEmpty());
}

TEST(AgentRole, checks_digests_only_under_the_strict_profile) {
  Frame damaged = Frame::copy_of(input_frame(0, "good").bytes());
  damaged.writable()[payload_offset] = std::byte{'w'};
  AgentRole strict = running();
  strict.receive(damaged, at_ms(1));
  EXPECT_THAT(drain(strict), IsEmpty());
  AgentRole reference = running("agent-3.3");
  reference.receive(damaged, at_ms(1));
  EXPECT_THAT(drain(reference), ElementsAre("ack 0", "* output 'wood'"));
}

TEST(AgentRole, sends_the_oldest_output_again_once_per_timeout) {
  AgentRole role = running();
  role.send_output(PayloadType::output, as_bytes("a"), at_ms(0));
  role.send_output(PayloadType::output, as_bytes("b"), at_ms(0));
  (void)drain(role);
  EXPECT_THAT(run_until(role, at_ms(600)),
              ElementsAre("@200", "output 0 output 'a' SYN", "@600", "output 0 output 'a' SYN"));
}

TEST(AgentRole, stops_output_while_paused_and_restarts_it_on_start_publication) {
  AgentRole role = running();
  role.send_output(PayloadType::output, as_bytes("a"), at_ms(0));
  (void)drain(role);
  role.receive(control_frame(MessageType::pause_publication, ""), at_ms(1));
  EXPECT_FALSE(role.can_send());
  EXPECT_THAT(run_until(role, at_ms(5000)), IsEmpty()) << "no resends while paused";
  role.receive(control_frame(MessageType::start_publication, ""), at_ms(5000));
  EXPECT_THAT(drain(role), ElementsAre("output 0 output 'a' SYN", "* output possible"));
  EXPECT_TRUE(role.can_send());
}

TEST(AgentRole, ends_a_pause_on_input_and_on_any_acknowledge) {
  for (const bool by_input : {true, false}) {
    AgentRole role = running();
    role.receive(control_frame(MessageType::pause_publication, ""), at_ms(1));
    EXPECT_TRUE(role.paused());
    role.receive(by_input ? input_frame(-5, "old") : ack_frame(999), at_ms(2));
    EXPECT_FALSE(role.paused());
  }
}

TEST(AgentRole, ignores_a_pause_without_a_date) {
  AgentRole role = running();
  role.receive(frame_of({.type = MessageType::pause_publication,
                         .payload = "",
                         .payload_type = PayloadType::none,
                         .created_date_ms = 0}),
               at_ms(1));
  EXPECT_FALSE(role.paused());
}

TEST(AgentRole, reports_terminating_after_its_output_was_acknowledged) {
  AgentRole role = running();
  role.send_output(PayloadType::output, as_bytes("bye"), at_ms(0));
  (void)drain(role);
  role.finish(at_ms(1));
  EXPECT_THAT(drain(role), IsEmpty());
  role.receive(ack_frame(0), at_ms(5));
  EXPECT_THAT(drain(role),
              ElementsAre("agent_session_state Terminating", "drop", "* ended success"));
}

TEST(AgentRole, of_the_reference_waits_two_seconds_for_acknowledgements_at_the_end) {
  AgentRole role = running("agent-3.3");
  role.send_output(PayloadType::output, as_bytes("bye"), at_ms(0));
  (void)drain(role);
  role.finish(at_ms(0));
  const Lines said = run_until(role, at_ms(10'000));
  ASSERT_GE(said.size(), 4U);
  EXPECT_THAT(Lines(said.end() - 4, said.end()),
              ElementsAre("@2000", "agent_session_state Terminating", "drop", "* ended success"));
}

TEST(AgentRole, reports_output_that_was_not_acknowledged_in_time_as_a_failure) {
  AgentConfig limited = config();
  limited.profile.drain_limit = std::chrono::seconds(2);
  AgentRole role = running(limited);
  role.send_output(PayloadType::output, as_bytes("bye"), at_ms(0));
  (void)drain(role);
  role.finish(at_ms(0));
  const Lines said = run_until(role, at_ms(10'000));
  ASSERT_GE(said.size(), 3U);
  EXPECT_THAT(Lines(said.end() - 3, said.end()),
              ElementsAre("@2000", "drop",
                          "* ended failed: The last output was not acknowledged by the client; "
                          "some of it may be lost."));
}

TEST(AgentRole, sends_no_terminating_after_channel_closed) {
  AgentRole role = running();
  role.receive(control_frame(MessageType::channel_closed, R"({"SessionId":"another"})"), at_ms(1));
  EXPECT_THAT(drain(role), ElementsAre("* channel closed"));
  role.cancelled(at_ms(2));
  EXPECT_THAT(drain(role), ElementsAre("drop", "* ended cancelled"));
}

TEST(AgentRole, ignores_a_malformed_channel_closed) {
  AgentRole role = running();
  role.receive(control_frame(MessageType::channel_closed, "x"), at_ms(1));
  EXPECT_THAT(drain(role), IsEmpty());
}

TEST(AgentRole, reports_failure_without_terminating) {
  AgentRole role = running();
  role.fail("no such shell", at_ms(1));
  EXPECT_THAT(drain(role), ElementsAre("drop", "* ended failed: no such shell"));
}

TEST(AgentRole, reconnects_with_a_new_token_and_sends_unacknowledged_output_again) {
  AgentRole role = running();
  role.send_output(PayloadType::output, as_bytes("a"), at_ms(0));
  role.send_output(PayloadType::output, as_bytes("b"), at_ms(0));
  (void)drain(role);
  role.connection_lost("reset", at_ms(1));
  EXPECT_THAT(drain(role), ElementsAre("call CreateDataChannel"));
  role.send_output(PayloadType::output, as_bytes("c"), at_ms(2));
  role.channel_created("T2", at_ms(3));
  role.connection_opened(at_ms(4));
  EXPECT_THAT(drain(role), ElementsAre("open", "token frame", "output 0 output 'a' SYN",
                                       "output 1 output 'b'", "output 2 output 'c'"));
}

TEST(AgentRole, uses_one_request_id_per_disconnection) {
  AgentRole role(config());
  role.start(at_ms(0));
  const auto request_id = [&role]() {
    std::string id;
    while (auto output = role.poll_output()) {
      if (const auto* request = std::get_if<RequestDataChannel>(&*output)) {
        id = request->request_id;
      }
    }
    return id;
  };
  const std::string first = request_id();
  role.channel_refused("503", at_ms(0));
  role.on_timer(*role.next_timeout());
  EXPECT_EQ(request_id(), first);
  role.channel_created("T", at_ms(500));
  role.connection_opened(at_ms(500));
  role.connection_lost("reset", at_ms(600));
  const std::string second = request_id();
  EXPECT_NE(second, "");
  EXPECT_NE(second, first);
}

TEST(AgentRole, fails_the_session_after_six_refused_first_attempts) {
  AgentRole role(config());
  role.start(at_ms(0));
  int calls = 0;
  Instant now = at_ms(0);
  Lines last;
  while (!role.ended()) {
    last = drain(role);
    if (last == Lines{"call CreateDataChannel"}) {
      ++calls;
      role.channel_refused("503", now);
    } else {
      now = role.next_timeout().value();
      role.on_timer(now);
    }
  }
  EXPECT_EQ(calls, 6);
  EXPECT_THAT(drain(role),
              ElementsAre("* ended failed: Setting up data channel with id user-1 failed: 503"));
}

TEST(AgentRole, stops_trying_at_once_when_the_session_is_already_terminated) {
  AgentRole role = running();
  role.connection_lost("reset", at_ms(1));
  (void)drain(role);
  role.channel_refused("... Session is already terminated ...", at_ms(2));
  const std::string text = "The data channel was lost: ... Session is already terminated ...";
  EXPECT_THAT(drain(role), ElementsAre("* channel closed: " + text));
  role.cancelled(at_ms(3));
  EXPECT_THAT(drain(role), ElementsAre("* ended cancelled: " + text));
}

TEST(AgentRole, keeps_the_reason_when_it_gives_up_a_channel_that_was_open) {
  AgentRole role = running();
  role.connection_lost("reset", at_ms(0));
  Instant now = at_ms(0);
  Lines said = drain(role);
  while (said == Lines{"call CreateDataChannel"}) {
    role.channel_refused("503", now);
    if (const auto next = role.next_timeout()) {
      now = *next;
      role.on_timer(now);
    }
    said = drain(role);
  }
  EXPECT_THAT(said, ElementsAre("* channel closed: The data channel was lost: 503"));
  EXPECT_EQ(role.status().connection, ConnectionState::lost);
  role.cancelled(now);
  EXPECT_THAT(drain(role), ElementsAre("* ended failed: The data channel was lost: 503"));
  EXPECT_EQ(role.end_reason(), AgentEnd::failed);
}

AgentConfig waiting_five_seconds_for_stragglers() {
  AgentConfig chosen = config();
  chosen.profile.straggler_limit = std::chrono::seconds(5);
  return chosen;
}

//= SEQ-008
TEST(AgentRole, does_not_wait_for_ever_for_a_message_that_its_client_will_never_acknowledge) {
  AgentRole role = running(waiting_five_seconds_for_stragglers());
  role.send_output(PayloadType::output, as_bytes("a"), at_ms(0));
  role.send_output(PayloadType::output, as_bytes("b"), at_ms(0));
  role.receive(ack_frame(1), at_ms(10));
  for (int i = 2; i < 4; ++i) {
    // A copy of message 0 is on its way before each.
    (void)run_until(role, at_ms(1000 * i));
    role.send_output(PayloadType::output, as_bytes("more"), at_ms(1000 * i));
    role.receive(ack_frame(i), at_ms(1000 * i + 10));
  }
  role.finish(at_ms(4000));
  (void)drain(role);
  const Lines said = run_until(role, at_ms(9000));
  EXPECT_EQ(said.back(), "* ended success");
  EXPECT_TRUE(role.ended());
}

TEST(AgentRole, says_so_when_stragglers_of_an_unknown_client_never_come) {
  AgentConfig chosen = waiting_five_seconds_for_stragglers();
  chosen.profile.reports_lost_output = true;
  AgentRole role = running(chosen);
  role.send_output(PayloadType::output, as_bytes("a"), at_ms(0));
  role.send_output(PayloadType::output, as_bytes("b"), at_ms(0));
  role.receive(ack_frame(1), at_ms(10));
  role.finish(at_ms(1000));
  (void)run_until(role, at_ms(60'999));
  EXPECT_FALSE(role.ended());
  const Lines said = run_until(role, at_ms(61'000));
  EXPECT_EQ(said.back(),
            "* ended failed: The last output was not acknowledged by the client; some of it may be "
            "lost.");
}

TEST(AgentRole, waits_for_stragglers_of_a_client_that_acknowledges_copies) {
  AgentRole role = running(waiting_five_seconds_for_stragglers());
  for (const char* text : {"a", "b", "c"}) {
    role.send_output(PayloadType::output, as_bytes(text), at_ms(0));
  }
  role.receive(ack_frame(0), at_ms(10));
  role.receive(ack_frame(0), at_ms(11));
  role.receive(ack_frame(2), at_ms(12));
  role.finish(at_ms(1000));
  (void)run_until(role, at_ms(60'000));
  EXPECT_FALSE(role.ended());
  role.receive(ack_frame(1), at_ms(60'000));
  EXPECT_TRUE(role.ended());
}

TEST(AgentRole, takes_an_acknowledgement_of_what_was_never_sent_for_no_copy) {
  AgentRole role = running(waiting_five_seconds_for_stragglers());
  role.send_output(PayloadType::output, as_bytes("a"), at_ms(0));
  role.send_output(PayloadType::output, as_bytes("b"), at_ms(0));
  role.receive(ack_frame(77), at_ms(9));
  role.receive(ack_frame(-1), at_ms(9));
  role.receive(ack_frame(1), at_ms(10));
  role.finish(at_ms(1000));
  (void)run_until(role, at_ms(61'000));
  EXPECT_TRUE(role.ended());
}

TEST(AgentRole, does_not_take_a_copy_for_ignored_that_its_connection_may_have_swallowed) {
  AgentRole role = running(waiting_five_seconds_for_stragglers());
  role.send_output(PayloadType::output, as_bytes("a"), at_ms(0));
  role.send_output(PayloadType::output, as_bytes("b"), at_ms(0));
  role.receive(ack_frame(1), at_ms(10));
  for (int i = 2; i < 6; ++i) {
    (void)run_until(role, at_ms(1000 * i));
    role.receive(control_frame(MessageType::pause_publication, ""), at_ms(1000 * i));
    role.receive(control_frame(MessageType::start_publication, ""), at_ms(1000 * i));
    role.send_output(PayloadType::output, as_bytes("more"), at_ms(1000 * i));
    (void)drain(role);
  }
  role.receive(ack_frame(2), at_ms(6000));
  role.receive(ack_frame(3), at_ms(6000));
  role.receive(ack_frame(4), at_ms(6000));
  role.receive(ack_frame(5), at_ms(6000));
  role.finish(at_ms(6000));
  (void)run_until(role, at_ms(60'000));
  EXPECT_FALSE(role.ended());
}

TEST(AgentRole, waits_for_its_newest_output_and_for_stragglers_of_a_client_that_is_away) {
  AgentRole newest = running(waiting_five_seconds_for_stragglers());
  newest.send_output(PayloadType::output, as_bytes("a"), at_ms(0));
  newest.send_output(PayloadType::output, as_bytes("b"), at_ms(0));
  newest.receive(ack_frame(0), at_ms(10));
  newest.finish(at_ms(1000));
  (void)run_until(newest, at_ms(60'000));
  EXPECT_FALSE(newest.ended());
  AgentRole away = running(waiting_five_seconds_for_stragglers());
  away.send_output(PayloadType::output, as_bytes("a"), at_ms(0));
  away.send_output(PayloadType::output, as_bytes("b"), at_ms(0));
  away.receive(ack_frame(1), at_ms(10));
  away.finish(at_ms(1000));
  away.receive(control_frame(MessageType::pause_publication, ""), at_ms(2000));
  (void)run_until(away, at_ms(40'000));
  EXPECT_FALSE(away.ended());
  away.receive(control_frame(MessageType::start_publication, ""), at_ms(40'000));
  (void)run_until(away, at_ms(99'999));
  EXPECT_FALSE(away.ended());
  (void)run_until(away, at_ms(100'000));
  EXPECT_TRUE(away.ended());
}

TEST(AgentRole, goes_on_without_a_channel_under_the_reference_profile) {
  AgentRole role = running("agent-3.3");
  role.connection_lost("reset", at_ms(0));
  Instant now = at_ms(0);
  while (drain(role) == Lines{"call CreateDataChannel"}) {
    role.channel_refused("503", now);
    if (const auto next = role.next_timeout()) {
      now = *next;
      role.on_timer(now);
    }
  }
  EXPECT_EQ(role.status().connection, ConnectionState::lost);
  EXPECT_FALSE(role.ended());
  EXPECT_TRUE(role.can_send()) << "its program runs on";
  role.cancelled(now);
  EXPECT_THAT(drain(role), ElementsAre("* ended failed: The data channel was lost: 503"));
}

TEST(AgentRole, tells_what_is_in_flight_and_what_is_stored) {
  AgentRole role = running();
  role.send_output(PayloadType::output, as_bytes("a"), at_ms(1));
  role.receive(input_frame(3, "ahead"), at_ms(1));
  const ChannelStatus status = role.status();
  EXPECT_EQ(status.connection, ConnectionState::open);
  EXPECT_EQ(status.next_sequence, 1);
  EXPECT_EQ(status.oldest_unacknowledged, 0);
  EXPECT_EQ(status.expected_sequence, 0);
  EXPECT_EQ(status.stored_messages, 1U);
}

TEST(AgentRole, pings_and_counts_a_silent_peer_as_lost) {
  AgentRole role = running();
  EXPECT_THAT(run_until(role, at_ms(113'999)), ElementsAre("@54000", "ping", "@108000", "ping"));
  EXPECT_THAT(run_until(role, at_ms(114'000)),
              ElementsAre("@114000", "drop", "call CreateDataChannel"));
}

TEST(AgentRole, keeps_the_connection_while_pongs_arrive) {
  AgentRole role = running();
  for (int i = 1; i <= 10; ++i) {
    const Instant ping_at = at_ms(54'000 * i);
    EXPECT_THAT(run_until(role, ping_at), ElementsAre("@" + std::to_string(54'000 * i), "ping"));
    role.pong_received(ping_at);
  }
}

TEST(AgentRole, holds_back_output_when_the_window_is_full) {
  AgentRole role = running();
  std::size_t sent = 0;
  while (role.can_send()) {
    role.send_output(PayloadType::output, as_bytes("x"), at_ms(1));
    ++sent;
  }
  EXPECT_EQ(sent, config().profile.channel.send.buffer_messages);
  (void)drain(role);
  role.receive(ack_frame(0), at_ms(2));
  EXPECT_THAT(drain(role), ElementsAre("* output possible"));
}

}  // namespace
}  // namespace ssm::protocol
