#include "ssm/sim/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "recorders.hpp"

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

Packet packet(std::string text) {
  return {.kind = Packet::Kind::text, .text = std::move(text)};
}

NetworkRules rules() {
  // A connection opens after two round trips: 40 ms at the client, 80 ms at the agent.
  return {.client = {.latency = 10ms}, .agent = {.latency = 20ms}};
}

struct NetworkOf : testing::Test {
  Scheduler scheduler;
  RecordingUser service{scheduler};
  RecordingUser client{scheduler};
  RecordingUser agent{scheduler};
  Network network{scheduler, rules(), 1, service};

  void run(Duration until) {
    while (scheduler.step(scheduler.start() + until)) {
    }
  }
  /// An open connection of the client, nothing said about it so far.
  Connection& open() {
    Connection& opened = network.open(Side::client, client);
    run(scheduler.elapsed() + 40ms);
    EXPECT_TRUE(opened.is_open());
    forget();
    return opened;
  }
  void forget() {
    service.lines.clear();
    client.lines.clear();
    agent.lines.clear();
  }
};

// --- opening ------------------------------------------------------------------------------------

TEST_F(NetworkOf, two_ends_opens_each_connection_after_its_round_trips) {
  network.open(Side::client, client);
  network.open(Side::agent, agent);
  run(1s);
  EXPECT_THAT(client.lines, ElementsAre("40 1 opened"));
  EXPECT_THAT(agent.lines, ElementsAre("80 2 opened"));
  EXPECT_THAT(service.lines, ElementsAre("40 1 opened", "80 2 opened"));
  EXPECT_EQ(network.opened(), 2U);
}

TEST_F(NetworkOf, a_refusing_service_fails_the_upgrade_with_its_reason) {
  service.refuses = "HTTP 503";
  const Connection& connection = network.open(Side::client, client);
  run(1h);
  EXPECT_THAT(client.lines, ElementsAre("40 1 failed: HTTP 503"));
  EXPECT_THAT(service.lines, IsEmpty());
  EXPECT_TRUE(connection.is_closed());
}

TEST_F(NetworkOf, a_partitioned_end_fails_to_connect_after_the_timeout) {
  network.set_partitioned(Side::client, true);
  EXPECT_TRUE(network.partitioned(Side::client));
  network.open(Side::client, client);
  run(1h);
  EXPECT_THAT(client.lines, ElementsAre("45000 1 failed: no answer"));
  EXPECT_THAT(service.lines, IsEmpty());
}

TEST_F(NetworkOf, a_partition_that_ends_in_time_lets_the_attempt_succeed) {
  network.set_partitioned(Side::client, true);
  network.open(Side::client, client);
  run(10s);
  network.set_partitioned(Side::client, false);
  run(1h);
  EXPECT_THAT(client.lines, ElementsAre("10040 1 opened"));
}

TEST_F(NetworkOf, a_partition_of_one_end_leaves_the_other_alone) {
  network.set_partitioned(Side::client, true);
  network.open(Side::agent, agent);
  run(1s);
  EXPECT_THAT(agent.lines, ElementsAre("80 1 opened"));
}

TEST_F(NetworkOf, an_attempt_given_up_by_its_end_never_opens) {
  Connection& connection = network.open(Side::client, client);
  connection.drop_from_end();
  run(1h);
  EXPECT_THAT(client.lines, IsEmpty());
  EXPECT_THAT(service.lines, IsEmpty());
  EXPECT_TRUE(connection.is_closed());
}

TEST_F(NetworkOf, a_reset_while_opening_fails_the_attempt) {
  network.open(Side::client, client);
  network.reset(Side::client, "reset");
  run(1h);
  EXPECT_THAT(client.lines, ElementsAre("0 1 failed: reset"));
  EXPECT_THAT(service.lines, IsEmpty());
}

// --- packets ------------------------------------------------------------------------------------

TEST_F(NetworkOf, an_open_connection_carries_packets_both_ways) {
  Connection& connection = open();
  connection.send_from_end(packet("up"));
  connection.send_from_service(packet("down"));
  run(1s);
  EXPECT_THAT(service.lines, ElementsAre("50 1 got up"));
  EXPECT_THAT(client.lines, ElementsAre("50 1 got down"));
}

TEST_F(NetworkOf, a_ping_is_answered_by_the_service_alone) {
  Connection& connection = open();
  connection.send_from_end({.kind = Packet::Kind::ping});
  run(1s);
  EXPECT_THAT(client.lines, ElementsAre("60 1 pong"));
  EXPECT_THAT(service.lines, IsEmpty());
}

