#include "ssm/sim/fault_driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "recorders.hpp"

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;
using fault::Direction;
using fault::Match;
using fault::Rule;
using protocol::MessageType;
using testing::ElementsAre;
using testing::IsEmpty;

/// What the driver asks of the rest of the system, a line each, with the time in ms.
class RecordingTarget final : public FaultTarget {
 public:
  explicit RecordingTarget(const Scheduler& scheduler) : scheduler_(scheduler) {}

  void relay(Side from, protocol::Frame frame) override {
    const auto view = protocol::decode(frame.bytes());
    say("relay " + std::string(name(from)) + " " +
        (view ? std::to_string(view->sequence_number) : std::string("garbage")));
  }
  void close(Side side, std::uint16_t code, std::string reason) override {
    say("close " + std::string(name(side)) + " " + std::to_string(code) + " " + reason);
  }
  void publish(Side side, bool pause) override {
    say((pause ? "pause " : "start ") + std::string(name(side)));
  }
  void crash(Side side) override { say("crash " + std::string(name(side))); }
  void restart(Side side) override { say("restart " + std::string(name(side))); }

  std::vector<std::string> lines;

 private:
  void say(const std::string& what) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(scheduler_.elapsed());
    lines.push_back(std::to_string(ms.count()) + " " + what);
  }

  const Scheduler& scheduler_;
};

struct FaultDriverOf : testing::Test {
  Scheduler scheduler;
  RecordingUser service{scheduler};
  RecordingUser client{scheduler};
  Network network{scheduler, {.client = {.latency = 10ms}, .agent = {.latency = 10ms}}, 1, service};
  RecordingObserver observer;
  RecordingTarget target{scheduler};
  std::unique_ptr<FaultDriver> driver;

  void start(fault::Plan plan) {
    driver =
        std::make_unique<FaultDriver>(scheduler, network, observer, target, std::move(plan), true);
    driver->start();
  }
  /// A plan of one thing that happens after a second.
  void start_with(fault::Action action) {
    start({.rules = {{.name = "it", .match = {.at = 1s}, .action = std::move(action)}}});
  }
  void run(Duration until) {
    while (scheduler.step(scheduler.start() + until)) {
    }
  }
  Connection& open() {
    Connection& opened = network.open(Side::client, client);
    run(scheduler.elapsed() + 40ms);
    client.lines.clear();
    service.lines.clear();
    return opened;
  }
  void input(std::int64_t sequence) { driver->message(Side::client, 1, input_message(sequence)); }
};

Rule rule(std::string name, Match match, fault::Action action) {
  return {.name = std::move(name), .match = std::move(match), .action = std::move(action)};
}
Match input_match(std::int64_t sequence) {
  return {.message_type = MessageType::input_stream_data,
          .sequence = fault::Range{sequence, sequence}};
}

// --- messages -----------------------------------------------------------------------------------

TEST_F(FaultDriverOf, an_empty_plan_relays_everything) {
  start({});
  input(0);
  driver->message(Side::agent, 1, output_message(5));
  EXPECT_THAT(target.lines, ElementsAre("0 relay client 0", "0 relay agent 5"));
  EXPECT_EQ(driver->decision_count(), 0U);
}

TEST_F(FaultDriverOf, a_plan_relays_what_it_cannot_read) {
  start({.rules = {rule("all", {}, fault::Drop{})}});
  driver->message(Side::client, 1, protocol::Frame::copy_of(protocol::as_bytes("no message")));
  EXPECT_THAT(target.lines, ElementsAre("0 relay client garbage"));
}

TEST_F(FaultDriverOf, drop_relays_the_others) {
  start({.rules = {rule("lose", input_match(1), fault::Drop{})}});
  input(0);
  input(1);
  input(2);
  EXPECT_THAT(target.lines, ElementsAre("0 relay client 0", "0 relay client 2"));
  EXPECT_THAT(observer.notes,
              ElementsAre("fault: lose at input_stream_data 1 copy 1 from the client"));
}

TEST_F(FaultDriverOf, duplicate_relays_copies_at_once_or_later) {
  start({.rules = {
             rule("now", input_match(0), fault::Duplicate{.copies = 2}),
             rule("later", input_match(1), fault::Duplicate{.after = fault::Delay{50ms, 50ms}})}});
  input(0);
  input(1);
  run(1s);
  EXPECT_THAT(target.lines, ElementsAre("0 relay client 0", "0 relay client 0", "0 relay client 0",
                                        "0 relay client 1", "50 relay client 1"));
}

