// A check that cannot fail is worth nothing: for each invariant, runs that violate it, each made by
// one mutation of a run that is in order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "assembled_session.hpp"
#include "recorders.hpp"
#include "ssm/sim/simulation.hpp"

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;
using fault::Direction;
using protocol::MessageType;

RunConfig calm() {
  RunConfig config;
  config.seed = 1;
  config.client = *protocol::find_client_profile("strict");
  config.agent = *protocol::find_agent_profile("strict");
  config.workload = {.kind = WorkloadKind::both, .size = 100'000, .seed = 1};
  config.service.idle_timeout = Duration{0};
  return config;
}

std::vector<Violation> violations_of(const RunConfig& config) {
  return run(config).violations;
}

// --- mutants of a whole run ---------------------------------------------------------------------

/// The agent keeps eight messages for retransmission, forgets the others and loses some of them;
/// the client does not mind gaps.
std::vector<Violation> forgetful_agent() {
  RunConfig config = calm();
  config.client.channel.receive.gap_limit = 0s;
  config.agent.channel.send.buffer_messages = 8;
  config.agent.channel.send.when_full = protocol::WhenFull::drop_newest;
  config.plan.rules = {{.name = "lose the first copies",
                        .match = {.message_type = MessageType::output_stream_data,
                                  .sequence = fault::Range{5, 50},
                                  .copy = 1},
                        .action = fault::Drop{}}};
  return violations_of(config);
}

/// The agent says nothing of output that nobody acknowledged, and hardly waits for that.
std::vector<Violation> impatient_agent(fault::Match lost) {
  RunConfig config = calm();
  config.agent.drain_limit = 1ms;
  config.agent.reports_lost_output = false;
  config.plan.rules = {{.name = "lose", .match = std::move(lost), .action = fault::Drop{}}};
  return violations_of(config);
}

/// Nobody tells the agent that its client is no more.
std::vector<Violation> client_that_vanishes() {
  RunConfig config = calm();
  config.workload = {.kind = WorkloadKind::typing, .size = 10, .seed = 1};
  config.plan.rules = {
      {.name = "crash", .match = {.at = 100ms}, .action = fault::Crash{Side::client}}};
  return violations_of(config);
}

std::vector<Violation> agent_that_pings_every(Duration interval) {
  RunConfig config = calm();
  config.agent.ping_interval = interval;
  return violations_of(config);
}

// --- mutants of a part --------------------------------------------------------------------------

/// An end whose role does not keep its limits.
class BoundlessEnd final : public EndNode {
 public:
  using EndNode::EndNode;
  protocol::ChannelStatus status;
  protocol::ChannelRules rules;

  void look() { pump(); }

 private:
  void role_connection_opened(Instant /*now*/) override {}
  void role_connection_failed(const std::string& /*detail*/, Instant /*now*/) override {}
  void role_connection_lost(const std::string& /*detail*/, Instant /*now*/) override {}
  void role_receive(const protocol::Frame& /*frame*/, Instant /*now*/) override {}
  void role_pong(Instant /*now*/) override {}
  void role_set_reading(bool /*reading*/, Instant /*now*/) override {}
  void role_on_timer(Instant /*now*/) override {}
  std::optional<Instant> role_next_timeout() const override { return std::nullopt; }
  bool role_can_send() const override { return false; }
  void role_send(const Chunk& /*chunk*/, Instant /*now*/) override {}
  bool advance_once(Instant /*now*/) override { return false; }
  std::size_t role_unacknowledged() const override { return 0; }
  void application_finished(const Finished& /*finished*/, Instant /*now*/) override {}
  void check(Verdicts& verdicts) override { check_windows(status, rules, verdicts); }
};

std::vector<Violation> end_with(const std::function<void(BoundlessEnd&)>& mutation) {
  AssembledSession session;
  BoundlessEnd end(session.world(), Side::client, session.client_application);
  end.rules.send.buffer_messages = 10;
  end.rules.receive.buffer_messages = 10;
  end.rules.receive.buffer_bytes = 10;
  end.status.unacknowledged = 10;
  end.status.stored_messages = 10;
  end.status.stored_bytes = 10;
  end.look();
  EXPECT_FALSE(session.verdicts.any());
  mutation(end);
  end.look();
  return session.verdicts.take();
}

/// A program that changes, repeats or leaves out a part of its output on the way to its agent.
std::vector<Violation> program_that(Distortion distortion) {
  AssembledSession session;
  session.agent_application.distort(distortion);
  session.run(60s);
  return session.verdicts.take();
}

// --- table --------------------------------------------------------------------------------------

struct Mutant {
  std::string name;
  Invariant violates;
  std::function<std::vector<Violation>()> run;
};
void PrintTo(const Mutant& mutant, std::ostream* out) {
  *out << mutant.name;
}

std::vector<Mutant> mutants() {
  return {
      {"corrupted_output", Invariant::bytes_in_order,
       [] { return program_that(Distortion::changed); }},
      {"repeated_output", Invariant::bytes_in_order,
       [] { return program_that(Distortion::repeated); }},
      {"missing_output", Invariant::bytes_in_order,
       [] { return program_that(Distortion::left_out); }},
      {"too_many_unacknowledged", Invariant::window_bounded,
       [] { return end_with([](BoundlessEnd& end) { ++end.status.unacknowledged; }); }},
      {"too_many_stored_messages", Invariant::window_bounded,
       [] { return end_with([](BoundlessEnd& end) { ++end.status.stored_messages; }); }},
      {"too_many_stored_bytes", Invariant::window_bounded,
       [] { return end_with([](BoundlessEnd& end) { ++end.status.stored_bytes; }); }},
      {"agent_that_pings_without_pause", Invariant::no_busy_loop,
       [] { return agent_that_pings_every(0s); }},
      {"agent_that_pings_every_microsecond", Invariant::no_timer_storm,
       [] { return agent_that_pings_every(1us); }},
      {"forgetful_agent", Invariant::completes_or_ends, forgetful_agent},
      {"impatient_agent_without_its_output", Invariant::completes_or_ends,
       [] {
         return impatient_agent({.direction = Direction::agent_to_client,
                                 .message_type = MessageType::output_stream_data,
                                 .sequence = fault::Range{50, 1000}});
       }},
      {"impatient_agent_without_acknowledgements", Invariant::acknowledged_at_end,
       [] {
         return impatient_agent(
             {.direction = Direction::client_to_agent, .message_type = MessageType::acknowledge});
       }},
      {"client_that_vanishes", Invariant::ends_agree, client_that_vanishes},
  };
}

class EveryMutant : public testing::TestWithParam<Mutant> {};

TEST_P(EveryMutant, violates_its_invariant_first) {
  const std::vector<Violation> violations = GetParam().run();
  ASSERT_FALSE(violations.empty());
  EXPECT_EQ(violations.front().invariant, GetParam().violates) << violations.front().text;
}

INSTANTIATE_TEST_SUITE_P(Violations, EveryMutant, testing::ValuesIn(mutants()),
                         [](const auto& one) { return one.param.name; });

TEST(Violations, are_provoked_of_every_invariant) {
  std::set<Invariant> provoked;
  for (const Mutant& mutant : mutants()) {
    provoked.insert(mutant.violates);
  }
  EXPECT_EQ(provoked.size(), invariant_count);
}

TEST(Violations, are_absent_without_a_mutation) {
  EXPECT_EQ(run(calm()).outcome, Outcome::completed);
  AssembledSession session;
  session.run(60s);
  EXPECT_TRUE(session.client_application.complete());
  EXPECT_FALSE(session.verdicts.any());
}

}  // namespace
}  // namespace ssm::sim
