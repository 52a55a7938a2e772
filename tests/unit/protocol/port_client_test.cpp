#include "ssm/protocol/port_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "port_fixture.hpp"

namespace ssm::protocol {
namespace {

using std::chrono::seconds;
using test::client_config;
using test::ClientScript;
using test::to_hex;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* reference = "plugin-1.2.677";

// ---- mux ----------------------------------------------------------------------------------------

TEST(PortClientMux, opens_a_stream_for_each_connection_before_its_data) {
  ClientScript client(client_config(PortMode::mux));
  client.end.connection_accepted(10, client.now);
  EXPECT_THAT(client.output(), ElementsAre("output 0100000003000000"));
  client.end.connection_accepted(11, client.now);
  client.data(10, "GET");
  EXPECT_THAT(client.output(), ElementsAre("output 01000000050000000102030003000000474554"));
}

TEST(PortClientMux, cuts_output_at_the_chunk_size) {
  ClientScript client(client_config(PortMode::mux));
  client.end.connection_accepted(1, client.now);
  client.data(1, std::string(3000, 'x'));
  std::vector<std::size_t> sizes;
  while (const auto output = client.end.poll_output(client.now)) {
    sizes.push_back(output->data.size());
  }
  EXPECT_THAT(sizes, ElementsAre(1024, 1024, 968));
}

TEST(PortClientMux, carries_half_close_both_ways) {
  ClientScript client(client_config(PortMode::mux));
  client.end.connection_accepted(1, client.now);
  client.data(1, "q");
  client.end.eof(1, client.now);
  EXPECT_THAT(client.output(), ElementsAre("output 0100000003000000010201000300000071"
                                           "0101000003000000"));
  EXPECT_THAT(client.events(), IsEmpty());
  client.receive("010201000300000061 0101000003000000");
  EXPECT_THAT(client.events(), ElementsAre("readable 1"));
  EXPECT_EQ(client.read(1), "a");
  EXPECT_THAT(client.events(), ElementsAre("close 1: ended"));
}

TEST(PortClientMux, of_the_reference_closes_on_the_end_of_either_direction) {
  ClientScript client(client_config(PortMode::mux, reference));
  client.end.connection_accepted(1, client.now);
  client.end.connection_accepted(2, client.now);
  (void)client.output();
  client.end.eof(1, client.now);
  EXPECT_THAT(client.events(), ElementsAre("close 1: ended"));
  client.receive("010201000500000061 0101000005000000");
  EXPECT_THAT(client.events(), ElementsAre("readable 2"));
  EXPECT_EQ(client.read(2), "a");
  EXPECT_THAT(client.events(), ElementsAre("close 2: ended"));
  EXPECT_THAT(client.output(), ElementsAre("output 01010000030000000101000005000000"));
}

TEST(PortClientMux, closes_only_after_all_data_was_consumed) {
  ClientScript client(client_config(PortMode::mux));
  client.end.connection_accepted(1, client.now);
  client.receive("010201000300000061 0101000003000000");
  client.end.eof(1, client.now);
  EXPECT_THAT(client.events(), ElementsAre("readable 1"));
  EXPECT_EQ(client.read(1), "a");
  EXPECT_THAT(client.events(), ElementsAre("close 1: ended"));
}

TEST(PortClientMux, maps_a_reset_to_fin) {
  ClientScript client(client_config(PortMode::mux));
  client.end.connection_accepted(1, client.now);
  client.end.connection_accepted(2, client.now);
  (void)client.output();
  client.data(1, "lost");
  client.end.reset(1, client.now);
  client.data(2, "x");
  EXPECT_THAT(client.output(), ElementsAre("output 0101000003000000010201000500000078"));
  EXPECT_THAT(client.events(), IsEmpty());
}

TEST(PortClientMux, closes_a_refused_connection_at_once_and_no_other) {
  ClientScript client(client_config(PortMode::mux));
  client.end.connection_accepted(1, client.now);
  client.end.connection_accepted(2, client.now);
  client.receive_flag("00000003");
  EXPECT_THAT(client.events(), ElementsAre("destination refused"));
  client.receive("0101000005000000");
  EXPECT_THAT(client.events(), ElementsAre("readable 2", "close 2: refused"));
  client.receive("010201000300000061");
  EXPECT_EQ(client.read(1), "a");
}

TEST(PortClientMux, closes_a_refused_connection_whose_fin_stays_away) {
  ClientScript client(client_config(PortMode::mux));
  client.end.connection_accepted(1, client.now);
  client.end.connection_accepted(2, client.now);
  client.receive("010201000300000061");
  EXPECT_EQ(client.read(1), "a");
  client.receive_flag("00000003");
  (void)client.events();
  EXPECT_EQ(client.end.next_timeout(), client.now + seconds(5));
  client.advance(seconds(5));
  EXPECT_THAT(client.events(), ElementsAre("close 2: refused"));
  EXPECT_EQ(client.end.next_timeout(), std::nullopt);
}

TEST(PortClientMux, does_not_guess_which_of_two_silent_connections_was_refused) {
  ClientScript client(client_config(PortMode::mux));
  client.end.connection_accepted(1, client.now);
  client.end.connection_accepted(2, client.now);
  client.receive_flag("00000003");
  (void)client.events();
  client.advance(seconds(5));
  EXPECT_THAT(client.events(), IsEmpty());
  client.receive("010201000300000061");
  (void)client.events();
  client.advance(seconds(5));
  EXPECT_THAT(client.events(), ElementsAre("close 2: refused"));
}

TEST(PortClientMux, of_the_reference_leaves_a_refused_connection_open_without_fin) {
  ClientScript client(client_config(PortMode::mux, reference));
  client.end.connection_accepted(1, client.now);
  client.receive_flag("00000003");
  EXPECT_THAT(client.events(), ElementsAre("destination refused"));
  client.advance(std::chrono::hours(1));
  EXPECT_THAT(client.events(), IsEmpty());
}

TEST(PortClientMux, ignores_flags_it_does_not_know_and_other_types) {
  ClientScript client(client_config(PortMode::mux));
  EXPECT_TRUE(client.receive_flag("0000"));
  EXPECT_TRUE(client.receive_flag("00000007"));
  EXPECT_TRUE(client.end.receive(PayloadType::std_err, as_bytes("x"), client.now));
  EXPECT_THAT(client.events(), IsEmpty());
}

TEST(PortClientMux, ends_after_an_error_of_the_multiplexer) {
  ClientScript client(client_config(PortMode::mux));
  client.end.connection_accepted(1, client.now);
  client.receive("0200000003000000");
  EXPECT_THAT(client.events(),
              ElementsAre("close 1: session ended", "end 1: expected smux version 1, seen 2"));
  client.end.connection_accepted(2, client.now);
  EXPECT_THAT(client.events(), ElementsAre("close 2: no stream"));
}

TEST(PortClientMux, of_the_reference_stays_after_an_error_of_the_multiplexer) {
  ClientScript client(client_config(PortMode::mux, reference));
  client.end.connection_accepted(1, client.now);
  client.receive("0200000003000000");
  client.end.connection_accepted(2, client.now);
  EXPECT_THAT(client.events(), ElementsAre("close 1: session ended", "close 2: no stream"));
}

TEST(PortClientMux, refuses_connections_when_all_stream_ids_are_used) {
  for (const char* const rules : {"strict", reference}) {
    PortClientConfig config = client_config(PortMode::mux, rules);
    config.rules.smux.client_first_id = 0xffffffff;
    ClientScript client(config);
    client.end.connection_accepted(1, client.now);
    client.end.connection_accepted(2, client.now);
    const auto events = client.events();
    if (config.rules.leaks_unserved) {
      EXPECT_THAT(events, IsEmpty());
    } else {
      EXPECT_THAT(events, ElementsAre("close 2: no stream"));
    }
  }
}

TEST(PortClientMux, sends_the_terminate_flag_once_and_nothing_after_it) {
  ClientScript client(client_config(PortMode::mux));
  client.end.connection_accepted(1, client.now);
  client.data(1, std::string(5000, 'x'));
  (void)client.end.poll_output(client.now);
  client.end.terminate(client.now);
  client.end.terminate(client.now);
  EXPECT_THAT(client.output(), ElementsAre("flag 00000002"));
  EXPECT_THAT(client.events(), ElementsAre("close 1: session ended"));
  EXPECT_EQ(client.data(1, "x"), 0U);
  EXPECT_THAT(client.output(), IsEmpty());
}

TEST(PortClientMux, of_the_reference_takes_no_message_while_one_reader_stalls) {
  ClientScript client(client_config(PortMode::mux, reference));
  client.end.connection_accepted(1, client.now);
  client.end.connection_accepted(2, client.now);
  const auto frame = test::from_hex("0102f80303000000" + to_hex(as_bytes(std::string(1016, 'x'))));
  std::size_t messages = 0;
  while (client.end.receive(PayloadType::output, frame, client.now)) {
    ++messages;
  }
  EXPECT_EQ(messages, (4U << 20) / 1016 + 1);
  EXPECT_FALSE(client.receive("010201000500000061"));
  (void)client.events();
  EXPECT_GE(client.read(1).size(), 4U << 20);
  EXPECT_THAT(client.events(), ElementsAre("receive possible"));
  EXPECT_TRUE(client.receive("010201000500000061"));
  EXPECT_EQ(client.read(2), "a");
}

TEST(PortClientMux, keeps_the_rest_of_a_message_that_is_taken_in_parts) {
  PortClientConfig config = client_config(PortMode::mux);
  config.rules.smux.stream_receive_bytes = 2;
  ClientScript client(config);
  client.end.connection_accepted(1, client.now);
  client.end.connection_accepted(2, client.now);
  EXPECT_TRUE(client.receive("01020200030000006162 01020100030000006a 010201000500000078"));
  EXPECT_FALSE(client.end.ready_to_receive());
  EXPECT_EQ(client.read(1), "abj");
  EXPECT_TRUE(client.end.ready_to_receive());
  EXPECT_EQ(client.read(2), "x");
}

// ---- basic --------------------------------------------------------------------------------------

class PortClientBasic : public testing::Test {
 protected:
  ClientScript strict{client_config(PortMode::basic)};
  ClientScript plugin{client_config(PortMode::basic, reference)};
};

TEST_F(PortClientBasic, carries_bytes_as_they_are) {
  strict.end.connection_accepted(1, strict.now);
  strict.data(1, "up");
  EXPECT_THAT(strict.output(), ElementsAre("output 7570"));
  EXPECT_TRUE(strict.receive_text("down"));
  EXPECT_THAT(strict.events(), ElementsAre("readable 1"));
  EXPECT_EQ(strict.read(1), "down");
}

TEST_F(PortClientBasic, takes_no_output_before_the_first_connection) {
  for (ClientScript* const client : {&strict, &plugin}) {
    EXPECT_FALSE(client->receive_text("banner"));
    client->end.connection_accepted(1, client->now);
    EXPECT_THAT(client->events(), ElementsAre("receive possible"));
    EXPECT_TRUE(client->receive_text("banner"));
    EXPECT_EQ(client->read(1), "banner");
  }
}

TEST_F(PortClientBasic, sends_flag_1_between_two_connections) {
  for (ClientScript* const client : {&strict, &plugin}) {
    client->end.connection_accepted(1, client->now);
    client->data(1, "one");
    client->end.eof(1, client->now);
    EXPECT_THAT(client->output(), ElementsAre("output 6f6e65", "flag 00000001"));
    EXPECT_THAT(client->events(), ElementsAre("close 1: ended"));
    client->end.all_acknowledged(client->now);
    client->end.connection_accepted(2, client->now);
    client->data(2, "two");
    EXPECT_THAT(client->output(), ElementsAre("output 74776f"));
  }
}

TEST_F(PortClientBasic, sends_flag_1_for_a_reset_without_what_was_unsent) {
  strict.end.connection_accepted(1, strict.now);
  strict.data(1, "lost");
  strict.end.reset(1, strict.now);
  EXPECT_THAT(strict.output(), ElementsAre("flag 00000001"));
  EXPECT_THAT(strict.events(), IsEmpty());
}

TEST_F(PortClientBasic, drops_output_of_an_old_connection) {
  strict.end.connection_accepted(1, strict.now);
  strict.end.eof(1, strict.now);
  EXPECT_TRUE(strict.receive_text("old"));
  EXPECT_THAT(strict.output(), ElementsAre("flag 00000001"));
  strict.end.connection_accepted(2, strict.now);
  strict.data(2, "new");
  EXPECT_THAT(strict.output(), IsEmpty());  // the agent may not have heard yet
  EXPECT_TRUE(strict.receive_text("old"));
  strict.end.all_acknowledged(strict.now);
  EXPECT_TRUE(strict.receive_text("old"));
  EXPECT_THAT(strict.output(), ElementsAre("output 6e6577"));
  EXPECT_TRUE(strict.receive_text("answer"));
  EXPECT_EQ(strict.read(2), "answer");
}

TEST_F(PortClientBasic, of_the_reference_gives_output_of_an_old_connection_to_the_next) {
  plugin.end.connection_accepted(1, plugin.now);
  plugin.end.eof(1, plugin.now);
  EXPECT_FALSE(plugin.receive_text("old"));
  plugin.end.connection_accepted(2, plugin.now);
  EXPECT_TRUE(plugin.receive_text("old"));
  EXPECT_EQ(plugin.read(2), "old");
}

TEST_F(PortClientBasic, refuses_a_second_connection_while_one_is_served) {
  strict.end.connection_accepted(1, strict.now);
  strict.end.connection_accepted(2, strict.now);
  EXPECT_THAT(strict.events(), ElementsAre("close 2: busy"));
  EXPECT_EQ(strict.data(2, "x"), 0U);
}

TEST_F(PortClientBasic, of_the_reference_lets_a_second_connection_wait) {
  plugin.end.connection_accepted(1, plugin.now);
  plugin.end.connection_accepted(2, plugin.now);
  plugin.end.connection_accepted(3, plugin.now);
  EXPECT_EQ(plugin.end.room(2), 0U);
  plugin.end.reset(2, plugin.now);
  plugin.end.eof(1, plugin.now);
  EXPECT_EQ(plugin.data(3, "3"), 1U);
  EXPECT_THAT(plugin.output(), ElementsAre("flag 00000001", "output 33"));
  EXPECT_THAT(plugin.events(), ElementsAre("close 1: ended"));
}

TEST_F(PortClientBasic, writes_flags_of_the_agent_as_data_only_in_the_reference) {
  for (ClientScript* const client : {&strict, &plugin}) {
    client->end.connection_accepted(1, client->now);
    EXPECT_TRUE(client->receive_flag("00000003"));
  }
  EXPECT_EQ(strict.read(1), "");
  EXPECT_EQ(plugin.read(1), std::string("\0\0\0\3", 4));
}

TEST_F(PortClientBasic, stops_taking_output_that_nobody_reads) {
  strict.end.connection_accepted(1, strict.now);
  std::size_t messages = 0;
  while (strict.receive_text(std::string(1024, 'x'))) {
    ++messages;
  }
  EXPECT_EQ(messages, 64U);
  (void)strict.events();
  strict.end.consumed(1, 1, strict.now);
  EXPECT_THAT(strict.events(), ElementsAre("receive possible"));
}

TEST_F(PortClientBasic, stops_taking_input_that_nobody_sends) {
  strict.end.connection_accepted(1, strict.now);
  EXPECT_EQ(strict.data(1, std::string(100'000, 'x')), 65536U);
  EXPECT_FALSE(strict.end.can_take(1));
  for (int i = 0; i < 32; ++i) {
    EXPECT_THAT(strict.events(), IsEmpty());
    (void)strict.end.poll_output(strict.now);
  }
  EXPECT_THAT(strict.events(), ElementsAre("writable 1"));
}

TEST_F(PortClientBasic, has_not_ended_a_connection_that_waits_for_its_turn) {
  plugin.end.connection_accepted(1, plugin.now);
  plugin.end.connection_accepted(2, plugin.now);
  EXPECT_FALSE(plugin.end.read_ended(1));
  EXPECT_FALSE(plugin.end.read_ended(2));
  EXPECT_TRUE(plugin.end.read_ended(3));
}

TEST_F(PortClientBasic, closes_a_connection_that_ended_before_its_turn_came) {
  plugin.end.connection_accepted(1, plugin.now);
  plugin.end.connection_accepted(2, plugin.now);
  plugin.end.eof(2, plugin.now);
  EXPECT_THAT(plugin.events(), ElementsAre("close 2: ended"));
  EXPECT_TRUE(plugin.end.read_ended(2));
  EXPECT_FALSE(plugin.end.read_ended(1));
}

TEST_F(PortClientBasic, ends_an_old_agents_session_by_the_api) {
  PortClientConfig config = client_config(PortMode::basic);
  config.choice.terminate_flag = false;
  ClientScript client(config);
  client.end.terminate(client.now);
  EXPECT_THAT(client.events(), ElementsAre("terminate by api"));
  EXPECT_THAT(client.output(), IsEmpty());
}

TEST_F(PortClientBasic, closes_everything_on_termination) {
  plugin.end.connection_accepted(1, plugin.now);
  plugin.end.connection_accepted(2, plugin.now);
  plugin.end.terminate(plugin.now);
  EXPECT_THAT(plugin.events(), ElementsAre("close 1: session ended", "close 2: session ended"));
  EXPECT_THAT(plugin.output(), ElementsAre("flag 00000002"));
}

// ---- standard stream ----------------------------------------------------------------------------

TEST(PortClientStandardStream, tells_the_end_of_input_after_the_last_bytes) {
  ClientScript client(client_config(PortMode::standard_stream));
  client.end.connection_accepted(0, client.now);
  client.data(0, std::string(1500, 'x'));
  client.end.eof(0, client.now);
  EXPECT_THAT(client.events(), IsEmpty());
  EXPECT_EQ(client.output().size(), 2U);
  EXPECT_THAT(client.events(), ElementsAre("input finished"));
  EXPECT_TRUE(client.receive_text("still read"));
  EXPECT_EQ(client.read(0), "still read");
  EXPECT_THAT(client.output(), IsEmpty());
}

TEST(PortClientStandardStream, writes_only_output) {
  ClientScript client(client_config(PortMode::standard_stream));
  client.end.connection_accepted(0, client.now);
  client.receive_flag("00000003");
  client.receive_text("ssh");
  EXPECT_EQ(client.read(0), "ssh");
}

}  // namespace
}  // namespace ssm::protocol
