// Client, service and agent together: every session that deviates from a quiet one in at most a few
// places. At each step of a session a message can be lost, doubled or swapped with the next, a
// timer can run before what is on its way arrives, either end can lose its connection; all
// combinations of a bounded number of these are tried, each from the start (roles need not be
// copyable, and their state is hidden).
//
// Unlike the exploration of the windows this one is bounded in what goes wrong, not in states: a
// defect that needs more deviations than the bound is not found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "role_world.hpp"
#include "ssm/protocol/profile.hpp"

namespace ssm::test {
namespace {

using testing::AnyOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

/// At step `first`, choice `second` instead of the expected one.
using Deviation = std::pair<std::size_t, std::size_t>;
using Deviations = std::vector<Deviation>;

struct RoleReport {
  std::size_t sessions = 0;
  std::size_t steps = 0;
  std::size_t longest = 0;  ///< steps of one session
  protocol::Duration latest_end{0};
  std::map<std::string, std::size_t> endings;
  /// What went wrong, and the deviations of the first session with the fewest in which it did.
  std::map<std::string, std::vector<std::string>> problems;
};

class RoleExplorer {
 public:
  RoleExplorer(const RoleSetup& setup, std::size_t bound) : setup_(setup), bound_(bound) {}

  [[nodiscard]] RoleReport run() {
    // Few deviations first, so that what is reported is as simple as can be.
    for (std::size_t count = 0; count <= bound_; ++count) {
      explore({}, count);
    }
    return std::move(report_);
  }

 private:
  static constexpr std::size_t most_steps = 300;

  /// All sessions that begin with `so_far` and have `more` further deviations.
  void explore(const Deviations& so_far, std::size_t more) {
    const std::vector<std::size_t> choices = play(so_far, more == 0);
    if (more == 0) {
      return;
    }
    const std::size_t first = so_far.empty() ? 0 : so_far.back().first + 1;
    for (std::size_t step = first; step < choices.size(); ++step) {
      for (std::size_t choice = 1; choice < choices[step]; ++choice) {
        Deviations next = so_far;
        next.emplace_back(step, choice);
        explore(next, more - 1);
      }
    }
  }

  /// How many choices there were at each step. Counted and judged only if `complete`; a shorter
  /// list of deviations was judged before.
  std::vector<std::size_t> play(const Deviations& deviations, bool complete) {
    RoleWorld world(setup_);
    std::vector<std::size_t> counts;
    std::vector<RoleChoice> choices;
    std::vector<std::string> taken;
    auto next = deviations.begin();
    while (world.problem().empty() && counts.size() < most_steps) {
      world.choices(choices);
      if (choices.empty()) {
        break;
      }
      std::size_t choice = 0;
      if (next != deviations.end() && next->first == counts.size()) {
        choice = (next++)->second;
        if (complete) {
          taken.push_back("step " + std::to_string(counts.size()) + ": " +
                          world.describe(choices[choice]));
        }
      }
      counts.push_back(choices.size());
      world.apply(choices[choice]);
    }
    if (complete) {
      judge(world, counts.size(), std::move(taken));
    }
    return counts;
  }

  void judge(const RoleWorld& world, std::size_t steps, std::vector<std::string> deviations) {
    ++report_.sessions;
    report_.steps += steps;
    report_.longest = std::max(report_.longest, steps);
    report_.latest_end = std::max(report_.latest_end, world.now().time_since_epoch());
    ++report_.endings[world.ending()];
    std::string problem = world.problem();
    if (problem.empty() && !world.over()) {
      problem = steps < most_steps             ? "nothing can happen any more"
                : world.everything_delivered() ? "the agent waits for an acknowledgement"
                                               : "something is not delivered";
    }
    if (problem.empty() && !world.everything_delivered()) {
      problem = "over, but not everything was delivered: " + world.ending();
    }
    if (!problem.empty()) {
      report_.problems.try_emplace(std::move(problem), std::move(deviations));
    }
  }

