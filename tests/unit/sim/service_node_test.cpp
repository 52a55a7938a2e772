#include "ssm/sim/service_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "recorders.hpp"
#include "ssm/protocol/open_data_channel.hpp"

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

protocol::ServiceConfig config() {
  protocol::ServiceConfig config;
  config.session_id = "s";
  return config;
}

/// A service whose ends are played by hand. 10 ms each way; the agent's link takes one message at a
/// time.
struct ServiceOf : testing::Test {
  Scheduler scheduler;
  RecordingObserver observer;
  Network network{scheduler,
                  {.client = {.latency = 10ms}, .agent = {.latency = 10ms, .buffer_bytes = 1}},
                  1,
                  service};
  ServiceNode service{scheduler, network, observer, config(), {}, false};
  RecordingUser client{scheduler};
  RecordingUser agent{scheduler};

  void SetUp() override { service.start(); }
  void run(Duration time) {
    const Instant until = scheduler.now() + time;
    while (scheduler.step(until)) {
    }
  }
  std::string token(Side side) {
    if (side == Side::client) {
      return service.first_token();
    }
    std::string token;
    service.call(side, fault::Operation::create_data_channel,
                 [&token](const ApiReply& reply) { token = reply.token; });
    run(1s);
    return token;
  }
  Connection& connect(Side side, const std::string& token) {
    Connection& connection = network.open(side, side == Side::client ? client : agent);
    run(1s);
    protocol::OpenDataChannel open;
    open.token_value = token;
    const std::string hello = protocol::serialize(open);
    connection.send_from_end(
        {.kind = Packet::Kind::text, .frame = protocol::Frame::copy_of(protocol::as_bytes(hello))});
    run(1s);
    return connection;
  }
  Connection& connect(Side side) { return connect(side, token(side)); }
  void send_input(Connection& connection, std::int64_t sequence) {
    connection.send_from_end({.frame = input_message(sequence)});
  }
  [[nodiscard]] std::uint64_t relayed() const { return service.role().relayed(Side::client); }
};

TEST_F(ServiceOf, two_ends_relays_from_one_to_the_other) {
  Connection& up = connect(Side::client);
  connect(Side::agent);
  agent.lines.clear();
  send_input(up, 0);
  run(1s);
  EXPECT_THAT(agent.lines, ElementsAre(HasSubstr("got")));
  EXPECT_EQ(service.delivered(), 1U);
}

TEST_F(ServiceOf, a_connection_without_a_right_token_closes_it_and_says_so) {
  connect(Side::client, "made-up");
  EXPECT_THAT(client.lines, Contains(HasSubstr("lost: close 1008 token")));
  EXPECT_THAT(observer.notes, Contains("service: token of the client refused"));
  EXPECT_THAT(observer.text, HasSubstr("closed 1 client: token refused"));
}

TEST_F(ServiceOf, a_token_takes_it_once) {
  const std::string once = token(Side::client);
  connect(Side::client, once);
  EXPECT_TRUE(service.role().is_attached(Side::client));
  connect(Side::client, once);
  EXPECT_THAT(client.lines, Contains(HasSubstr(" 2 lost: close 1008 token")));
}

TEST_F(ServiceOf, a_second_connection_of_an_end_closes_the_first_and_says_so) {
  connect(Side::client);
  connect(Side::client);
  EXPECT_THAT(client.lines, Contains(HasSubstr(" 1 lost: connection closed")));
  EXPECT_THAT(observer.text, HasSubstr("closed 1 client: replaced"));
  EXPECT_TRUE(service.role().is_attached(Side::client));
}

TEST_F(ServiceOf, a_full_link_stops_reading_from_the_other_end_until_there_is_room) {
  Connection& up = connect(Side::client);
  Connection& down = connect(Side::agent);
  down.stall(false, true);
  send_input(up, 0);
  run(1s);
  send_input(up, 1);
  run(1s);
  EXPECT_EQ(relayed(), 1U);
  down.release(false, true);
  run(1s);
  EXPECT_EQ(relayed(), 2U);
}

TEST_F(ServiceOf, a_full_link_that_is_lost_reads_from_the_other_end_again) {
  Connection& up = connect(Side::client);
  Connection& down = connect(Side::agent);
  down.stall(false, true);
  send_input(up, 0);
  run(1s);
  send_input(up, 1);
  down.reset("reset");
  run(1s);
  EXPECT_EQ(relayed(), 2U);
}

TEST_F(ServiceOf, a_full_link_that_is_replaced_reads_from_the_other_end_again) {
  Connection& up = connect(Side::client);
  Connection& down = connect(Side::agent);
  down.stall(false, true);
  send_input(up, 0);
  run(1s);
  send_input(up, 1);
  run(1s);
  EXPECT_EQ(relayed(), 1U);
  connect(Side::agent);
  EXPECT_EQ(relayed(), 2U);
}

TEST_F(ServiceOf, an_api_call_answers_after_a_round_trip) {
  std::optional<Duration> answered;
  const Instant called = scheduler.now();
  service.call(Side::client, fault::Operation::resume_session, [&](const ApiReply& reply) {
    EXPECT_TRUE(reply.ok);
    EXPECT_FALSE(reply.token.empty());
    answered = scheduler.now() - called;
  });
  run(1s);
  EXPECT_EQ(answered, 20ms);
  EXPECT_EQ(service.calls(fault::Operation::resume_session), 1U);
}

TEST_F(ServiceOf, an_api_call_of_a_partitioned_end_answers_nothing_for_a_while) {
  network.set_partitioned(Side::client, true);
  std::string error;
  service.call(Side::client, fault::Operation::resume_session,
               [&](const ApiReply& reply) { error = reply.error; });
  run(15s);
  EXPECT_THAT(error, IsEmpty());
  run(1s);
  EXPECT_EQ(error, "no answer");
}

TEST_F(ServiceOf, a_terminated_session_gives_no_more_tokens) {
  ApiReply resumed{.token = "unset"};
  ApiReply created;
  service.call(Side::client, fault::Operation::terminate_session, [](const ApiReply&) {});
  run(1s);
  service.call(Side::client, fault::Operation::resume_session,
               [&](const ApiReply& reply) { resumed = reply; });
  service.call(Side::agent, fault::Operation::create_data_channel,
               [&](const ApiReply& reply) { created = reply; });
  run(1s);
  EXPECT_TRUE(resumed.ok);
  EXPECT_THAT(resumed.token, IsEmpty());
  EXPECT_FALSE(created.ok);
  EXPECT_EQ(created.error, "Session is already terminated");
}

TEST_F(ServiceOf, a_failed_task_ends_with_its_text) {
  connect(Side::client);
  service.task_failed("no shell");
  run(10s);
  EXPECT_EQ(service.end_text(), "no shell");
  EXPECT_TRUE(service.role().over());
}

}  // namespace
}  // namespace ssm::sim
