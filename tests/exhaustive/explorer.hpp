#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "window_world.hpp"

/// Breadth-first exploration of every state that a WindowWorld can reach within its bounds.
///
/// Each state is checked by itself (Violation), and for progress: from it on nothing more goes
/// wrong, and then everything must be delivered and acknowledged. Violations that are found are the
/// ones with the fewest events.
///
/// What keeps it small, and why no violation is missed by it:
///  - *Exact states.* States are compared by all bytes on which their future depends, not by a
///  hash.
///    WindowProbe says what is left out and why.
///  - *Relative time.* The windows compare and subtract times, nothing else, so that two states
///  that
///    differ by a shift in time have the same future. Ticks are counted from the first message, so
///    the phase is part of the state. Time passes in two kinds of step: to the next timeout, or by
///    a `quantum` if that is earlier; within a quantum everything else can happen at one instant.
///  - *Identical copies.* All copies of a message in flight are the same bytes (checked at each
///    resend), and an acknowledgement is known by its number alone; so the network is a count for
///    each number, and to deliver, lose or duplicate "a copy" stands for any of them. There is no
///    order in it: every reordering is a choice of what to deliver next.
///  - *Inert messages.* An acknowledgement of a message that the sender does not keep, and a
///  message
///    below the expected number at a receiver that does not acknowledge those, change nothing, now
///    or later: numbers only grow. They are taken out of the network at once. (Where pauses are
///    explored, acknowledgements stay: any of them ends a pause.)
///  - *Budgets.* Faults left are no part of a state: what can happen with a budget can happen with
///  a
///    larger one, and no check looks at it. A state is explored again only with a budget that no
///    budget it was explored with covers. Breadth first, the first one is the nearest.
///  - *Fixed RTO.* Where a setup pins the RTO (granularity and maximum equal to the initial RTO, so
///    that no sample changes it), the estimate is no part of the state. Other setups let it vary
///    and keep all of it.

namespace ssm::test {

struct Report {
  std::size_t states = 0;
  std::size_t transitions = 0;
  std::size_t depth = 0;
  /// Longest virtual time from any state to completion when nothing more goes wrong.
  protocol::Duration slowest_completion{0};
  std::vector<Event> slowest;  ///< leads to that state
  /// With `compare_futures`: states that were reached again with another future than before.
  std::size_t told_apart_too_late = 0;
  /// The shortest sequence of events that leads to each kind of violation.
  std::array<std::optional<std::vector<Event>>, violation_kinds> found;

  [[nodiscard]] std::vector<Violation> violations() const {
    std::vector<Violation> kinds;
    for (std::size_t i = 0; i < violation_kinds; ++i) {
      if (found[i]) {
        kinds.push_back(static_cast<Violation>(i));
      }
    }
    return kinds;
  }
};

template <class World>
class Explorer {
 public:
  struct Options {
    bool stop_at_first = false;  ///< end at the first violation (for mutants)
    /// Whenever a state is reached again, compare what every event leads to with what it led to the
    /// first time: whether the state's bytes really are all that its future depends on.
    bool compare_futures = false;
  };
  explicit Explorer(const StreamSetup& setup, Options options = {})
      : setup_(setup), options_(options) {}

  [[nodiscard]] Report run() {
    std::vector<Item> level;
    admit(Item{World(setup_), setup_.bounds.budget(), 0}, level);
    std::vector<Event> events;
    while (!level.empty() && !stopped()) {
      std::vector<Item> next;
      for (const Item& item : level) {
        item.world.enabled(item.budget, events);
        for (const Event& event : events) {
          step(item, event, next);
        }
        if (stopped()) {
          break;
        }
      }
      report_.depth += next.empty() ? 0U : 1U;
      level = std::move(next);
    }
    report_.states = visited_.size();
    return std::move(report_);
  }

 private:
  struct Item {
    World world;
    Budget budget;
    std::uint32_t node;
  };
  struct Node {
    std::uint32_t parent;
    Event event;
  };
  struct Fate {
    std::optional<Violation> violation;
    protocol::Duration remaining{0};
  };

  [[nodiscard]] bool stopped() const {
    return options_.stop_at_first && !report_.violations().empty();
  }

  void step(const Item& from, const Event& event, std::vector<Item>& next) {
    ++report_.transitions;
    Item item{from.world, from.budget, static_cast<std::uint32_t>(nodes_.size())};
    World::charge(event, item.budget);
    const auto violation = item.world.apply(event);
    nodes_.push_back({from.node, event});
    if (violation) {
      note(*violation, item.node);
      if (*violation == Violation::lost_for_good) {
        check_fate(item);
      }
      nodes_.pop_back();
      return;
    }
    if (!admit(std::move(item), next)) {
      nodes_.pop_back();
    }
  }