TEST_F(FaultDriverOf, delay_lets_later_messages_overtake) {
  start({.rules = {rule("late", input_match(0), fault::Delay{20ms, 20ms})}});
  input(0);
  input(1);
  run(1s);
  EXPECT_THAT(target.lines, ElementsAre("0 relay client 1", "20 relay client 0"));
}

TEST_F(FaultDriverOf, an_action_on_the_system_relays_the_message_first) {
  start({.rules = {rule("pause", input_match(0), fault::Pause{Side::agent, std::nullopt})}});
  input(0);
  EXPECT_THAT(target.lines, ElementsAre("0 relay client 0", "0 pause agent"));
}

TEST_F(FaultDriverOf, acknowledgements_goes_by_the_number_that_they_acknowledge) {
  start({.rules = {rule(
             "lose", {.direction = Direction::agent_to_client, .acknowledged = fault::Range{7, 7}},
             fault::Drop{})}});
  driver->message(Side::agent, 1, acknowledgement(6));
  driver->message(Side::agent, 1, acknowledgement(7));
  EXPECT_EQ(target.lines.size(), 1U);
  EXPECT_EQ(driver->decision_count(), 1U);
}

TEST_F(FaultDriverOf, connections_goes_by_their_number) {
  start({.rules = {rule("lose", {.connection = 2}, fault::Drop{})}});
  driver->message(Side::client, 1, input_message(0));
  driver->message(Side::client, 2, input_message(1));
  EXPECT_THAT(target.lines, ElementsAre("0 relay client 0"));
}

// --- actions on the system ----------------------------------------------------------------------

TEST_F(FaultDriverOf, close_with_a_frame_is_the_services) {
  start_with(fault::Close{Side::agent, fault::Close::Frame{1001, "bye"}});
  run(10s);
  EXPECT_THAT(target.lines, ElementsAre("1000 close agent 1001 bye"));
  EXPECT_THAT(observer.notes, ElementsAre("fault: it: close"));
}

TEST_F(FaultDriverOf, close_without_a_frame_resets_the_connection) {
  open();
  start_with(fault::Close{Side::client});
  run(10s);
  EXPECT_THAT(client.lines, ElementsAre("1040 1 lost: connection reset"));
  EXPECT_THAT(target.lines, IsEmpty());
}

TEST_F(FaultDriverOf, stall_stops_its_directions_and_releases_them) {
  Connection& connection = open();
  start_with(fault::Stall{Side::client, fault::StallDirection::to_peer, 5s});
  run(2s);
  connection.send_from_end({.text = "up"});
  connection.send_from_service({.text = "down"});
  run(10s);
  EXPECT_THAT(client.lines, ElementsAre("2010 1 got down"));
  EXPECT_THAT(service.lines, ElementsAre("6050 1 got up"));
}

TEST_F(FaultDriverOf, stall_from_the_peer_lets_the_end_be_heard) {
  Connection& connection = open();
  start_with(fault::Stall{Side::client, fault::StallDirection::from_peer, std::nullopt});
  run(2s);
  connection.send_from_end({.text = "up"});
  connection.send_from_service({.text = "down"});
  run(10s);
  EXPECT_THAT(client.lines, IsEmpty());
  EXPECT_THAT(service.lines, ElementsAre("2010 1 got up"));
}

TEST_F(FaultDriverOf, stall_without_an_end_lasts_until_tcp_notices) {
  open();
  start_with(fault::Stall{Side::client, fault::StallDirection::both, std::nullopt});
  run(1h);
  EXPECT_THAT(client.lines, ElementsAre("151040 1 lost: connection timed out"));
}

TEST_F(FaultDriverOf, partition_lasts_for_its_duration) {
  start_with(fault::Partition{Side::client, 5s});
  run(2s);
  EXPECT_TRUE(network.partitioned(Side::client));
  EXPECT_FALSE(network.partitioned(Side::agent));
  run(7s);
  EXPECT_FALSE(network.partitioned(Side::client));
}

TEST_F(FaultDriverOf, two_partitions_lasts_to_the_later_end) {
  start({.rules = {rule("long", {.at = 1s}, fault::Partition{Side::client, 60s}),
                   rule("short", {.at = 2s}, fault::Partition{Side::client, 5s})}});
  run(10s);
  EXPECT_TRUE(network.partitioned(Side::client));
  run(61s);
  EXPECT_FALSE(network.partitioned(Side::client));
}

