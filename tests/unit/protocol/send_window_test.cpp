#include "ssm/protocol/send_window.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "send_window_script.hpp"
#include "ssm/protocol/profile.hpp"

namespace ssm::protocol {
namespace {

using std::chrono::milliseconds;
using test::SendWindowScript;
using testing::ElementsAre;
using testing::IsEmpty;
using Added = SendWindow::Added;

SendRules plugin() {
  return find_client_profile("plugin-1.2.677")->channel.send;
}
SendRules agent() {
  return find_agent_profile("agent-3.3")->channel.send;
}
SendRules strict() {
  return find_agent_profile("strict")->channel.send;
}
SendRules small(SendRules rules, std::size_t messages) {
  rules.buffer_messages = messages;
  return rules;
}

// ---- numbers and acknowledgements ---------------------------------------------------------------

//= SEQ-001
TEST(SendWindow, numbers_start_at_zero_and_grow_by_one) {
  SendWindow window(strict());
  EXPECT_EQ(window.next_sequence(), 0);
  for (const std::int64_t expected : {0, 1, 2}) {
    EXPECT_EQ(window.next_sequence(), expected);
    EXPECT_EQ(window.add(SendWindowScript::frame_for(expected), Instant{}, true), Added::kept);
  }
  EXPECT_EQ(window.in_flight(), 3U);
}

TEST(SendWindow, an_empty_window_waits_for_nothing) {
  SendWindow window(strict());
  EXPECT_EQ(window.next_timeout(), std::nullopt);
  EXPECT_FALSE(window.resend_due(Instant(std::chrono::hours(1))));
}

//= ACK-004
TEST(SendWindow, ignores_acknowledgements_of_unknown_numbers) {
  SendWindowScript script(strict());
  script.send_many(0, 2);
  for (const std::int64_t unknown :
       {std::int64_t{2}, std::int64_t{999}, std::int64_t{-1}, INT64_MAX, INT64_MIN}) {
    EXPECT_FALSE(script.acknowledge(1, unknown).known) << unknown;
  }
  EXPECT_TRUE(script.acknowledge(2, 1).known);
  EXPECT_FALSE(script.acknowledge(2, 1).known) << "the second acknowledgement of the same number";
  EXPECT_EQ(script.window().in_flight(), 1U);
}

//= ACK-005
TEST(SendWindow, an_acknowledgement_removes_exactly_one_message) {
  SendWindowScript script(strict());
  script.send_many(0, 3);
  script.acknowledge(10, 1);
  script.acknowledge(10, 2);
  script.run_until(250);
  EXPECT_THAT(script.take(), ElementsAre("225.156 resend 0"));
}

TEST(SendWindow, nothing_is_left_after_everything_was_acknowledged) {
  for (const auto& rules : {plugin(), agent(), strict()}) {
    SendWindowScript script(rules);
    script.send_many(0, 5);
    for (const std::int64_t sequence : {3, 0, 4, 1, 2}) {
      EXPECT_TRUE(script.acknowledge(20, sequence).known);
    }
    EXPECT_EQ(script.window().in_flight(), 0U);
    EXPECT_EQ(script.window().next_timeout(), std::nullopt);
    script.run_until(10'000);
    EXPECT_THAT(script.take(), IsEmpty());
  }
}

// ---- when the oldest message is sent again ------------------------------------------------------

//= RTX-001
//= RTX-002
//= RTX-003
TEST(SendWindow, retransmits_only_the_oldest_unacked_after_rto) {
  SendWindowScript script(strict());
  script.send_many(0, 3);
  script.run_until(350);
  EXPECT_THAT(script.take(), ElementsAre("200 resend 0"));
}

//= RTX-001
//= RTX-002
//= RTX-003
TEST(SendWindow, references_retransmit_only_the_oldest_at_the_first_tick_beyond_the_rto) {
  for (const auto& rules : {plugin(), agent()}) {
    SendWindowScript script(rules);
    script.send_many(0, 3);
    script.run_until(350);
    EXPECT_THAT(script.take(), ElementsAre("300 resend 0"));
  }
}

//= RTX-004
TEST(SendWindow, plugin_repeats_at_every_tick_after_the_first_timeout) {
  SendWindowScript script(plugin());
  script.send(0);
  script.run_until(550);
  EXPECT_THAT(script.take(), ElementsAre("300 resend 0", "400 resend 0 #2", "500 resend 0 #3"));
}

//= RTX-005
//= RTX-009
TEST(SendWindow, agent_repeats_once_per_rto_without_backoff) {
  SendWindowScript script(agent());
  script.send(0);
  script.run_until(950);
  EXPECT_THAT(script.take(),
              ElementsAre("300 resend 0", "500 resend 0 #2", "700 resend 0 #3", "900 resend 0 #4"));
}

TEST(SendWindow, ticks_are_counted_from_the_first_message) {
  SendWindowScript script(agent());
  script.send(30);
  script.acknowledge(30, 0);  // RTO is now 187.5 ms
  script.send(75);
  script.run_until(400);
  EXPECT_THAT(script.take(), ElementsAre("330 resend 1"));
}

// From a recorded conversation of session-manager-plugin 1.2.677 (times from the first stream
// message): its second message was sent at 3.4 ms and came again at 200.3, 301.1 and 401.6 ms.
TEST(SendWindow, plugin_retransmits_when_the_real_one_was_seen_to) {
  SendWindowScript script(plugin());
  script.send(0);
  script.acknowledge(0.1, 0);
  script.send(3.4);
  script.run_until(401.8);
  EXPECT_THAT(script.take(), ElementsAre("200 resend 1", "300 resend 1 #2", "400 resend 1 #3"));
}

TEST(SendWindow, a_reference_looks_at_an_uncovered_message_at_the_next_tick) {
  for (const auto& rules : {plugin(), agent()}) {
    SendWindowScript script(rules);
    script.send_many(0, 2);
    script.acknowledge(350, 0);
    EXPECT_THAT(script.take(), ElementsAre("300 resend 0"));
    // By now message 1 is older than the RTO, but 350 is no tick.
    script.run_until(450);
    EXPECT_THAT(script.take(), ElementsAre("400 resend 1"));
  }
}

//= RTX-009
TEST(SendWindow, strict_repeats_at_the_exact_deadline) {
  SendWindowScript script(strict());
  script.send(5);
  script.run_until(805);
  EXPECT_THAT(script.take(), ElementsAre("205 resend 0", "605 resend 0 #2"));
}

TEST(SendWindow, strict_waits_twice_as_long_for_each_further_resend_up_to_the_maximum) {
  SendWindowScript script(strict());
  script.send(0);
  script.run_until(4500);
  EXPECT_THAT(script.take(),
              ElementsAre("200 resend 0", "600 resend 0 #2", "1400 resend 0 #3", "2400 resend 0 #4",
                          "3400 resend 0 #5", "4400 resend 0 #6"));
}

TEST(SendWindow, strict_resends_an_overdue_message_as_soon_as_an_ack_uncovers_it) {
  SendWindowScript script(strict());
  script.send_many(0, 3);  // all lost
  script.acknowledge(250, 0);
  script.acknowledge(300, 1);
  script.acknowledge(350, 2);
  EXPECT_THAT(script.take(), ElementsAre("200 resend 0", "250 resend 1", "300 resend 2"));
  EXPECT_EQ(script.window().next_timeout(), std::nullopt);
}

TEST(SendWindow, an_overdue_message_goes_before_later_ones_that_were_never_written) {
  SendWindow window(strict());
  for (int i = 0; i < 2; ++i) {
    window.add(SendWindowScript::frame_for(i), Instant{}, true);
  }
  EXPECT_EQ(window.resend_due(Instant(milliseconds(200))).value().sequence, 0);
  const Instant now(milliseconds(250));
  window.acknowledge(0, now);
  EXPECT_EQ(window.next_timeout(), now);
  window.add(SendWindowScript::frame_for(2), now, false);
  EXPECT_EQ(window.resend_due(now).value().sequence, 1);
  EXPECT_EQ(window.resend_due(now).value().sequence, 2);
  EXPECT_FALSE(window.resend_due(now));
}

TEST(SendWindow, a_late_owner_gets_each_overdue_resend_once) {
  for (const auto& rules : {plugin(), agent(), strict()}) {
    SendWindow window(rules);
    window.add(SendWindowScript::frame_for(0), Instant{}, true);
    const Instant late(milliseconds(5550));
    EXPECT_TRUE(window.resend_due(late));
    EXPECT_FALSE(window.resend_due(late));
    EXPECT_GT(window.next_timeout().value(), late);
  }
}

TEST(SendWindow, strict_takes_a_message_for_overdue_from_its_very_deadline_on) {
  SendWindow window(strict());
  window.add(SendWindowScript::frame_for(0), Instant{}, true);
  window.add(SendWindowScript::frame_for(1), Instant(milliseconds(50)), true);
  EXPECT_EQ(window.resend_due(Instant(milliseconds(200))).value().sequence, 0);
  window.acknowledge(0, Instant(milliseconds(250)));
  EXPECT_EQ(window.next_timeout(), Instant(milliseconds(250)));
}

TEST(SendWindow, a_message_is_not_overdue_because_one_behind_it_was_acknowledged) {
  SendWindow window(strict());
  window.add(SendWindowScript::frame_for(0), Instant{}, true);
  window.add(SendWindowScript::frame_for(1), Instant{}, true);
  const Instant resumed(milliseconds(100));
  window.on_resume(resumed);
  EXPECT_EQ(window.resend_due(resumed).value().sequence, 0);
  EXPECT_EQ(window.resend_due(resumed).value().sequence, 1);
  // The path is slow: this is no reason to resend message 0 by the RTO that was too short.
  window.acknowledge(1, Instant(milliseconds(300)));
  EXPECT_EQ(window.next_timeout(), resumed + milliseconds(310));
}

TEST(SendWindow, a_message_is_not_overdue_because_one_before_it_arrived_in_time) {
  SendWindow window(strict());
  window.add(SendWindowScript::frame_for(0), Instant{}, true);
  window.add(SendWindowScript::frame_for(1), Instant{}, true);
  window.acknowledge(0, Instant(milliseconds(200)));  // just before its timer would have run
  EXPECT_EQ(window.next_timeout(), Instant(std::chrono::microseconds(212'500)));
}

TEST(SendWindow, without_karns_rule_the_new_rto_decides_what_is_overdue) {
  SendRules rules = strict();
  rules.karn = false;
  SendWindow window(rules);
  window.add(SendWindowScript::frame_for(0), Instant{}, true);
  window.add(SendWindowScript::frame_for(1), Instant(milliseconds(190)), true);
  EXPECT_EQ(window.resend_due(Instant(milliseconds(200))).value().sequence, 0);
  window.acknowledge(0, Instant(milliseconds(395)));  // a sample of 195 ms
  EXPECT_EQ(window.next_timeout(), Instant(std::chrono::microseconds(190'000 + 206'875)));
}

TEST(SendWindow, an_acknowledgement_at_a_tick_does_not_put_off_what_is_due_at_it) {
  for (const auto& rules : {plugin(), agent()}) {
    SendWindow window(rules);
    window.add(SendWindowScript::frame_for(0), Instant{}, true);
    window.add(SendWindowScript::frame_for(1), Instant(milliseconds(250)), true);
    const Instant tick(milliseconds(300));
    window.acknowledge(1, tick);
    EXPECT_EQ(window.resend_due(tick).value().sequence, 0);
  }
}

//= RTX-006
TEST(SendWindow, a_resend_is_the_frame_that_was_added) {
  SendWindow window(strict());
  const Frame frame = SendWindowScript::frame_for(0);
  window.add(frame, Instant{}, true);
  const auto resend = window.resend_due(Instant(milliseconds(200)));
  ASSERT_TRUE(resend);
  EXPECT_EQ(resend->frame.bytes().data(), frame.bytes().data());
}

// ---- round-trip time ----------------------------------------------------------------------------

//= RTX-010
TEST(SendWindow, plugin_takes_its_sample_from_the_first_transmission) {
  SendWindowScript script(plugin());
  script.send(0);
  EXPECT_EQ(script.acknowledge(450, 0).rtt_sample, milliseconds(450));
}

//= RTX-011
TEST(SendWindow, agent_takes_its_sample_from_the_last_transmission) {
  SendWindowScript script(agent());
  script.send(0);
  EXPECT_EQ(script.acknowledge(450, 0).rtt_sample, milliseconds(150));
}

TEST(SendWindow, strict_takes_no_sample_from_a_retransmitted_message) {
  SendWindowScript script(strict());
  script.send(0);
  const auto acknowledged = script.acknowledge(450, 0);
  EXPECT_TRUE(acknowledged.known);
  EXPECT_EQ(acknowledged.rtt_sample, std::nullopt);
  EXPECT_EQ(script.window().rtt().srtt(), milliseconds(100));
}

// Karn's rule alone would never see a sample here: every message would be resent, for ever.
TEST(SendWindow, strict_learns_a_round_trip_longer_than_the_first_rto) {
  SendWindowScript script(strict());
  for (int key = 0; key < 4; ++key) {
    const double at = 1000.0 * key;
    script.send(at);
    script.acknowledge(at + 300, key);
  }
  EXPECT_THAT(script.take(), ElementsAre("200 resend 0"));
}

TEST(SendWindow, strict_learns_a_long_round_trip_from_a_pipelined_stream) {
  SendWindowScript script(strict());
  constexpr int messages = 200;
  // One message every 10 ms, each acknowledged 300 ms later.
  for (int step = 0; step < messages + 30; ++step) {
    const double at = 10.0 * step;
    if (step >= 30) {
      script.acknowledge(at, step - 30);
    }
    if (step < messages) {
      script.send(at);
    }
  }
  // The second one counts as overdue before the first acknowledgement has taught anything.
  EXPECT_THAT(script.take(), ElementsAre("200 resend 0", "300 resend 1"));
}

TEST(SendWindow, strict_stops_resending_when_acks_come_too_soon_to_answer_it) {
  SendWindowScript script(strict());
  script.send(0);
  script.acknowledge(50, 0);
  // The path slows down to 3 s, more than the longest RTO.
  for (int i = 0; i < 100; ++i) {
    script.send(100 + i);
  }
  for (int i = 0; i < 100; ++i) {
    script.acknowledge(3100 + i, 1 + i);
  }
  const auto sent = script.take();
  const auto of_later_messages = std::ranges::count_if(sent, [](const std::string& line) {
    return line.find("resend 1 ") == std::string::npos && !line.ends_with("resend 1");
  });
  EXPECT_LE(of_later_messages, 1) << testing::PrintToString(sent);
}

// The only samples were taken while a queue was full, so that each later acknowledgement seems to
// come too soon.
TEST(SendWindow, strict_repairs_a_burst_after_a_full_queue_without_a_timeout_for_each_message) {
  SendWindowScript script(strict());
  script.send(0);
  script.acknowledge(600, 0);
  for (int i = 0; i < 50; ++i) {
    script.send(700);
  }
  script.take();
  int now_ms = 700;
  for (int i = 1; i <= 50; ++i) {
    // All are lost; each resend is acknowledged after 20 ms.
    while (script.take().empty()) {
      script.run_until(++now_ms);
    }
    script.acknowledge(now_ms += 20, i);
  }
  EXPECT_LT(now_ms, 700 + 50 * 25 + 3'000);
}

//= RTX-014
TEST(SendWindow, strict_client_reports_no_limit_while_anything_is_acknowledged) {
  SendWindowScript script(strict());
  script.send(0);
  for (int minute = 1; minute < 20; ++minute) {
    script.send(minute * 60'000);
    script.acknowledge(minute * 60'000 + 50, minute);
  }
  EXPECT_THAT(script.take(), testing::Each(testing::Not(testing::HasSubstr("limit"))));
}

//= RTX-008
TEST(SendWindow, rto_stays_at_one_second_after_a_very_late_ack) {
  for (const auto& rules : {plugin(), agent(), strict()}) {
    SendWindowScript script(rules);
    script.suspend(0);
    script.window().add(SendWindowScript::frame_for(0), script.now(), true);
    script.acknowledge(10'000, 0);
    script.resume(10'000);
    script.send(10'000);
    script.run_until(11'150);
    const bool ticks = rules.resend_tick != Duration{0};
    EXPECT_THAT(script.take(), ElementsAre(ticks ? "11100 resend 1" : "11000 resend 1"));
  }
}

// ---- limits -------------------------------------------------------------------------------------

//= RTX-012
TEST(SendWindow, plugin_reports_the_limit_from_the_3001st_resend) {
  SendWindowScript script(plugin());
  script.send(0);
  script.run_until(100.0 * 3002);
  const auto sent = script.take();
  ASSERT_EQ(sent.size(), 3000U);
  EXPECT_EQ(sent.back(), "300200 resend 0 #3000");
  script.run_until(100.0 * 3003);
  EXPECT_THAT(script.take(), ElementsAre("300300 resend 0 #3001 limit"));
}

//= RTX-013
TEST(SendWindow, plugin_retransmission_is_dead_after_3002_resends) {
  SendWindowScript script(plugin());
  script.send(0);
  script.run_until(100.0 * 3003);
  script.take();
  script.run_until(1'000'000);
  EXPECT_THAT(script.take(), ElementsAre("300400 resend 0 #3002 limit"));
  EXPECT_EQ(script.window().next_timeout(), std::nullopt);
  script.send(1'000'000);
  script.acknowledge(1'000'000, 0);
  script.run_until(2'000'000);
  EXPECT_THAT(script.take(), IsEmpty());
}

TEST(SendWindow, plugin_retransmission_survives_two_reports_of_the_limit) {
  SendRules rules = plugin();
  rules.resend_limit = 1;
  SendWindowScript script(rules);
  script.send(0);
  script.run_until(550);
  script.acknowledge(550, 0);
  EXPECT_THAT(script.take(),
              ElementsAre("300 resend 0", "400 resend 0 #2 limit", "500 resend 0 #3 limit"));
  script.send(600);  // the RTO is now 606.25 ms
  script.run_until(1350);
  EXPECT_THAT(script.take(), ElementsAre("1300 resend 1"));
}

//= RTX-014
TEST(SendWindow, agent_has_no_resend_limit) {
  SendWindowScript script(agent());
  script.send(0);
  script.run_until(1'000'000);
  const auto sent = script.take();
  EXPECT_EQ(sent.size(), 4999U);
  EXPECT_EQ(sent.back(), "999900 resend 0 #4999");
}

TEST(SendWindow, strict_client_reports_the_limit_after_five_minutes_of_resends) {
  SendWindowScript script(find_client_profile("strict")->channel.send);
  script.send(0);
  script.run_until(300'399);
  EXPECT_THAT(script.take(), testing::Each(testing::Not(testing::HasSubstr("limit"))));
  script.run_until(300'400);
  EXPECT_THAT(script.take(), ElementsAre("300400 resend 0 #302 limit"));
}

TEST(SendWindow, strict_client_does_not_count_time_without_a_connection) {
  SendWindowScript script(find_client_profile("strict")->channel.send);
  script.send(0);
  script.suspend(100);
  script.resume(400'000);
  EXPECT_THAT(script.take(), ElementsAre("400000 resend 0"));
}

TEST(SendWindow, strict_client_counts_the_time_of_each_message_by_itself) {
  SendWindowScript script(find_client_profile("strict")->channel.send);
  script.send(200'000);
  script.run_until(500'399);
  EXPECT_THAT(script.take(), testing::Each(testing::Not(testing::HasSubstr("limit"))));
  script.run_until(500'400);
  EXPECT_THAT(script.take(), ElementsAre("500400 resend 0 #302 limit"));
}

TEST(SendWindow, strict_client_reports_no_limit_for_a_message_that_was_never_written) {
  SendWindow window(find_client_profile("strict")->channel.send);
  window.add(SendWindowScript::frame_for(0), Instant{}, false);
  const auto first = window.resend_due(Instant(std::chrono::minutes(6)));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->attempts, 0U);
  EXPECT_FALSE(first->limit_reached);
}

// ---- full buffers -------------------------------------------------------------------------------

//= RTX-016
TEST(SendWindow, plugin_forgets_the_oldest_when_full) {
  SendWindowScript script(small(plugin(), 3));
  script.send_many(0, 3);
  EXPECT_EQ(script.send(0), Added::dropped_oldest);
  EXPECT_EQ(script.window().in_flight(), 3U);
  EXPECT_FALSE(script.acknowledge(1, 0).known);
  script.run_until(350);
  EXPECT_THAT(script.take(), ElementsAre("300 resend 1"));
}

//= RTX-017
TEST(SendWindow, agent_does_not_keep_the_newest_when_full) {
  SendWindowScript script(small(agent(), 3));
  script.send_many(0, 3);
  EXPECT_EQ(script.send(0), Added::not_kept);
  EXPECT_EQ(script.window().in_flight(), 3U);
  EXPECT_EQ(script.window().next_sequence(), 4) << "the number is used all the same";
  EXPECT_FALSE(script.acknowledge(1, 3).known);
  script.acknowledge(1, 0);
  EXPECT_EQ(script.send(2), Added::kept) << "there is room again";
}

TEST(SendWindow, strict_refuses_more_than_the_buffer_in_flight) {
  SendWindow window(small(strict(), 3));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(window.has_room());
    window.add(SendWindowScript::frame_for(i), Instant{}, true);
  }
  EXPECT_FALSE(window.has_room());
  window.acknowledge(1, Instant{});
  EXPECT_TRUE(window.has_room());
}

TEST(SendWindow, strict_goes_on_past_a_message_that_is_never_acknowledged) {
  SendWindow window(small(strict(), 3));
  window.add(SendWindowScript::frame_for(0), Instant{}, true);
  for (int i = 1; i < 1000; ++i) {
    ASSERT_TRUE(window.has_room());
    window.add(SendWindowScript::frame_for(i), Instant{}, true);
    window.acknowledge(i, Instant{});
  }
  EXPECT_EQ(window.in_flight(), 1U);
}

TEST(SendWindow, references_never_refuse) {
  for (const auto& rules : {plugin(), agent()}) {
    SendWindow window(small(rules, 2));
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(window.has_room());
      window.add(SendWindowScript::frame_for(i), Instant{}, true);
    }
    EXPECT_EQ(window.in_flight(), 2U);
  }
}

TEST(SendWindow, an_old_message_survives_any_number_of_acknowledged_later_ones) {
  for (const auto& rules : {small(plugin(), 4), small(agent(), 4)}) {
    SendWindow window(rules);
    window.add(SendWindowScript::frame_for(0), Instant{}, true);
    for (std::int64_t i = 1; i < 1000; ++i) {
      window.add(SendWindowScript::frame_for(i), Instant{}, true);
      EXPECT_TRUE(window.acknowledge(i, Instant{}).known);
    }
    EXPECT_EQ(window.in_flight(), 1U);
    const auto resend = window.resend_due(Instant(std::chrono::seconds(2)));
    ASSERT_TRUE(resend);
    EXPECT_EQ(resend->sequence, 0);
    EXPECT_TRUE(window.acknowledge(0, Instant(std::chrono::seconds(2))).known);
    EXPECT_EQ(window.in_flight(), 0U);
  }
}

// ---- unwritten messages, pauses, reconnections --------------------------------------------------

//= SEQ-020
TEST(SendWindow, plugin_uses_the_number_of_an_unwritten_message_again) {
  SendWindowScript script(plugin());
  EXPECT_EQ(script.send(0, false), Added::not_numbered);
  EXPECT_EQ(script.window().next_sequence(), 0);
  EXPECT_EQ(script.window().in_flight(), 0U);
  EXPECT_EQ(script.send(1), Added::kept);
  EXPECT_EQ(script.window().next_sequence(), 1);
}

//= SEQ-021
//= RTX-015
TEST(SendWindow, agent_sends_what_a_pause_held_back_one_by_one) {
  SendWindowScript script(agent());
  script.send(0);
  script.acknowledge(50, 0);  // RTO is now 100 + 50 ms, rounded by the formulas to 143.75
  script.suspend(60);
  script.send(70);
  script.send(70);
  script.run_until(1000);
  EXPECT_THAT(script.take(), IsEmpty());
  EXPECT_EQ(script.window().unwritten_waiting(), 2U);
  script.resume(1010);
  script.run_until(1150);
  EXPECT_THAT(script.take(), ElementsAre("1100 first 1"));
  script.acknowledge(1150, 1);
  script.run_until(1250);
  EXPECT_THAT(script.take(), ElementsAre("1200 first 2"));
  EXPECT_EQ(script.window().unwritten_waiting(), 0U);
}

//= SEQ-019
//= SEQ-021
TEST(SendWindow, strict_sends_what_a_pause_held_back_at_once_and_in_order) {
  SendWindowScript script(strict());
  script.suspend(10);
  script.send(20);
  script.send(30);
  script.send(40);
  script.run_until(1000);
  EXPECT_THAT(script.take(), IsEmpty());
  script.resume(1000);
  EXPECT_THAT(script.take(), ElementsAre("1000 first 0", "1000 first 1", "1000 first 2"));
  script.run_until(1250);
  EXPECT_THAT(script.take(), ElementsAre("1200 resend 0"));
}

TEST(SendWindow, strict_sends_an_unwritten_message_without_a_resume) {
  SendWindowScript script(strict());
  script.send(0);
  script.send(10, false);
  EXPECT_EQ(script.window().unwritten_waiting(), 1U);
  script.send(10, false);
  script.run_until(10);
  EXPECT_THAT(script.take(), ElementsAre("10 first 1", "10 first 2"));
}

TEST(SendWindow, unwritten_messages_are_due_since_the_first_of_them_was_added) {
  SendWindow window(strict());
  window.add(SendWindowScript::frame_for(0), Instant(milliseconds(10)), false);
  window.add(SendWindowScript::frame_for(1), Instant(milliseconds(20)), false);
  EXPECT_EQ(window.next_timeout(), Instant(milliseconds(10)));
}

TEST(SendWindow, an_unwritten_message_can_be_acknowledged_but_gives_no_sample) {
  SendWindow window(strict());
  window.add(SendWindowScript::frame_for(0), Instant{}, false);
  const auto acknowledged = window.acknowledge(0, Instant(milliseconds(10)));
  EXPECT_TRUE(acknowledged.known);
  EXPECT_EQ(acknowledged.rtt_sample, std::nullopt);
  EXPECT_EQ(window.unwritten_waiting(), 0U);
  EXPECT_EQ(window.next_timeout(), std::nullopt);
}

TEST(SendWindow, the_time_of_an_unwritten_message_counts_from_when_it_was_sent) {
  SendWindowScript script(strict());
  script.suspend(0);
  script.send(0);
  script.resume(5000);
  EXPECT_EQ(script.acknowledge(5040, 0).rtt_sample, milliseconds(40));
}

//= RESUME-008
//= RESUME-009
TEST(SendWindow, strict_resends_everything_once_after_a_resume_then_only_the_oldest) {
  SendWindowScript script(strict());
  script.send_many(0, 4);
  script.acknowledge(10, 1);  // RTO is now 178.75 ms
  script.suspend(20);
  script.send(30);
  script.resume(100);
  EXPECT_THAT(script.take(),
              ElementsAre("100 resend 0", "100 resend 2", "100 resend 3", "100 first 4"));
  script.run_until(300);
  EXPECT_THAT(script.take(), ElementsAre("278.750 resend 0 #2"));
}

//= RESUME-009
TEST(SendWindow, references_bring_lost_messages_back_one_by_one_after_a_resume) {
  SendWindowScript script(agent());
  script.send_many(0, 3);
  script.suspend(20);
  script.resume(1010);
  EXPECT_THAT(script.take(), IsEmpty()) << "1010 is no tick";
  script.run_until(1150);
  EXPECT_THAT(script.take(), ElementsAre("1100 resend 0"));
}

TEST(SendWindow, a_message_acknowledged_before_its_turn_after_a_resume_is_skipped) {
  SendWindow window(strict());
  for (int i = 0; i < 4; ++i) {
    window.add(SendWindowScript::frame_for(i), Instant{}, true);
  }
  const Instant now(milliseconds(100));
  window.on_resume(now);
  EXPECT_EQ(window.resend_due(now).value().sequence, 0);
  window.acknowledge(1, now);
  window.acknowledge(3, now);
  EXPECT_EQ(window.resend_due(now).value().sequence, 2);
  EXPECT_FALSE(window.resend_due(now));
}

TEST(SendWindow, a_second_resume_starts_over) {
  SendWindow window(strict());
  for (int i = 0; i < 3; ++i) {
    window.add(SendWindowScript::frame_for(i), Instant{}, true);
  }
  const Instant now(milliseconds(100));
  window.on_resume(now);
  EXPECT_EQ(window.resend_due(now).value().sequence, 0);
  window.on_resume(now);
  for (const std::int64_t expected : {0, 1, 2}) {
    EXPECT_EQ(window.resend_due(now).value().sequence, expected);
  }
  EXPECT_FALSE(window.resend_due(now));
}

TEST(SendWindow, a_resume_of_an_empty_window_does_nothing) {
  for (const auto& rules : {plugin(), agent(), strict()}) {
    SendWindowScript script(rules);
    script.resume(100);
    script.run_until(1000);
    EXPECT_THAT(script.take(), IsEmpty());
  }
}

}  // namespace
}  // namespace ssm::protocol
