// The recorded byte examples, as whole sessions send and read them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smux_fixture.hpp"

namespace ssm::protocol {
namespace {

using test::smux_rules_named;
using test::SmuxScript;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(SmuxVectors, minimal_exchange_of_a_client) {
  SmuxScript client(SmuxSide::client);
  EXPECT_EQ(*client.session.open(), 3U);
  EXPECT_EQ(client.output(), "0100000003000000");
  client.write(3, "GET");
  EXPECT_EQ(client.output(), "0102030003000000474554");
  client.receive("01020200030000006f6b");
  EXPECT_EQ(client.read(3), "ok");
  client.receive("0101000003000000");
  EXPECT_TRUE(client.session.read_ended(3));
  client.session.close(3);
  EXPECT_EQ(client.output(), "0101000003000000");
  EXPECT_EQ(client.session.streams(), 0U);
  EXPECT_EQ(*client.session.open(), 5U);
  EXPECT_EQ(client.output(), "0100000005000000");
}

TEST(SmuxVectors, first_stream_of_a_server_is_2) {
  SmuxScript server(SmuxSide::server);
  EXPECT_EQ(*server.session.open(), 2U);
  EXPECT_EQ(server.output(), "0100000002000000");
  EXPECT_EQ(*server.session.open(), 4U);
}

TEST(SmuxVectors, data_and_fin_share_a_message) {
  SmuxScript client(SmuxSide::client);
  client.opened();
  client.write(3, "request");
  client.session.close(3);
  EXPECT_EQ(client.output(), "0102070003000000726571756573740101000003000000");
}

TEST(SmuxVectors, reference_cuts_a_large_write_into_frames_of_32768) {
  SmuxRules rules = smux_rules_named("smux-1.5.16");
  rules.stream_send_bytes = 40000;
  SmuxScript client(SmuxSide::client, rules);
  client.opened();
  client.write(3, std::string(40000, 'a'));
  const auto bytes = client.output_bytes();
  ASSERT_EQ(bytes.size(), 40016U);
  EXPECT_EQ(test::to_hex(Bytes(bytes).first(8)), "0102008003000000");
  EXPECT_EQ(test::to_hex(Bytes(bytes).subspan(8 + 32768, 8)), "0102401c03000000");
}

TEST(SmuxVectors, version_2_sends_updates_as_recorded) {
  SmuxRules rules = smux_rules_named("smux-1.5.16");
  rules.version = 2;
  SmuxScript server(SmuxSide::server, rules);
  server.receive("0200000003000000 0202030003000000474554");
  EXPECT_EQ(server.session.accept(), 3U);
  EXPECT_EQ(server.read(3), "GET");
  EXPECT_EQ(server.output(), "02040800030000000300000000000100");
  server.receive_push(3, 32768);
  (void)server.read(3);
  EXPECT_EQ(server.output(), "02040800030000000380000000000100");
}

class SmuxErrors : public testing::Test {
 protected:
  SmuxScript strict{SmuxSide::server};
  SmuxScript reference{SmuxSide::server, smux_rules_named("smux-1.5.16")};
};

TEST_F(SmuxErrors, another_version_ends_the_session) {
  strict.receive("0200000003000000");
  EXPECT_THAT(strict.events(), ElementsAre("ended: expected smux version 1, seen 2"));
  reference.receive("0000000003000000");
  EXPECT_THAT(reference.events(), ElementsAre("ended: expected smux version 1, seen 0"));
}

TEST_F(SmuxErrors, no_byte_is_delivered_after_a_wrong_version) {
  strict.receive("0100000003000000");
  strict.receive("0200000005000000 0102030003000000474554");
  EXPECT_TRUE(strict.session.readable(3).empty());
  EXPECT_EQ(strict.receive("0102030003000000474554"), 11U);
  EXPECT_TRUE(strict.session.readable(3).empty());
}

TEST_F(SmuxErrors, an_unknown_command_ends_the_session) {
  strict.receive("0109000003000000");
  EXPECT_THAT(strict.events(), ElementsAre("ended: expected an smux command from 0 to 4, seen 9"));
}

TEST_F(SmuxErrors, reference_takes_the_payload_of_a_syn_for_a_header) {
  reference.receive("0100040003000000 aabbccdd");
  EXPECT_THAT(reference.events(), ElementsAre("waiting"));
  reference.receive("00000000");
  EXPECT_THAT(reference.events(), ElementsAre("ended: expected smux version 1, seen 170"));
}

TEST_F(SmuxErrors, strict_refuses_a_syn_with_payload) {
  strict.receive("0100040003000000 aabbccdd");
  EXPECT_THAT(strict.events(), ElementsAre("ended: expected length 0 of SYN, seen 4"));
}

TEST_F(SmuxErrors, strict_refuses_an_update_of_another_length) {
  strict.receive("0104040003000000");
  EXPECT_THAT(strict.events(), ElementsAre("ended: expected length 8 of UPD, seen 4"));
}

TEST_F(SmuxErrors, reference_reads_8_bytes_of_any_update) {
  reference.receive("0100000003000000 0104000003000000 0300000000000100 010201000300000041");
  EXPECT_EQ(reference.read(3), "A");
}

TEST_F(SmuxErrors, an_update_in_version_1_is_skipped) {
  strict.receive("0100000003000000 0104080003000000 0300000000000100 010201000300000041");
  EXPECT_EQ(strict.read(3), "A");
}

TEST_F(SmuxErrors, upstream_refuses_an_update_in_version_1) {
  SmuxScript upstream(SmuxSide::server, smux_rules_named("smux-1.5.57"));
  upstream.receive("0104080003000000");
  EXPECT_THAT(upstream.events(), ElementsAre(HasSubstr("no UPD in smux version 1")));
}

TEST_F(SmuxErrors, what_peers_may_get_wrong_is_ignored) {
  for (SmuxScript* const session : {&strict, &reference}) {
    session->receive(
        "0100000003000000"        // a stream
        "0100000003000000"        // again
        "0102000003000000"        // no data
        "0102030063000000616263"  // data for no stream
        "0101000063000000"        // end of no stream
        "0103000007000000");      // NOP with an id
    EXPECT_FALSE(session->session.ended());
    EXPECT_EQ(session->session.streams(), 1U);
    EXPECT_EQ(session->session.unread(), 0U);
    EXPECT_EQ(session->output(), "");
    session->receive("010201000300000041");
    EXPECT_EQ(session->read(3), "A");
  }
}

TEST_F(SmuxErrors, header_fields_at_their_limits_are_read) {
  strict.receive("01000000ffffffff");
  EXPECT_EQ(strict.session.accept(), 0xffffffffU);
  EXPECT_EQ(strict.receive_push(0xffffffff, 65535), 65543U);
  EXPECT_EQ(strict.read(0xffffffff).size(), 65535U);
}

}  // namespace
}  // namespace ssm::protocol
