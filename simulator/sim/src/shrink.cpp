#include "ssm/sim/shrink.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "ssm/protocol/assert.hpp"

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;

class Shrinker {
 public:
  Shrinker(const RunConfig& failing, const ShrinkOptions& options)
      : options_(options), best_(failing) {
    best_.log_decisions = true;
    best_result_ = run_counted(best_);
    SSM_ASSERT(!best_result_.violations.empty());
    invariant_ = best_result_.violations.front().invariant;
    decisions_before_ = best_result_.decisions.size();
  }

  Shrunk shrink() {
    // The decisions alone must do what chance did.
    RunConfig decided = best_;
    decided.plan = {.seed = 0, .rules = best_result_.decisions};
    if (accept(decided)) {
      reduce_decisions();
    }
    simplify();
    RunConfig seedless = best_;
    seedless.seed = 0;
    const bool needs_no_seed = accept(seedless);
    reduce_decisions();
    return {.config = best_,
            .result = best_result_,
            .decisions_before = decisions_before_,
            .runs = runs_,
            .needs_no_seed = needs_no_seed};
  }

 private:
  RunResult run_counted(const RunConfig& config) {
    ++runs_;
    return run(config);
  }

  /// Keeps the configuration if it fails in the same way.
  bool accept(const RunConfig& config) {
    if (runs_ >= options_.max_runs) {
      return false;
    }
    RunResult result = run_counted(config);
    if (result.violations.empty() || result.violations.front().invariant != invariant_) {
      return false;
    }
    best_ = config;
    best_result_ = std::move(result);
    if (options_.on_progress) {
      options_.on_progress(best_.plan.rules.size(), runs_);
    }
    return true;
  }

  /// Takes parts away, large ones first, until no single decision can go.
  void reduce_decisions() {
    std::size_t parts = 2;
    while (!best_.plan.rules.empty() && runs_ < options_.max_runs) {
      const std::size_t count = best_.plan.rules.size();
      parts = std::min(parts, count);
      if (remove_one_of(parts)) {
        parts = std::max<std::size_t>(parts - 1, 2);
      } else if (parts == count) {
        return;
      } else {
        parts *= 2;
      }
    }
  }

  bool remove_one_of(std::size_t parts) {
    const std::vector<fault::Rule> rules = best_.plan.rules;
    for (std::size_t part = 0; part < parts; ++part) {
      const auto begin = static_cast<std::ptrdiff_t>(rules.size() * part / parts);
      const auto end = static_cast<std::ptrdiff_t>(rules.size() * (part + 1) / parts);
      RunConfig smaller = best_;
      smaller.plan.rules.assign(rules.begin(), rules.begin() + begin);
      smaller.plan.rules.insert(smaller.plan.rules.end(), rules.begin() + end, rules.end());
      if (accept(smaller)) {
        return true;
      }
    }
    return false;
  }

  template <class Change>
  void attempt(Change change) {
    RunConfig simpler = best_;
    change(simpler);
    accept(simpler);
  }

  void simplify() {
    for (LinkRules NetworkRules::* link : {&NetworkRules::client, &NetworkRules::agent}) {
      attempt([&](RunConfig& config) { (config.network.*link).jitter = Duration{0}; });
      attempt([&](RunConfig& config) { (config.network.*link).bytes_per_second = 0; });
      attempt([&](RunConfig& config) {
        (config.network.*link).buffer_bytes = LinkRules{}.buffer_bytes;
      });
      attempt([&](RunConfig& config) { (config.network.*link).latency = LinkRules{}.latency; });
    }
    // A smaller workload, as long as the failure stays.
    for (std::uint64_t size = best_.workload.size / 2; size > 0; size /= 2) {
      RunConfig simpler = best_;
      simpler.workload.size = size;
      if (!accept(simpler)) {
        break;
      }
    }
  }

  const ShrinkOptions& options_;
  RunConfig best_;
  RunResult best_result_;
  Invariant invariant_ = Invariant::bytes_in_order;
  std::size_t decisions_before_ = 0;
  unsigned runs_ = 0;
};

}  // namespace

Shrunk shrink(const RunConfig& failing, const ShrinkOptions& options) {
  return Shrinker(failing, options).shrink();
}

}  // namespace ssm::sim