TEST_F(FaultDriverOf, pause_is_followed_by_start) {
  start_with(fault::Pause{Side::agent, 5s});
  run(10s);
  EXPECT_THAT(target.lines, ElementsAre("1000 pause agent", "6000 start agent"));
}

TEST_F(FaultDriverOf, two_pauses_starts_once_at_the_later_end) {
  start({.rules = {rule("long", {.at = 1s}, fault::Pause{Side::agent, 60s}),
                   rule("short", {.at = 2s}, fault::Pause{Side::agent, 5s})}});
  run(100s);
  EXPECT_THAT(target.lines,
              ElementsAre("1000 pause agent", "2000 pause agent", "61000 start agent"));
}

TEST_F(FaultDriverOf, crash_is_for_good) {
  start_with(fault::Crash{Side::client});
  run(1h);
  EXPECT_THAT(target.lines, ElementsAre("1000 crash client"));
}

TEST_F(FaultDriverOf, restart_comes_after_its_time) {
  start_with(fault::Restart{Side::agent, 3s});
  run(1h);
  EXPECT_THAT(target.lines, ElementsAre("1000 crash agent", "4000 restart agent"));
}

TEST_F(FaultDriverOf, api_error_refuses_the_operation_for_its_duration) {
  start_with(fault::ApiError{.operation = fault::Operation::resume_session,
                             .status = 503,
                             .error = "Unavailable",
                             .duration = 5s});
  const auto refusal = [this] {
    return driver->refusal(Side::client, fault::Operation::resume_session);
  };
  EXPECT_EQ(refusal(), std::nullopt);
  run(1s);
  EXPECT_EQ(refusal(), "Unavailable (HTTP 503)");
  EXPECT_EQ(driver->refusal(Side::client, fault::Operation::terminate_session), std::nullopt);
  run(5999ms);
  EXPECT_NE(refusal(), std::nullopt);
  run(6s);
  EXPECT_EQ(refusal(), std::nullopt);
}

TEST_F(FaultDriverOf, api_error_refuses_so_many_calls) {
  start_with(fault::ApiError{.operation = fault::Operation::create_data_channel, .calls = 2});
  run(1s);
  std::vector<bool> refused;
  for (int call = 0; call < 4; ++call) {
    refused.push_back(
        driver->refusal(Side::agent, fault::Operation::create_data_channel).has_value());
  }
  EXPECT_THAT(refused, ElementsAre(true, true, false, false));
}

TEST_F(FaultDriverOf, api_error_of_one_side_lets_the_other_call) {
  start_with(
      fault::ApiError{.operation = fault::Operation::open_data_channel, .side = Side::agent});
  run(1s);
  EXPECT_EQ(driver->refusal(Side::client, fault::Operation::open_data_channel), std::nullopt);
  EXPECT_NE(driver->refusal(Side::agent, fault::Operation::open_data_channel), std::nullopt);
}

// --- healing ------------------------------------------------------------------------------------

TEST_F(FaultDriverOf, healing_ends_the_rules) {
  start({.rules = {rule("all", {}, fault::Drop{}),
                   rule("later", {.at = 10s}, fault::Crash{Side::client})}});
  driver->heal();
  input(0);
  run(1h);
  EXPECT_THAT(target.lines, ElementsAre("0 relay client 0"));
  EXPECT_EQ(driver->decision_count(), 0U);
}

TEST_F(FaultDriverOf, healing_ends_what_would_last_for_ever) {
  Connection& connection = open();
  start({.rules = {
             rule("api", {.at = 1s}, fault::ApiError{}),
             rule("away", {.at = 1s}, fault::Partition{Side::agent, std::nullopt}),
             rule("silent", {.at = 1s},
                  fault::Stall{Side::client, fault::StallDirection::both, std::nullopt}),
             rule("quiet", {.at = 1s}, fault::Pause{Side::agent, std::nullopt}),
         }});
  run(2s);
  connection.send_from_end({.text = "up"});
  driver->heal();
  run(1h);
  EXPECT_EQ(driver->refusal(Side::client, fault::Operation::resume_session), std::nullopt);
  EXPECT_FALSE(network.partitioned(Side::agent));
  EXPECT_THAT(service.lines, ElementsAre("2010 1 got up"));
  EXPECT_THAT(target.lines, ElementsAre("1040 pause agent", "2000 start agent"));
}

