#include "ssm/sim/workload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <numeric>
#include <string>

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::array all_kinds = [] {
  std::array<WorkloadKind, workload_kind_count> kinds{};
  for (std::size_t index = 0; index < kinds.size(); ++index) {
    kinds[index] = static_cast<WorkloadKind>(index);
  }
  return kinds;
}();

std::uint64_t bytes_of(const Part& part) {
  return std::accumulate(part.bursts.begin(), part.bursts.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Part::Burst& one) { return sum + one.bytes; });
}

TEST(Workload, has_a_name_by_which_it_is_found) {
  for (const WorkloadKind kind : all_kinds) {
    EXPECT_EQ(find_workload(name(kind)), kind);
  }
  EXPECT_EQ(find_workload("nothing"), std::nullopt);
}

TEST(Workload, makes_each_end_expect_what_the_other_sends) {
  for (const WorkloadKind kind : all_kinds) {
    const Parts parts = plan_workload({.kind = kind});
    EXPECT_EQ(parts.agent.expects, bytes_of(parts.client)) << name(kind);
    EXPECT_EQ(parts.client.expects,
              bytes_of(parts.agent) + (parts.agent.echoes ? bytes_of(parts.client) : 0))
        << name(kind);
    EXPECT_FALSE(parts.client.echoes) << name(kind);
  }
}

TEST(Workload, is_in_the_order_of_its_times) {
  for (const WorkloadKind kind : all_kinds) {
    const Parts parts = plan_workload({.kind = kind, .seed = 5});
    for (const Part* part : {&parts.client, &parts.agent}) {
      for (std::size_t index = 1; index < part->bursts.size(); ++index) {
        ASSERT_LE(part->bursts[index - 1].after, part->bursts[index].after) << name(kind);
      }
    }
  }
}

TEST(Workload, of_one_seed_is_the_same_each_time_and_of_another_is_not) {
  const auto times = [](std::uint64_t seed) {
    std::vector<Duration> all;
    for (const Part::Burst& one : plan_workload({.seed = seed}).client.bursts) {
      all.push_back(one.after);
    }
    return all;
  };
  EXPECT_EQ(times(1), times(1));
  EXPECT_NE(times(1), times(2));
}

TEST(Workload, has_the_size_that_is_asked_for) {
  EXPECT_EQ(plan_workload({.kind = WorkloadKind::typing, .size = 17}).client.bursts.size(), 17U);
  EXPECT_EQ(bytes_of(plan_workload({.kind = WorkloadKind::upload, .size = 1234}).client), 1234U);
  EXPECT_EQ(plan_workload({.kind = WorkloadKind::idle, .size = 90}).client.bursts.back().after,
            90min);
}

TEST(Workload, of_idle_ports_makes_a_second_connection_much_later) {
  const ConnectionScripts scripts = plan_connections({.kind = WorkloadKind::idle_ports, .size = 3});
  ASSERT_EQ(scripts.size(), 2U);
  EXPECT_EQ(scripts[0].opens, 0s);
  EXPECT_EQ(scripts[1].opens, 3min);
}

TEST(Workload, of_a_slow_destination_uploads_more_than_it_reads) {
  const ConnectionScripts scripts =
      plan_connections({.kind = WorkloadKind::slow_destination, .size = 1000});
  ASSERT_EQ(scripts.size(), 1U);
  EXPECT_EQ(scripts[0].request_bytes, 1000U);
  EXPECT_GT(scripts[0].destination_bytes_per_second, 0U);
}

struct ApplicationOf : testing::Test {
  Scheduler scheduler;
  Observer nobody;
  Verdicts verdicts{scheduler, nobody};

  StreamApplication make(Part part) { return {std::move(part), "client", 1, 2, verdicts}; }
  [[nodiscard]] Instant at(Duration after) const { return scheduler.start() + after; }
};

TEST_F(ApplicationOf, a_session_that_has_not_started_sends_nothing) {
  StreamApplication application = make({.bursts = {{0s, 10}}});
  EXPECT_EQ(application.next(1024, at(1h)), std::nullopt);
  EXPECT_EQ(application.next_wake(), std::nullopt);
  EXPECT_FALSE(application.finished());
}

TEST_F(ApplicationOf, bursts_sends_each_at_its_time_in_pieces_of_at_most_the_maximum) {
  StreamApplication application = make({.bursts = {{0s, 10}, {5s, 3}}});
  application.started({}, at(0s));
  EXPECT_EQ(application.next(6, at(0s))->data.size(), 6U);
  EXPECT_EQ(application.next(6, at(0s))->data.size(), 4U);
  EXPECT_EQ(application.next(6, at(0s)), std::nullopt);
  EXPECT_EQ(application.next_wake(), at(5s));
  EXPECT_EQ(application.next(6, at(4s)), std::nullopt);
  EXPECT_EQ(application.next(6, at(5s))->data.size(), 3U);
  EXPECT_EQ(application.next_wake(), std::nullopt);
  EXPECT_EQ(application.sent_bytes(), 13U);
}

TEST_F(ApplicationOf, an_echo_sends_as_much_as_it_receives) {
  StreamApplication application = make({.bursts = {}, .expects = 8, .echoes = true});
  application.started({}, at(0s));
  EXPECT_EQ(application.next(1024, at(0s)), std::nullopt);
  application.received(protocol::PayloadType::output, StreamText(2).at(0, 8), at(1s));
  EXPECT_FALSE(application.finished());
  EXPECT_EQ(application.next(1024, at(1s))->data.size(), 8U);
  EXPECT_TRUE(application.finished());
}

TEST_F(ApplicationOf, a_part_is_finished_when_all_is_sent_and_received) {
  StreamApplication application = make({.bursts = {{0s, 4}}, .expects = 8});
  application.started({}, at(0s));
  EXPECT_FALSE(application.finished());
  EXPECT_TRUE(application.next(1024, at(0s)).has_value());
  EXPECT_FALSE(application.finished());
  application.received(protocol::PayloadType::output, StreamText(2).at(0, 8), at(1s));
  EXPECT_TRUE(application.finished());
  EXPECT_FALSE(verdicts.any());
}

TEST_F(ApplicationOf, wrong_bytes_violates_their_order) {
  StreamApplication application = make({.bursts = {}, .expects = 8});
  application.started({}, at(0s));
  application.received(protocol::PayloadType::output, StreamText(2).at(1, 8), at(1s));
  const auto violations = verdicts.take();
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations.front().invariant, Invariant::bytes_in_order);
  EXPECT_THAT(violations.front().text, testing::StartsWith("client: expected the byte at"));
}

}  // namespace
}  // namespace ssm::sim
