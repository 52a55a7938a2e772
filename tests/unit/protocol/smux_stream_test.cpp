// Opening, closing and half-closing of streams.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smux_fixture.hpp"

namespace ssm::protocol {
namespace {

using test::smux_rules_named;
using test::SmuxScript;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(SmuxStream, says_open_before_anything_is_written) {
  SmuxScript client(SmuxSide::client);
  (void)client.session.open();
  EXPECT_TRUE(client.session.has_output());
  EXPECT_EQ(client.output(), "0100000003000000");
}

TEST(SmuxStream, gives_no_id_twice_and_none_after_the_last) {
  SmuxRules rules;
  rules.client_first_id = 0xfffffffd;
  SmuxScript client(SmuxSide::client, rules);
  EXPECT_EQ(client.opened(), 0xfffffffdU);
  EXPECT_EQ(client.opened(), 0xffffffffU);
  EXPECT_EQ(client.session.open().error().code, make_error_code(Errc::limit_reached));
  EXPECT_EQ(client.session.open().error().code, make_error_code(Errc::limit_reached));
  EXPECT_EQ(client.write(0xffffffff, "x"), 1U);
}

TEST(SmuxStream, leaves_out_an_id_that_the_peer_has_taken) {
  SmuxScript server(SmuxSide::server);
  server.receive("0100000002000000");
  EXPECT_EQ(*server.session.open(), 4U);
}

TEST(SmuxStream, of_the_peer_may_have_any_id) {
  SmuxScript server(SmuxSide::server);
  server.receive("0100000001000000 0100000004000000 0100000000000000");
  EXPECT_THAT(server.events(), ElementsAre("waiting", "waiting", "waiting"));
  EXPECT_EQ(server.session.accept(), 1U);
  EXPECT_EQ(server.session.accept(), 4U);
  EXPECT_EQ(server.session.accept(), 0U);
  EXPECT_EQ(server.session.accept(), std::nullopt);
}

TEST(SmuxStream, delivers_syn_data_and_fin_of_one_message) {
  SmuxScript server(SmuxSide::server);
  server.receive("0100000003000000 0102030003000000616263 0101000003000000");
  EXPECT_THAT(server.events(), ElementsAre("waiting", "readable 3"));
  EXPECT_FALSE(server.session.read_ended(3));
  EXPECT_EQ(server.read(3), "abc");
  EXPECT_TRUE(server.session.read_ended(3));
}

TEST(SmuxStream, reads_the_same_whatever_the_cut) {
  const std::string bytes = "0100000003000000 0102030003000000616263 0101000003000000";
  const auto raw = test::from_hex(bytes);
  for (std::size_t cut = 0; cut <= raw.size(); ++cut) {
    SmuxScript server(SmuxSide::server);
    server.session.receive(Bytes(raw).first(cut), server.now);
    server.session.receive(Bytes(raw).subspan(cut), server.now);
    EXPECT_EQ(server.session.accept(), 3U);
    EXPECT_EQ(server.read(3), "abc");
    EXPECT_TRUE(server.session.read_ended(3));
  }
}

TEST(SmuxStream, half_close_keeps_the_other_direction) {
  SmuxScript client(SmuxSide::client);
  client.opened();
  client.write(3, "question");
  client.session.finish(3);
  EXPECT_EQ(client.output(), "01020800030000007175657374696f6e0101000003000000");
  client.receive("0102060003000000616e73776572");
  EXPECT_EQ(client.read(3), "answer");
  EXPECT_FALSE(client.session.read_ended(3));
  client.receive("0101000003000000");
  EXPECT_TRUE(client.session.read_ended(3));
  EXPECT_EQ(client.session.streams(), 0U);
  EXPECT_EQ(client.output(), "");
}

TEST(SmuxStream, half_close_by_the_peer_keeps_our_direction) {
  SmuxScript server(SmuxSide::server);
  server.receive("0100000003000000 0101000003000000");
  EXPECT_TRUE(server.session.read_ended(3));
  EXPECT_EQ(server.write(3, "late"), 4U);
  EXPECT_EQ(server.output(), "01020400030000006c617465");
  server.session.finish(3);
  EXPECT_EQ(server.output(), "0101000003000000");
  EXPECT_EQ(server.session.streams(), 0U);
}

TEST(SmuxStream, reference_has_no_half_close) {
  SmuxScript client(SmuxSide::client, smux_rules_named("smux-1.5.16"));
  client.opened();
  client.session.finish(3);
  EXPECT_EQ(client.output(), "0101000003000000");
  EXPECT_EQ(client.session.streams(), 0U);
  client.receive("0102060003000000616e73776572");
  EXPECT_EQ(client.read(3), "");
  EXPECT_EQ(client.session.unread(), 0U);
}

TEST(SmuxStream, sends_fin_once) {
  SmuxScript client(SmuxSide::client);
  client.opened();
  client.session.finish(3);
  client.session.finish(3);
  client.session.close(3);
  client.session.reset(3);
  EXPECT_EQ(client.output(), "0101000003000000");
  client.session.close(3);
  EXPECT_EQ(client.output(), "");
}

TEST(SmuxStream, takes_nothing_after_its_end) {
  SmuxScript client(SmuxSide::client);
  client.opened();
  client.session.finish(3);
  EXPECT_EQ(client.write(3, "x"), 0U);
  EXPECT_EQ(client.session.writable(3), 0U);
  EXPECT_EQ(client.output(), "0101000003000000");
}

TEST(SmuxStream, writes_nothing_for_an_empty_write) {
  SmuxScript client(SmuxSide::client);
  client.opened();
  EXPECT_EQ(client.write(3, ""), 0U);
  EXPECT_EQ(client.output(), "");
}

TEST(SmuxStream, close_sends_what_was_written_and_drops_what_comes) {
  SmuxScript client(SmuxSide::client);
  client.opened();
  client.receive("0102010003000000aa");
  client.write(3, "abc");
  client.session.close(3);
  EXPECT_EQ(client.session.unread(), 0U);
  client.receive("0102010003000000bb");
  EXPECT_EQ(client.session.unread(), 0U);
  EXPECT_EQ(client.output(), "01020300030000006162630101000003000000");
  EXPECT_EQ(client.session.streams(), 0U);
}

TEST(SmuxStream, reset_drops_what_was_written_but_completes_the_frame) {
  SmuxScript client(SmuxSide::client);
  client.opened();
  client.write(3, std::string(5000, 'a'));
  EXPECT_EQ(client.output(10), "01020010030000006161");
  client.session.reset(3);
  const auto rest = client.output_bytes();
  ASSERT_EQ(rest.size(), 4094U + 8U);
  EXPECT_EQ(test::to_hex(Bytes(rest).last(8)), "0101000003000000");
  EXPECT_EQ(client.session.streams(), 0U);
}

TEST(SmuxStream, end_of_the_peer_comes_after_its_data) {
  SmuxScript client(SmuxSide::client);
  client.opened();
  client.receive("0102020003000000aabb 0101000003000000");
  EXPECT_FALSE(client.session.read_ended(3));
  (void)client.read(3);
  EXPECT_TRUE(client.session.read_ended(3));
}

TEST(SmuxStream, data_after_the_end_is_delivered_by_the_reference_alone) {
  SmuxScript strict(SmuxSide::client);
  SmuxScript reference(SmuxSide::client, smux_rules_named("smux-1.5.16"));
  for (SmuxScript* const client : {&strict, &reference}) {
    client->opened();
    client->receive("0101000003000000 010201000300000041");
  }
  EXPECT_EQ(strict.read(3), "");
  EXPECT_EQ(reference.read(3), "A");
}

TEST(SmuxStream, of_a_server_is_refused_by_a_strict_client) {
  SmuxScript client(SmuxSide::client);
  client.receive("0100000002000000");
  client.receive_push(2, 60000);
  EXPECT_EQ(client.output(), "0101000002000000");
  EXPECT_EQ(client.session.unread(), 0U);
  EXPECT_THAT(client.events(), IsEmpty());
}

TEST(SmuxStream, of_a_server_wedges_the_reference_client) {
  SmuxScript client(SmuxSide::client, smux_rules_named("smux-1.5.16"));
  client.opened();
  client.receive("0100000002000000");
  while (!client.session.receive_blocked()) {
    client.receive_push(2, 65535);
  }
  EXPECT_EQ(client.receive("010201000300000041"), 0U);
  client.advance(std::chrono::hours(1));
  EXPECT_TRUE(client.session.receive_blocked());
}

TEST(SmuxStream, beyond_the_backlog_is_refused_with_fin) {
  SmuxRules rules;
  rules.accept_backlog = 2;
  SmuxScript server(SmuxSide::server, rules);
  server.receive("0100000003000000 0100000005000000 0100000007000000");
  EXPECT_EQ(server.output(), "0101000007000000");
  EXPECT_EQ(server.session.accept(), 3U);
  server.receive("0100000009000000");
  EXPECT_EQ(server.output(), "");
}

TEST(SmuxStream, beyond_the_backlog_stops_the_reference_until_one_is_accepted) {
  SmuxRules rules = smux_rules_named("smux-1.5.16");
  rules.accept_backlog = 2;
  SmuxScript server(SmuxSide::server, rules);
  EXPECT_EQ(server.receive("0100000003000000 0100000005000000 0100000007000000 0103"), 24U);
  EXPECT_TRUE(server.session.receive_blocked());
  (void)server.events();
  EXPECT_EQ(server.session.accept(), 3U);
  EXPECT_THAT(server.events(), ElementsAre("waiting", "receive possible"));
  EXPECT_EQ(server.session.accept(), 5U);
  EXPECT_EQ(server.session.accept(), 7U);
}

TEST(SmuxStream, beyond_the_limit_of_streams_is_refused) {
  SmuxRules rules;
  rules.streams_max = 1;
  SmuxScript server(SmuxSide::server, rules);
  server.receive("0100000003000000 0100000005000000");
  EXPECT_EQ(server.output(), "0101000005000000");
}

TEST(SmuxStream, two_thousand_quick_opens_do_not_deadlock) {
  for (const char* const name : {"strict", "smux-1.5.16"}) {
    SmuxScript server(SmuxSide::server, smux_rules_named(name));
    std::vector<std::byte> bytes;
    for (std::uint32_t i = 0; i < 2000; ++i) {
      const auto syn = encode(SmuxHeader{.command = SmuxCommand::syn, .stream_id = 3 + 2 * i});
      bytes.insert(bytes.end(), syn.begin(), syn.end());
    }
    Bytes rest = bytes;
    std::size_t closed = 0;
    while (!rest.empty()) {
      rest = rest.subspan(server.session.receive(rest, server.now));
      while (const auto id = server.session.accept()) {
        server.session.close(*id);
      }
      closed += server.output_bytes().size() / 8;
    }
    while (const auto id = server.session.accept()) {
      server.session.close(*id);
    }
    closed += server.output_bytes().size() / 8;
    EXPECT_EQ(closed, 2000U) << name;
    EXPECT_EQ(server.session.streams(), 0U);
  }
}

TEST(SmuxStream, control_frames_that_nobody_fetches_stop_receiving) {
  SmuxRules rules;
  rules.control_frames_max = 10;
  SmuxScript client(SmuxSide::client, rules);
  for (int i = 0; i < 10; ++i) {
    client.receive("0100000002000000");
  }
  EXPECT_TRUE(client.session.receive_blocked());
  EXPECT_EQ(client.receive("0100000002000000"), 0U);
  (void)client.output(8);
  EXPECT_THAT(client.events(), ElementsAre("receive possible"));
  EXPECT_EQ(client.receive("0100000002000000"), 8U);
}

TEST(SmuxStream, calls_about_a_stream_that_is_gone_do_nothing) {
  SmuxScript client(SmuxSide::client);
  EXPECT_EQ(client.write(99, "x"), 0U);
  EXPECT_TRUE(client.session.readable(99).empty());
  EXPECT_TRUE(client.session.read_ended(99));
  client.session.consume(99, 5, client.now);
  client.session.finish(99);
  client.session.close(99);
  client.session.reset(99);
  EXPECT_FALSE(client.session.has_output());
}

TEST(SmuxStream, survives_the_end_of_the_session_for_reading_only) {
  SmuxScript client(SmuxSide::client);
  client.opened();
  client.write(3, "unsent");
  client.receive("0102020003000000aabb 0900000000000000");
  EXPECT_EQ(client.output(), "");
  EXPECT_EQ(client.write(3, "x"), 0U);
  EXPECT_FALSE(client.session.open().has_value());
  EXPECT_EQ(client.read(3).size(), 2U);
  EXPECT_TRUE(client.session.read_ended(3));
}

}  // namespace
}  // namespace ssm::protocol
