#include "simulate_seeds.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace ssmsim {
namespace {

namespace sim = ssm::sim;

/// Enough for each thread to stay busy, few enough that results come soon and memory is small.
constexpr std::uint64_t batch_per_job = 32;

SeedResult run_seed(std::uint64_t seed, const sim::SwarmOptions& options) {
  const sim::RunConfig config = sim::draw(seed, options);
  const sim::RunResult result = sim::run(config);
  return {.seed = seed,
          .outcome = result.outcome,
          .workload = config.workload.kind,
          .text = result.text,
          .delivered = result.delivered,
          .decisions = result.decision_count,
          .virtual_time = result.virtual_time,
          .digest = result.digest};
}

std::vector<SeedResult> run_batch(std::uint64_t first, std::size_t count,
                                  const sim::SwarmOptions& options, unsigned jobs) {
  std::vector<SeedResult> results(count);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t index = next++; index < count; index = next++) {
      results[index] = run_seed(first + index, options);
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned job = 1; job < jobs; ++job) {
    threads.emplace_back(work);
  }
  work();
  threads.clear();
  return results;
}

}  // namespace

void run_seeds(std::uint64_t first, std::uint64_t last, const sim::SwarmOptions& options,
               unsigned jobs, const std::function<bool(const SeedResult&)>& report) {
  while (true) {
    const std::uint64_t left = last - first;
    const std::uint64_t count = std::min(left, batch_per_job * jobs - 1) + 1;
    for (const SeedResult& result : run_batch(first, count, options, jobs)) {
      if (!report(result)) {
        return;
      }
    }
    if (count > left) {
      return;
    }
    first += count;
  }
}

}  // namespace ssmsim
