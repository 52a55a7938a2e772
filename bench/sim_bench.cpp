// How fast whole sessions run in virtual time. One thread.
//   messages_per_second  messages that reached the role of an end, acknowledgements included
//   virtual_per_wall     how many seconds of the session pass in one of ours

#include <benchmark/benchmark.h>

#include <chrono>

#include "ssm/sim/swarm.hpp"

namespace ssm::sim {
namespace {

RunConfig config_for(WorkloadKind kind, std::uint64_t size) {
  RunConfig config;
  config.client = *protocol::find_client_profile("strict");
  config.agent = *protocol::find_agent_profile("strict");
  config.workload = {.kind = kind, .size = size};
  config.service.idle_timeout = Duration{0};
  return config;
}

void report(benchmark::State& state, std::uint64_t delivered, Duration virtual_time) {
  state.counters["messages_per_second"] =
      benchmark::Counter(static_cast<double>(delivered), benchmark::Counter::kIsRate);
  state.counters["virtual_per_wall"] = benchmark::Counter(
      std::chrono::duration<double>(virtual_time).count(), benchmark::Counter::kIsRate);
}

void run_session(benchmark::State& state, WorkloadKind kind, std::uint64_t size) {
  const RunConfig config = config_for(kind, size);
  std::uint64_t delivered = 0;
  Duration virtual_time{0};
  for (auto _ : state) {
    const RunResult result = run(config);
    if (result.outcome != Outcome::completed) {
      state.SkipWithError(result.text.c_str());
      return;
    }
    delivered += result.delivered;
    virtual_time += result.virtual_time;
  }
  report(state, delivered, virtual_time);
}

void bulk_transfer(benchmark::State& state) {
  run_session(state, WorkloadKind::both, 10'000'000);
}
BENCHMARK(bulk_transfer)->Unit(benchmark::kMillisecond);

void typing(benchmark::State& state) {
  run_session(state, WorkloadKind::typing, 1000);
}
BENCHMARK(typing)->Unit(benchmark::kMillisecond);

void forwarded_connections(benchmark::State& state) {
  run_session(state, WorkloadKind::ports, 1000);
}
BENCHMARK(forwarded_connections)->Unit(benchmark::kMillisecond);

void idle_hour(benchmark::State& state) {
  run_session(state, WorkloadKind::idle, 60);
}
BENCHMARK(idle_hour)->Unit(benchmark::kMicrosecond);

/// Successive seeds with drawn faults.
void swarm_seed(benchmark::State& state) {
  std::uint64_t seed = 0;
  std::uint64_t delivered = 0;
  Duration virtual_time{0};
  for (auto _ : state) {
    const RunResult result = run(draw(++seed, {}));
    delivered += result.delivered;
    virtual_time += result.virtual_time;
  }
  report(state, delivered, virtual_time);
}
BENCHMARK(swarm_seed)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ssm::sim