TEST_F(FaultDriverOf, healing_ends_once_what_had_an_end) {
  start({.rules = {rule("away", {.at = 1s}, fault::Partition{Side::agent, 10s}),
                   rule("quiet", {.at = 1s}, fault::Pause{Side::agent, 10s})}});
  run(2s);
  driver->heal();
  run(1h);
  EXPECT_THAT(target.lines, ElementsAre("1000 pause agent", "2000 start agent"));
}

TEST_F(FaultDriverOf, healing_still_delivers_what_is_held_up) {
  start({.rules = {rule("late", {}, fault::Delay{20ms, 20ms})}});
  input(0);
  driver->heal();
  run(1s);
  EXPECT_THAT(target.lines, ElementsAre("20 relay client 0"));
}

TEST_F(FaultDriverOf, healing_still_restarts_who_crashed) {
  start_with(fault::Restart{Side::agent, 3s});
  run(2s);
  driver->heal();
  run(1h);
  EXPECT_THAT(target.lines, ElementsAre("1000 crash agent", "4000 restart agent"));
}

// --- decisions ----------------------------------------------------------------------------------

fault::Plan random_plan() {
  return {.seed = 42,
          .rules = {rule("lose", {.probability = 0.2}, fault::Drop{}),
                    rule("late", {.probability = 0.2}, fault::Delay{1ms, 900ms}),
                    rule("double", {.probability = 0.2},
                         fault::Duplicate{.copies = 1, .after = fault::Delay{1ms, 900ms}}),
                    rule("quiet", {.at = 100ms}, fault::Pause{Side::agent, 50ms})}};
}

/// What a plan makes of a few hundred messages both ways, some of them sent again.
struct Conversation {
  std::vector<std::string> lines;
  std::vector<Rule> decisions;
};
Conversation talk(fault::Plan plan) {
  Scheduler scheduler;
  RecordingUser service(scheduler);
  Network network(scheduler, {}, 1, service);
  Observer nobody;
  RecordingTarget target(scheduler);
  FaultDriver driver(scheduler, network, nobody, target, std::move(plan), true);
  driver.start();
  for (std::int64_t number = 0; number < 200; ++number) {
    driver.message(Side::client, 1, input_message(number));
    driver.message(Side::agent, 1, acknowledgement(number));
    driver.message(Side::agent, 1, output_message(number));
    driver.message(Side::client, 1, input_message(number / 2));
    scheduler.step(scheduler.now() + 1ms);
  }
  while (scheduler.step(scheduler.now() + 10s)) {
  }
  return {target.lines, driver.decisions()};
}

TEST(FaultDecisions, of_one_plan_are_the_same_each_time) {
  const Conversation first = talk(random_plan());
  const Conversation second = talk(random_plan());
  EXPECT_EQ(first.lines, second.lines);
  EXPECT_EQ(first.decisions, second.decisions);
  EXPECT_GT(first.decisions.size(), 300U);
}

TEST(FaultDecisions, of_another_seed_are_others) {
  fault::Plan other = random_plan();
  other.seed = 43;
  EXPECT_NE(talk(random_plan()).lines, talk(other).lines);
}

TEST(FaultDecisions, do_the_same_as_a_plan_without_chance_or_seed) {
  const Conversation first = talk(random_plan());
  for (const Rule& one : first.decisions) {
    ASSERT_EQ(one.match.probability, std::nullopt);
  }
  const Conversation again = talk({.seed = 0, .rules = first.decisions});
  EXPECT_EQ(again.lines, first.lines);
  EXPECT_EQ(again.decisions.size(), first.decisions.size());
}

TEST(FaultDecisions, are_counted_but_not_kept_when_not_wanted) {
  Scheduler scheduler;
  RecordingUser service(scheduler);
  Network network(scheduler, {}, 1, service);
  Observer nobody;
  RecordingTarget target(scheduler);
  FaultDriver driver(scheduler, network, nobody, target,
                     {.rules = {rule("all", {}, fault::Drop{})}}, false);
  driver.message(Side::client, 1, input_message(0));
  EXPECT_EQ(driver.decision_count(), 1U);
  EXPECT_THAT(driver.decisions(), IsEmpty());
}

}  // namespace
}  // namespace ssm::sim