  const RoleSetup& setup_;
  std::size_t bound_;
  RoleReport report_;
};

RoleReport explore(const RoleSetup& setup, std::size_t bound) {
  const auto start = std::chrono::steady_clock::now();
  RoleReport report = RoleExplorer(setup, bound).run();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  std::cout << setup.name << ": " << setup.inputs << " messages in, " << setup.outputs
            << " out, at most " << bound << " deviations\n  " << report.sessions << " sessions, "
            << report.steps << " steps, longest " << report.longest << ", " << ms.count()
            << " ms; the last ends after "
            << std::chrono::duration_cast<std::chrono::milliseconds>(report.latest_end).count()
            << " ms\n";
  for (const auto& [ending, count] : report.endings) {
    std::cout << "  " << count << " x " << ending << "\n";
  }
  for (const auto& [problem, deviations] : report.problems) {
    std::cout << "  " << problem << ", after\n";
    for (const std::string& deviation : deviations) {
      std::cout << "    " << deviation << "\n";
    }
  }
  return report;
}

RoleSetup strict(std::string_view name, int inputs, int outputs) {
  return {.name = name,
          .client = *protocol::find_client_profile("strict"),
          .agent = *protocol::find_agent_profile("strict"),
          .inputs = inputs,
          .outputs = outputs};
}

TEST(RoleExploration, strict_roles_deliver_everything_whatever_two_things_go_wrong) {
  const RoleReport report = explore(strict("strict", 2, 2), 2);
  EXPECT_THAT(report.problems, IsEmpty());
}

TEST(RoleExploration, strict_roles_deliver_one_output_whatever_three_things_go_wrong) {
  const RoleReport report = explore(strict("strict", 0, 1), 3);
  EXPECT_THAT(report.problems, IsEmpty());
}

RoleSetup with_session(RoleSetup setup, const protocol::SessionDescription& session) {
  setup.session = session;
  return setup;
}

TEST(RoleExploration, strict_roles_shake_hands_whatever_two_things_go_wrong) {
  const RoleSetup setup =
      with_session(strict("handshake", 1, 1), {.session_type = "Port", .properties = "{}"});
  EXPECT_THAT(explore(setup, 2).problems, IsEmpty());
}

TEST(RoleExploration, strict_roles_encrypt_whatever_two_things_go_wrong) {
  const RoleSetup setup = with_session(strict("encryption", 1, 1), {.kms_key_id = "key"});
  EXPECT_THAT(explore(setup, 2).problems, IsEmpty());
}

// The agent acknowledges again what it has had, so that a client of ours loses nothing with it: but
// for the last output, where that takes more than the agent's 2 s (SHELL-021).
TEST(RoleExploration, a_strict_client_loses_nothing_with_a_reference_agent) {
  RoleSetup setup = strict("strict client, reference agent", 2, 2);
  setup.agent = *protocol::find_agent_profile("agent-3.3");
  EXPECT_THAT(explore(setup, 1).problems, IsEmpty());
  setup.agent.drain_limit = std::chrono::minutes(20);
  EXPECT_THAT(explore(setup, 2).problems, IsEmpty());
}

// After one lost acknowledgement our agent may wait long for one that the client will never send
// (SEQ-008), but all output arrives. That the client gives up over its input is its own
// (RESUME-016).
TEST(RoleExploration, a_strict_agent_loses_no_output_with_a_reference_client) {
  RoleSetup setup = strict("reference client, strict agent", 2, 2);
  setup.client = *protocol::find_client_profile("plugin-1.2.677");
  EXPECT_THAT(explore(setup, 1).problems,
              Each(Key(AnyOf(HasSubstr("input_lost"), HasSubstr("waits for an acknowledgement")))));
}

// Both known defects take one lost connection. The agent's: the client never acknowledges again
// what it had, and so the agent's oldest message keeps all others from being sent again (SEQ-008).
// The client's: input while there is no connection ends the session (RESUME-016).
TEST(RoleExploration, reference_roles_lose_data_with_one_connection) {
  RoleSetup setup = strict("references", 2, 2);
  setup.client = *protocol::find_client_profile("plugin-1.2.677");
  setup.agent = *protocol::find_agent_profile("agent-3.3");
  const RoleReport report = explore(setup, 1);
  EXPECT_THAT(report.problems,
              UnorderedElementsAre(
                  Pair("over, but not everything was delivered: * ended channel_closed, * ended "
                       "success",
                       ElementsAre(HasSubstr("cut the agent off"))),
                  Pair(HasSubstr("input_lost"), ElementsAre(HasSubstr("cut the client off")))));
}

// A check that cannot fail proves nothing.
TEST(RoleExploration, finds_a_client_that_does_not_acknowledge_again_and_an_agent_that_trusts_it) {
  RoleSetup setup = strict("mutants", 1, 2);
  setup.client.channel.receive.ack_duplicates = false;
  setup.agent.channel.send.resend_all_on_resume = false;
  EXPECT_THAT(explore(setup, 1).problems, Not(IsEmpty()));
}

}  // namespace
}  // namespace ssm::test