  /// False if the state was explored with as much left before.
  bool admit(Item item, std::vector<Item>& next) {
    std::string key = item.world.key();
    if (options_.compare_futures) {
      const std::string future = future_of(item.world);
      const auto [known, first] = futures_.try_emplace(key, future);
      report_.told_apart_too_late += first || known->second == future ? 0U : 1U;
    }
    std::vector<Budget>& budgets = visited_[std::move(key)];
    const bool fresh = budgets.empty();
    const auto enough = [&item](const Budget& seen) { return covers(seen, item.budget); };
    if (std::ranges::any_of(budgets, enough)) {
      return false;
    }
    std::erase_if(budgets, [&item](const Budget& seen) { return covers(item.budget, seen); });
    budgets.push_back(item.budget);
    if (nodes_.empty()) {
      nodes_.push_back({0, {}});
    }
    if (fresh) {
      check_fate(item);
    }
    next.push_back(std::move(item));
    return true;
  }

  /// Every event and the state that it leads to.
  [[nodiscard]] std::string future_of(const World& world) const {
    Budget one_of_each;
    one_of_each.fill(1);
    std::vector<Event> events;
    world.enabled(one_of_each, events);
    std::string future;
    for (const Event& event : events) {
      World next = world;
      const auto violation = next.apply(event);
      future += describe(event) + (violation ? std::string(name(*violation)) : next.key());
    }
    return future;
  }

  void check_fate(const Item& item) {
    const Fate fate = fate_of(item.world);
    if (fate.violation) {
      note(*fate.violation, item.node);
    } else if (fate.remaining > report_.slowest_completion) {
      report_.slowest_completion = fate.remaining;
      report_.slowest = path_to(item.node);
    }
  }

  /// What happens from here on without faults. Remembered for the states in which only time can
  /// pass, where most ways come together.
  [[nodiscard]] Fate fate_of(World world) {
    constexpr int patience = 12;
    const protocol::Instant start = world.now();
    std::vector<std::pair<std::string, protocol::Instant>> passed;
    Fate fate;
    int idle = 0;
    std::pair progress(world.delivered(), world.in_flight());
    while (!world.done()) {
      const auto event = world.fair_event();
      const bool waits = !event || event->act == Act::timeout;
      if (waits) {
        std::string key = world.key();
        const auto known = fates_.find(key);
        if (known != fates_.end()) {
          fate = known->second;
          break;
        }
        passed.emplace_back(std::move(key), world.now());
        idle = progress == std::pair(world.delivered(), world.in_flight()) ? idle + 1 : 0;
        progress = {world.delivered(), world.in_flight()};
      }
      if (!event || idle > patience) {
        fate.violation = world.delivered() < setup_.bounds.messages ? Violation::never_delivered
                                                                    : Violation::never_acknowledged;
        break;
      }
      fate.violation = world.apply(*event);
      if (fate.violation && *fate.violation != Violation::lost_for_good) {
        break;
      }
      fate.violation.reset();
    }
    const protocol::Instant end = world.now() + fate.remaining;
    for (auto& [key, at] : passed) {
      fates_.emplace(std::move(key), Fate{fate.violation, end - at});
    }
    return {fate.violation, end - start};
  }

  void note(Violation violation, std::uint32_t node) {
    auto& found = report_.found[static_cast<std::size_t>(violation)];
    if (!found) {
      found = path_to(node);
    }
  }

  [[nodiscard]] std::vector<Event> path_to(std::uint32_t node) const {
    std::vector<Event> events;
    for (std::uint32_t at = node; at != 0; at = nodes_[at].parent) {
      events.push_back(nodes_[at].event);
    }
    std::ranges::reverse(events);
    return events;
  }

  const StreamSetup& setup_;
  Options options_;
  Report report_;
  std::unordered_map<std::string, std::vector<Budget>> visited_;
  std::unordered_map<std::string, Fate> fates_;
  std::unordered_map<std::string, std::string> futures_;
  std::vector<Node> nodes_;
};

/// Explores and prints bounds, size and counterexamples. The time is for the reader; no verdict
/// depends on it.
template <class World = WindowWorld<>>
[[nodiscard]] Report explore_and_print(const StreamSetup& setup) {
  const auto start = std::chrono::steady_clock::now();
  Report report = Explorer<World>(setup).run();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  const Bounds& b = setup.bounds;
  std::cout
      << setup.name << ": " << int{b.messages} << " messages, window " << setup.send.buffer_messages
      << ", receive buffer " << setup.receive.buffer_messages << "; losses " << int{b.losses}
      << ", duplications " << int{b.duplications} << ", reconnections " << int{b.cuts}
      << ", pauses " << int{b.pauses} << ", not ready " << int{b.unready} << ", timeouts "
      << int{b.timeouts} << ", waits " << int{b.waits} << "\n  " << report.states << " states, "
      << report.transitions << " transitions, depth " << report.depth << ", " << ms.count()
      << " ms; completes within "
      << std::chrono::duration_cast<std::chrono::milliseconds>(report.slowest_completion).count()
      << " ms once nothing more goes wrong\n";
  for (const Violation violation : report.violations()) {
    std::cout << "  " << name(violation) << " after:\n";
    for (const Event& event : *report.found[static_cast<std::size_t>(violation)]) {
      std::cout << "    " << describe(event) << "\n";
    }
  }
  return report;
}

}  // namespace ssm::test
