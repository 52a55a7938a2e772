// Limits of what is unread and unsent, windows of version 2, keep-alive, sharing of the line.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "smux_fixture.hpp"

namespace ssm::protocol {
namespace {

using std::chrono::seconds;
using test::smux_rules_named;
using test::SmuxScript;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t mebibyte = std::size_t{1024} * 1024;

SmuxRules small_limits() {
  SmuxRules rules;
  rules.receive_bytes = 1000;
  rules.stream_receive_bytes = 500;
  return rules;
}

// ---- token bucket -------------------------------------------------------------------------------

TEST(SmuxBucket, of_the_reference_stops_receiving_when_it_is_used_up) {
  SmuxScript server(SmuxSide::server, smux_rules_named("smux-1.5.16"));
  server.receive("0100000003000000 0100000005000000");
  for (std::size_t i = 0; i < 4 * mebibyte / 32768; ++i) {
    EXPECT_EQ(server.receive_push(3, 32768), 32776U);
  }
  EXPECT_TRUE(server.session.receive_blocked());
  EXPECT_EQ(server.receive("0102010005000000aa"), 0U);
  EXPECT_EQ(server.session.next_timeout(), server.now + seconds(10));  // NOP; no other deadline
}

TEST(SmuxBucket, goes_below_zero_by_at_most_one_frame) {
  SmuxScript server(SmuxSide::server, small_limits());
  server.receive("0100000003000000");
  EXPECT_EQ(server.receive_push(3, 499), 507U);
  EXPECT_EQ(server.receive_push(3, 65535), 65543U);
  EXPECT_TRUE(server.session.receive_blocked());
  EXPECT_EQ(server.session.unread(), 66034U);
}

TEST(SmuxBucket, opens_again_when_something_was_read) {
  SmuxScript server(SmuxSide::server, small_limits());
  server.receive("0100000003000000 0100000005000000");
  server.receive_push(3, 499);
  server.receive_push(5, 501);
  EXPECT_EQ(server.receive("0103000000000000"), 0U);
  (void)server.events();
  (void)server.read(3, 1);
  EXPECT_THAT(server.events(), ElementsAre("receive possible"));
  EXPECT_EQ(server.receive("0103000000000000"), 8U);
}

TEST(SmuxBucket, gets_the_unread_bytes_of_a_closed_stream_back) {
  SmuxScript server(SmuxSide::server, smux_rules_named("smux-1.5.16"));
  server.receive("0100000003000000 0100000005000000");
  while (!server.session.receive_blocked()) {
    server.receive_push(3, 65535);
  }
  server.session.close(3);
  EXPECT_FALSE(server.session.receive_blocked());
  EXPECT_EQ(server.session.unread(), 0U);
  EXPECT_EQ(server.receive("0102010003000000aa 010201000500000041"), 18U);
  EXPECT_EQ(server.session.unread(), 1U);
}

// ---- a reader that does not read ----------------------------------------------------------------

TEST(SmuxStalledReader, holds_up_to_the_limit_of_a_stream_without_harm_to_others) {
  SmuxScript server(SmuxSide::server);
  server.receive("0100000003000000 0100000005000000");
  for (std::size_t i = 0; i < 20 * mebibyte / 32768; ++i) {
    ASSERT_EQ(server.receive_push(3, 32768), 32776U);
    ASSERT_EQ(server.receive_push(5, 1), 9U);
    ASSERT_EQ(server.read(5), "x");
  }
  EXPECT_EQ(server.read(3).size(), 20 * mebibyte);
}

TEST(SmuxStalledReader, is_reset_after_the_time_limit_so_that_others_go_on) {
  SmuxScript server(SmuxSide::server, small_limits());
  server.receive("0100000003000000 0100000005000000");
  server.receive_push(3, 500);
  EXPECT_EQ(server.receive("0102010003000000aa 010201000500000041"), 8U);
  EXPECT_EQ(server.session.next_timeout(), server.now + seconds(10));
  (void)server.events();
  server.advance(seconds(10));
  EXPECT_THAT(server.events(), ElementsAre("reset 3", "receive possible"));
  EXPECT_EQ(server.receive("aa 010201000500000041"), 10U);
  EXPECT_EQ(server.read(5), "A");
  EXPECT_EQ(server.output(), "0101000003000000");
}

TEST(SmuxStalledReader, that_reads_a_little_is_waited_for) {
  SmuxScript server(SmuxSide::server, small_limits());
  server.receive("0100000003000000");
  server.receive_push(3, 600);
  server.receive_push(3, 1);
  for (int i = 0; i < 5; ++i) {
    server.advance(seconds(9));
    EXPECT_EQ(server.read(3, 10).size(), 10U);
    EXPECT_TRUE(server.session.receive_blocked());
  }
  EXPECT_EQ(server.session.streams(), 1U);
}

TEST(SmuxStalledReader, is_reset_at_once_where_the_rules_say_so) {
  SmuxRules rules = small_limits();
  rules.stalled_reader_limit = Duration{0};
  SmuxScript server(SmuxSide::server, rules);
  server.receive("0100000003000000 0100000005000000");
  server.receive_push(3, 500);
  EXPECT_EQ(server.receive_push(3, 10), 18U);
  EXPECT_EQ(server.receive("010201000500000041"), 9U);
  EXPECT_EQ(server.read(5), "A");
  EXPECT_EQ(server.output(), "0101000003000000");
}

TEST(SmuxStalledReader, that_holds_most_is_the_one_to_go_when_the_bucket_is_empty) {
  SmuxRules rules = small_limits();
  rules.stream_receive_bytes = 0;
  SmuxScript server(SmuxSide::server, rules);
  server.receive("0100000003000000 0100000005000000 0100000007000000");
  server.receive_push(3, 300);
  server.receive_push(5, 500);
  server.receive_push(7, 200);
  server.receive("0103000000000000");
  (void)server.events();
  server.advance(seconds(10));
  EXPECT_THAT(server.events(), ElementsAre("reset 5", "receive possible"));
}

TEST(SmuxStalledReader, loses_nothing_when_it_goes_on_in_time) {
  SmuxScript server(SmuxSide::server, small_limits());
  server.receive("0100000003000000");
  server.receive_push(3, 500, 'a');
  const auto frame = test::from_hex("010203000300000062636401010000 03000000");
  EXPECT_EQ(server.session.receive(frame, server.now), 8U);
  server.advance(seconds(9));
  EXPECT_EQ(server.read(3), std::string(500, 'a'));
  EXPECT_EQ(server.session.receive(Bytes(frame).subspan(8), server.now), 11U);
  EXPECT_EQ(server.read(3), "bcd");
  EXPECT_TRUE(server.session.read_ended(3));
}

// ---- sending ------------------------------------------------------------------------------------

TEST(SmuxSending, takes_only_so_much_and_tells_when_there_is_room) {
  SmuxRules rules;
  rules.stream_send_bytes = 1000;
  SmuxScript client(SmuxSide::client, rules);
  client.opened();
  EXPECT_EQ(client.write(3, std::string(1500, 'a')), 1000U);
  EXPECT_EQ(client.write(3, "b"), 0U);
  (void)client.output(8 + 499);
  EXPECT_THAT(client.events(), IsEmpty());
  (void)client.output(1);
  EXPECT_THAT(client.events(), ElementsAre("writable 3"));
  EXPECT_EQ(client.session.writable(3), 500U);
}

TEST(SmuxSending, tells_of_room_after_a_write_that_just_fitted) {
  SmuxRules rules;
  rules.stream_send_bytes = 1000;
  SmuxScript client(SmuxSide::client, rules);
  client.opened();
  EXPECT_EQ(client.write(3, std::string(1000, 'a')), 1000U);
  EXPECT_EQ(client.session.writable(3), 0U);
  (void)client.output(8 + 500);
  EXPECT_THAT(client.events(), ElementsAre("writable 3"));
}

TEST(SmuxSending, gives_out_at_most_what_was_asked_for) {
  SmuxScript client(SmuxSide::client);
  (void)client.session.open();
  client.write(3, "abc");
  std::string all;
  while (client.session.has_output()) {
    const std::string part = client.output(1);
    ASSERT_EQ(part.size(), 2U);
    all += part;
  }
  EXPECT_EQ(all, "01000000030000000102030003000000616263");
}

TEST(SmuxSending, control_frames_overtake_data) {
  SmuxScript client(SmuxSide::client);
  client.opened();
  client.write(3, std::string(60000, 'a'));
  (void)client.output(100);
  (void)client.session.open();
  const auto bytes = client.output_bytes(4096 + 8 - 100 + 8);
  EXPECT_EQ(test::to_hex(Bytes(bytes).last(8)), "0100000005000000");
}

TEST(SmuxSending, a_small_stream_waits_for_one_frame_of_a_busy_one) {
  for (const char* const name : {"strict", "smux-1.5.16"}) {
    SmuxScript client(SmuxSide::client, smux_rules_named(name));
    client.opened();
    client.opened();
    for (int i = 0; i < 10; ++i) {
      client.write(3, std::string(64 * 1024, 'a'));
      (void)client.output(32768);
    }
    client.write(5, "key");
    const std::string sent = client.output(client.session.rules().frame_bytes_max + 40);
    EXPECT_NE(sent.find("0102030005000000" + test::to_hex(as_bytes("key"))), std::string::npos)
        << name;
  }
}

// ---- windows of version 2 -----------------------------------------------------------------------

class SmuxWindow : public testing::Test {
 protected:
  static SmuxRules version_2() {
    SmuxRules rules = smux_rules_named("smux-1.5.16");
    rules.version = 2;
    rules.stream_send_bytes = mebibyte;
    return rules;
  }
  static std::size_t payload(const std::vector<std::byte>& bytes, std::size_t frames) {
    return bytes.size() - frames * smux_header_size;
  }
};

TEST_F(SmuxWindow, lets_262144_bytes_go_before_the_first_update) {
  SmuxScript client(SmuxSide::client, version_2());
  client.opened();
  client.write(3, std::string(mebibyte, 'a'));
  EXPECT_EQ(payload(client.output_bytes(), 8), 262144U);
  EXPECT_FALSE(client.session.has_output());
}

TEST_F(SmuxWindow, is_what_the_last_update_says_beyond_what_was_consumed) {
  SmuxScript client(SmuxSide::client, version_2());
  client.opened();
  client.write(3, std::string(mebibyte, 'a'));
  (void)client.output();
  client.receive("0204080003000000 00000400 00000100");  // all of it, 65536
  EXPECT_EQ(payload(client.output_bytes(), 2), 65536U);
  client.receive("0204080003000000 00000400 00000100");
  EXPECT_FALSE(client.session.has_output());
}

TEST_F(SmuxWindow, counts_modulo_2_to_the_32) {
  SmuxRules rules = version_2();
  rules.stream_send_bytes = 65535;
  SmuxScript client(SmuxSide::client, rules);
  client.opened();
  std::uint64_t sent = 0;
  const std::string text(65535, 'a');
  std::vector<std::byte> out(70000);
  while (sent < 0x1'0001'0000ULL) {
    ASSERT_EQ(client.write(3, text), text.size());
    while (client.session.has_output()) {
      (void)client.session.poll_output(out);
    }
    sent += text.size();
    const auto header = encode(SmuxHeader{2, SmuxCommand::upd, 8, 3});
    const auto body = encode(SmuxUpdate{static_cast<std::uint32_t>(sent), 65536});
    client.session.receive(header, client.now);
    client.session.receive(body, client.now);
  }
  EXPECT_THAT(client.events(), ::testing::Each("writable 3"));
}

TEST_F(SmuxWindow, resets_a_stream_whose_peer_consumed_more_than_was_sent) {
  SmuxScript client(SmuxSide::client, version_2());
  client.opened();
  client.receive("0204080003000000 01000000 00000100");
  EXPECT_THAT(client.events(), ElementsAre("reset 3"));
  EXPECT_EQ(client.output(), "0201000003000000");
}

TEST_F(SmuxWindow, resets_a_stream_whose_peer_overruns_it) {
  SmuxRules rules;
  rules.version = 2;
  SmuxScript server(SmuxSide::server, rules);
  server.receive("0200000003000000 0200000005000000");
  for (int i = 0; i < 4; ++i) {
    server.receive_push(3, 65535);
  }
  server.receive_push(3, 4);
  (void)server.events();
  server.receive_push(3, 1);
  EXPECT_THAT(server.events(), ElementsAre("readable 3", "reset 3"));
  EXPECT_EQ(server.session.unread(), 0U);
  server.receive_push(5, 1);
  EXPECT_EQ(server.read(5), "x");
}

TEST_F(SmuxWindow, update_is_sent_at_the_first_read_and_at_each_half) {
  SmuxScript server(SmuxSide::server, version_2());
  server.receive("0200000003000000");
  server.receive_push(3, 65535);
  (void)server.read(3, 1);
  EXPECT_EQ(server.output(), "02040800030000000100000000000100");
  (void)server.read(3, 32767);
  EXPECT_EQ(server.output(), "");
  (void)server.read(3, 1);
  EXPECT_EQ(server.output(), "02040800030000000180000000000100");
}

TEST_F(SmuxWindow, close_does_not_wait_for_a_window_that_will_not_open) {
  SmuxScript client(SmuxSide::client, version_2());
  client.opened();
  client.write(3, std::string(mebibyte, 'a'));
  (void)client.output();
  client.receive("0201000003000000");
  client.session.close(3);
  EXPECT_EQ(client.output(), "0201000003000000");
  EXPECT_EQ(client.session.streams(), 0U);
}

// ---- keep-alive ---------------------------------------------------------------------------------

SmuxRules keepalive() {
  SmuxRules rules;
  rules.keepalive = true;
  return rules;
}

TEST(SmuxKeepalive, sends_a_nop_every_10_seconds_and_ends_after_30_without_a_frame) {
  SmuxScript server(SmuxSide::server, keepalive());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(server.session.next_timeout(), server.now + seconds(10));
    EXPECT_EQ(server.output(), "");
    server.advance(seconds(10));
    EXPECT_EQ(server.output(), "0103000000000000");
  }
  server.advance(seconds(10));
  EXPECT_TRUE(server.session.ended());
  EXPECT_EQ(server.session.next_timeout(), std::nullopt);
}

TEST(SmuxKeepalive, one_frame_in_30_seconds_is_enough) {
  SmuxScript server(SmuxSide::server, keepalive());
  for (int i = 0; i < 12; ++i) {
    server.advance(seconds(10));
    if (i % 3 == 0) {
      server.receive("0103000000000000");
    }
  }
  EXPECT_FALSE(server.session.ended());
}

TEST(SmuxKeepalive, ends_up_to_60_seconds_after_the_last_frame) {
  SmuxScript server(SmuxSide::server, keepalive());
  server.advance(seconds(30) - std::chrono::milliseconds(1));
  server.receive("0103000000000000");
  server.advance(std::chrono::milliseconds(1));
  EXPECT_FALSE(server.session.ended());
  server.advance(seconds(29));
  EXPECT_FALSE(server.session.ended());
  server.advance(seconds(1));
  EXPECT_TRUE(server.session.ended());
}

TEST(SmuxKeepalive, a_reader_that_stops_us_is_no_silence) {
  SmuxRules rules = smux_rules_named("smux-1.5.16");
  SmuxScript server(SmuxSide::server, rules);
  server.receive("0100000003000000");
  while (!server.session.receive_blocked()) {
    server.receive_push(3, 65535);
  }
  server.advance(seconds(120));
  server.advance(seconds(120));
  EXPECT_FALSE(server.session.ended());
}

TEST(SmuxKeepalive, off_means_that_silence_never_ends_the_session) {
  SmuxScript server(SmuxSide::server);
  EXPECT_EQ(server.session.next_timeout(), std::nullopt);
  server.advance(std::chrono::hours(24));
  EXPECT_EQ(server.output(), "");
  EXPECT_FALSE(server.session.ended());
}

TEST(SmuxKeepalive, nobody_answers_a_nop) {
  SmuxScript server(SmuxSide::server, keepalive());
  server.receive("0103000000000000");
  EXPECT_EQ(server.output(), "");
}

TEST(SmuxKeepalive, nops_that_nobody_fetches_do_not_pile_up) {
  SmuxScript server(SmuxSide::server, keepalive());
  for (int i = 0; i < 5; ++i) {
    server.advance(seconds(10));
    server.receive("0103000000000000");
  }
  EXPECT_EQ(server.output(), "0103000000000000");
}

}  // namespace
}  // namespace ssm::protocol