TEST_F(NetworkOf, a_slow_reader_fills_the_buffer_and_room_is_told_to_the_writer) {
  NetworkRules small = rules();
  small.client.buffer_bytes = 1;
  Network narrow(scheduler, small, 1, service);
  Connection& connection = narrow.open(Side::client, client);
  EXPECT_FALSE(connection.end_may_write());
  run(1s);
  EXPECT_TRUE(connection.end_may_write());
  forget();
  connection.set_service_reading(false);
  connection.send_from_end(packet("a"));
  EXPECT_FALSE(connection.end_may_write());
  run(2s);
  EXPECT_THAT(client.lines, IsEmpty());
  connection.set_service_reading(true);
  run(3s);
  EXPECT_THAT(service.lines, ElementsAre("2000 1 got a"));
  EXPECT_THAT(client.lines, ElementsAre("2000 1 room"));
  EXPECT_TRUE(connection.end_may_write());
}

// --- closing ------------------------------------------------------------------------------------

TEST_F(NetworkOf, an_end_that_drops_is_told_nothing_and_its_last_words_arrive) {
  Connection& connection = open();
  connection.send_from_end(packet("bye"));
  connection.drop_from_end();
  connection.send_from_end(packet("too late"));
  connection.send_from_service(packet("unheard"));
  run(1h);
  EXPECT_THAT(service.lines, ElementsAre("50 1 got bye", "50 1 lost: closed by the client"));
  EXPECT_THAT(client.lines, IsEmpty());
  EXPECT_TRUE(connection.is_closed());
}

TEST_F(NetworkOf, a_close_by_the_service_tells_code_and_reason_behind_what_was_sent) {
  Connection& connection = open();
  connection.send_from_service(packet("bye"));
  connection.close_from_service(1001, "going away");
  connection.send_from_service(packet("too late"));
  run(1h);
  EXPECT_THAT(client.lines, ElementsAre("50 1 got bye", "50 1 lost: close 1001 going away"));
  EXPECT_THAT(service.lines, IsEmpty());
}

TEST_F(NetworkOf, a_close_without_a_code_ends_tcp_alone) {
  open().close_from_service(0, "");
  run(1h);
  EXPECT_THAT(client.lines, ElementsAre("50 1 lost: connection closed"));
}

TEST_F(NetworkOf, both_ends_closing_at_once_tells_neither) {
  Connection& connection = open();
  connection.drop_from_end();
  connection.close_from_service(0, "");
  run(1h);
  EXPECT_THAT(client.lines, IsEmpty());
  EXPECT_THAT(service.lines, IsEmpty());
}

TEST_F(NetworkOf, a_reset_tells_both_at_once_and_loses_what_is_on_its_way) {
  Connection& connection = open();
  connection.send_from_end(packet("lost"));
  network.reset(Side::client, "connection reset");
  run(1h);
  EXPECT_THAT(client.lines, ElementsAre("40 1 lost: connection reset"));
  EXPECT_THAT(service.lines, ElementsAre("40 1 lost: connection reset"));
  EXPECT_TRUE(connection.is_closed());
}

TEST_F(NetworkOf, a_reset_after_the_end_dropped_tells_the_service_alone) {
  Connection& connection = open();
  connection.drop_from_end();
  connection.reset("connection reset");
  run(1h);
  EXPECT_THAT(client.lines, IsEmpty());
  EXPECT_THAT(service.lines, ElementsAre("40 1 lost: connection reset"));
}

TEST_F(NetworkOf, a_second_reset_says_nothing) {
  Connection& connection = open();
  connection.reset("first");
  connection.reset("second");
  EXPECT_THAT(client.lines, ElementsAre("40 1 lost: first"));
}

TEST_F(NetworkOf, an_end_without_a_connection_has_nothing_to_reset_or_stall) {
  network.reset(Side::client, "reset");
  EXPECT_EQ(network.stall(Side::client, true, true), nullptr);
  run(1h);
  EXPECT_THAT(client.lines, IsEmpty());
}

// --- half-open ----------------------------------------------------------------------------------

TEST_F(NetworkOf, a_stalled_idle_connection_is_noticed_by_the_keep_alive) {
  open();
  network.stall(Side::client, true, true);
  run(1h);
  EXPECT_THAT(client.lines, ElementsAre("150040 1 lost: connection timed out"));
  EXPECT_THAT(service.lines, ElementsAre("150040 1 lost: connection timed out"));
}

