#include "ssm/sim/meter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "recorders.hpp"

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;

struct MeterOf : testing::Test {
  RecordingObserver next;
  Meter meter{next};

  void received(Side side, const protocol::Frame& frame, Duration at = 0s,
                std::uint64_t connection = 1) {
    meter.message({.at = at,
                   .connection = connection,
                   .side = side,
                   .received = true,
                   .data = frame.bytes()});
  }
  void sent(Side side, const protocol::Frame& frame, Duration at) {
    meter.message({.at = at, .connection = 1, .side = side, .data = frame.bytes()});
  }
  double value(const std::string& name) { return meter.values().at(name); }
};

TEST_F(MeterOf, silence_counts_nothing_and_has_no_gaps) {
  EXPECT_EQ(value("client_messages"), 0);
  EXPECT_EQ(value("agent_max_copies"), 0);
  EXPECT_EQ(meter.values().count("agent_min_gap_ms"), 0U);
}

TEST_F(MeterOf, stream_messages_counts_them_for_their_end) {
  received(Side::client, input_message(0));
  received(Side::client, input_message(1));
  received(Side::agent, output_message(0));
  EXPECT_EQ(value("client_messages"), 2);
  EXPECT_EQ(value("agent_messages"), 1);
  EXPECT_EQ(value("client_copies"), 0);
  EXPECT_EQ(value("client_max_copies"), 1);
}

TEST_F(MeterOf, copies_counts_those_after_the_first) {
  for (const Duration at : {0ms, 200ms, 250ms}) {
    received(Side::agent, output_message(7), at);
  }
  received(Side::agent, output_message(8), 260ms);
  EXPECT_EQ(value("agent_messages"), 4);
  EXPECT_EQ(value("agent_copies"), 2);
  EXPECT_EQ(value("agent_max_copies"), 3);
  EXPECT_EQ(value("agent_min_gap_ms"), 50);
}

TEST_F(MeterOf, copies_on_two_connections_measures_no_gap) {
  received(Side::agent, output_message(7), 0ms, 1);
  received(Side::agent, output_message(7), 5ms, 2);
  EXPECT_EQ(value("agent_copies"), 1);
  EXPECT_EQ(meter.values().count("agent_min_gap_ms"), 0U);
}

TEST_F(MeterOf, acknowledgements_counts_those_of_one_message) {
  received(Side::client, acknowledgement(1));
  received(Side::client, acknowledgement(2));
  received(Side::client, acknowledgement(2));
  EXPECT_EQ(value("client_acks"), 3);
  EXPECT_EQ(value("client_max_acks"), 2);
  EXPECT_EQ(value("client_messages"), 0);
}

TEST_F(MeterOf, acknowledgements_measures_the_longest_wait_for_one) {
  sent(Side::client, output_message(1), 0ms);
  sent(Side::client, output_message(2), 10ms);
  received(Side::client, acknowledgement(1), 30ms);
  received(Side::client, acknowledgement(2), 35ms);
  EXPECT_EQ(value("client_max_ack_wait_ms"), 30);
  EXPECT_EQ(value("agent_max_ack_wait_ms"), 0);
}

TEST_F(MeterOf, acknowledgements_measures_from_the_first_copy_to_the_first_acknowledgement) {
  sent(Side::client, output_message(1), 0ms);
  sent(Side::client, output_message(1), 200ms);
  received(Side::client, acknowledgement(1), 300ms);
  sent(Side::client, output_message(1), 310ms);
  received(Side::client, acknowledgement(1), 900ms);
  EXPECT_EQ(value("client_max_ack_wait_ms"), 300);
}

TEST_F(MeterOf, acknowledgements_counts_one_that_never_comes_until_the_last_message) {
  sent(Side::client, output_message(1), 10ms);
  received(Side::agent, output_message(2), 500ms);
  EXPECT_EQ(value("client_max_ack_wait_ms"), 490);
}

TEST_F(MeterOf, connections_counts_them_for_their_end) {
  meter.connection_opened(0s, 1, Side::client);
  meter.connection_opened(0s, 2, Side::agent);
  meter.connection_opened(0s, 3, Side::client);
  EXPECT_EQ(value("client_connections"), 2);
  EXPECT_EQ(value("agent_connections"), 1);
}

TEST_F(MeterOf, what_the_service_sends_and_text_and_garbage_counts_nothing) {
  const protocol::Frame frame = input_message(0);
  meter.message({.side = Side::client, .received = false, .data = frame.bytes()});
  meter.message({.side = Side::client, .received = true, .text = true, .data = frame.bytes()});
  meter.message(
      {.side = Side::client, .received = true, .data = protocol::as_bytes("not a message")});
  EXPECT_EQ(value("client_messages"), 0);
}

TEST_F(MeterOf, anything_passes_it_on) {
  received(Side::client, input_message(0));
  meter.connection_opened(1s, 1, Side::client);
  meter.connection_closed(2s, 1, Side::client, "bye");
  meter.note(3s, "note");
  EXPECT_EQ(next.messages, 1U);
  EXPECT_THAT(next.text, testing::HasSubstr("1000000000 opened 1 client\n"
                                            "2000000000 closed 1 client: bye\n"
                                            "3000000000 note note\n"));
}

}  // namespace
}  // namespace ssm::sim