TEST_F(NetworkOf, a_stalled_connection_with_data_is_noticed_when_tcp_gives_up) {
  Connection& connection = open();
  connection.send_from_end(packet("a"));
  network.stall(Side::client, true, true);
  run(1h);
  EXPECT_THAT(client.lines, ElementsAre("924040 1 lost: connection timed out"));
  EXPECT_THAT(service.lines, ElementsAre("924040 1 lost: connection timed out"));
}

TEST_F(NetworkOf, a_stall_that_ends_in_time_is_noticed_by_nobody) {
  Connection& connection = open();
  network.stall(Side::client, true, true);
  connection.send_from_end(packet("a"));
  run(100s);
  EXPECT_THAT(service.lines, IsEmpty());
  connection.release(true, true);
  run(1h);
  EXPECT_THAT(service.lines, ElementsAre("100010 1 got a"));
  EXPECT_THAT(client.lines, IsEmpty());
}

TEST_F(NetworkOf, a_stall_of_one_direction_lets_the_other_through) {
  Connection& connection = open();
  network.stall(Side::client, true, false);
  connection.send_from_end(packet("up"));
  connection.send_from_service(packet("down"));
  run(1s);
  EXPECT_THAT(client.lines, ElementsAre("50 1 got down"));
  EXPECT_THAT(service.lines, IsEmpty());
}

TEST_F(NetworkOf, an_end_that_drops_a_stalled_connection_is_not_told_and_the_service_is_later) {
  Connection& connection = open();
  network.stall(Side::client, true, true);
  connection.drop_from_end();
  run(1h);
  EXPECT_THAT(client.lines, IsEmpty());
  EXPECT_THAT(service.lines, ElementsAre("150040 1 lost: connection timed out"));
}

TEST_F(NetworkOf, a_stall_concerns_the_present_connection_and_no_later_one) {
  open();
  network.stall(Side::client, true, true);
  Connection& second = network.open(Side::client, client);
  run(1s);
  second.send_from_end(packet("a"));
  run(2s);
  EXPECT_THAT(service.lines, ElementsAre("80 2 opened", "1010 2 got a"));
}

TEST_F(NetworkOf, a_partition_stops_old_connections_of_the_side_too) {
  Connection& first = open();
  Connection& second = network.open(Side::client, client);
  run(1s);
  forget();
  network.set_partitioned(Side::client, true);
  first.send_from_end(packet("old"));
  second.send_from_end(packet("new"));
  run(2s);
  EXPECT_THAT(service.lines, IsEmpty());
  network.set_partitioned(Side::client, false);
  run(3s);
  EXPECT_THAT(service.lines, ElementsAre("2010 1 got old", "2010 2 got new"));
}

TEST_F(NetworkOf, a_partition_that_ends_leaves_a_stalled_connection_stalled) {
  Connection& connection = open();
  network.stall(Side::client, true, true);
  network.set_partitioned(Side::client, true);
  run(1s);
  network.set_partitioned(Side::client, false);
  connection.send_from_end(packet("a"));
  run(2s);
  EXPECT_THAT(service.lines, IsEmpty());
}

TEST_F(NetworkOf, a_stall_that_ends_leaves_a_partitioned_connection_stopped) {
  Connection& connection = open();
  network.stall(Side::client, true, true);
  network.set_partitioned(Side::client, true);
  connection.release(true, true);
  connection.send_from_end(packet("a"));
  run(2s);
  EXPECT_THAT(service.lines, IsEmpty());
}

TEST_F(NetworkOf, two_stalls_at_once_lasts_until_both_are_released) {
  Connection& connection = open();
  network.stall(Side::client, true, false);
  network.stall(Side::client, true, true);
  connection.release(true, true);
  connection.send_from_end(packet("up"));
  connection.send_from_service(packet("down"));
  run(1s);
  EXPECT_THAT(client.lines, ElementsAre("50 1 got down"));
  EXPECT_THAT(service.lines, IsEmpty());
  connection.release(true, false);
  run(2s);
  EXPECT_THAT(service.lines, ElementsAre("1010 1 got up"));
}

TEST_F(NetworkOf, everything_broken_works_again_when_healed) {
  Connection& first = open();
  network.stall(Side::client, true, true);
  first.send_from_end(packet("a"));
  network.set_partitioned(Side::client, true);
  network.set_partitioned(Side::agent, true);
  network.open(Side::agent, agent);
  run(1s);
  network.heal();
  run(2s);
  EXPECT_THAT(service.lines, ElementsAre("1010 1 got a", "1080 2 opened"));
}

TEST_F(NetworkOf, each_link_tells_its_round_trip) {
  EXPECT_EQ(network.round_trip(Side::client), 20ms);
  EXPECT_EQ(network.round_trip(Side::agent), 40ms);
}

}  // namespace
}  // namespace ssm::sim
