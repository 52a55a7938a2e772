// Cost of the window operations with many messages in flight: it must not depend on how many.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/receive_window.hpp"
#include "ssm/protocol/send_window.hpp"
#include "ssm/protocol/utf8_boundary.hpp"

namespace ssm::protocol {
namespace {

/// All messages share one frame, so that the window is measured and not the allocator.
Frame shared_frame() {
  static const Frame frame = Frame::with_size(encoded_size(1024));
  return frame;
}

SendRules rules_for(std::int64_t in_flight) {
  SendRules rules = find_client_profile("strict")->channel.send;
  rules.buffer_messages = static_cast<std::size_t>(in_flight) + 1;
  return rules;
}

void fill(SendWindow& window, std::int64_t count, Instant now) {
  for (std::int64_t i = 0; i < count; ++i) {
    window.add(shared_frame(), now, true);
  }
}

/// One message more, one acknowledged: the steady state of a transfer.
void add_and_acknowledge_oldest(benchmark::State& state) {
  SendWindow window(rules_for(state.range(0)));
  Instant now{};
  fill(window, state.range(0), now);
  std::int64_t oldest = 0;
  for (auto _ : state) {
    now += std::chrono::microseconds(1);
    window.add(shared_frame(), now, true);
    benchmark::DoNotOptimize(window.acknowledge(oldest++, now));
  }
  state.SetItemsProcessed(state.iterations());
}

/// The oldest is lost, everything else is acknowledged, the newest first.
void acknowledge_out_of_order(benchmark::State& state) {
  const std::int64_t in_flight = state.range(0);
  for (auto _ : state) {
    state.PauseTiming();
    SendWindow window(rules_for(in_flight));
    fill(window, in_flight, Instant{});
    state.ResumeTiming();
    for (std::int64_t sequence = in_flight - 1; sequence >= 0; --sequence) {
      benchmark::DoNotOptimize(window.acknowledge(sequence, Instant{}));
    }
  }
  state.SetItemsProcessed(state.iterations() * in_flight);
}

/// What a role does on every wake-up: asks for the deadline, finds nothing due.
void look_for_a_resend(benchmark::State& state) {
  SendWindow window(rules_for(state.range(0)));
  fill(window, state.range(0), Instant{});
  for (auto _ : state) {
    benchmark::DoNotOptimize(window.next_timeout());
    benchmark::DoNotOptimize(window.resend_due(Instant{}));
  }
  state.SetItemsProcessed(state.iterations());
}

void resend_oldest(benchmark::State& state) {
  SendWindow window(rules_for(state.range(0)));
  Instant now{};
  fill(window, state.range(0), now);
  for (auto _ : state) {
    now += std::chrono::seconds(1);
    benchmark::DoNotOptimize(window.resend_due(now));
  }
  state.SetItemsProcessed(state.iterations());
}

/// After a reconnection: each message once more.
void resend_all_on_resume(benchmark::State& state) {
  SendWindow window(rules_for(state.range(0)));
  Instant now{};
  fill(window, state.range(0), now);
  for (auto _ : state) {
    now += std::chrono::seconds(1);
    window.on_resume(now);
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      benchmark::DoNotOptimize(window.resend_due(now));
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

/// An agent whose oldest message is never acknowledged while everything newer is.
void send_past_a_stuck_message(benchmark::State& state) {
  SendRules rules = find_agent_profile("agent-3.3")->channel.send;
  rules.buffer_messages = static_cast<std::size_t>(state.range(0));
  SendWindow window(rules);
  window.add(shared_frame(), Instant{}, true);
  for (auto _ : state) {
    const std::int64_t sequence = window.next_sequence();
    window.add(shared_frame(), Instant{}, true);
    benchmark::DoNotOptimize(window.acknowledge(sequence, Instant{}));
  }
  state.SetItemsProcessed(state.iterations());
}

ReceiveRules receive_rules() {
  ReceiveRules rules = find_agent_profile("agent-3.3")->channel.receive;
  rules.buffer_messages = 1'000'000;
  return rules;
}

void receive_in_order(benchmark::State& state) {
  ReceiveWindow window(receive_rules());
  const Frame frame = shared_frame();
  for (auto _ : state) {
    benchmark::DoNotOptimize(window.offer(window.expected(), frame));
    window.advance();
  }
  state.SetItemsProcessed(state.iterations());
}

void hold_behind_a_gap_and_drain(benchmark::State& state) {
  const std::int64_t held = state.range(0);
  ReceiveWindow window(receive_rules());
  const Frame frame = shared_frame();
  for (auto _ : state) {
    for (std::int64_t i = 1; i <= held; ++i) {
      benchmark::DoNotOptimize(window.offer(window.expected() + i, frame));
    }
    window.offer(window.expected(), frame);
    window.advance();
    while (window.next_stored() != nullptr) {
      window.advance();
    }
  }
  state.SetItemsProcessed(state.iterations() * held);
}

void hold_in_descending_order_and_drain(benchmark::State& state) {
  const std::int64_t held = state.range(0);
  ReceiveWindow window(receive_rules());
  const Frame frame = shared_frame();
  for (auto _ : state) {
    for (std::int64_t i = held; i >= 0; --i) {
      benchmark::DoNotOptimize(window.offer(window.expected() + i, frame));
    }
    window.advance();
    while (window.next_stored() != nullptr) {
      window.advance();
    }
  }
  state.SetItemsProcessed(state.iterations() * held);
}

void cut_at_characters(benchmark::State& state, std::string_view text) {
  std::vector<std::byte> in;
  while (in.size() + text.size() <= 1024) {
    in.insert(in.end(), as_bytes(text).begin(), as_bytes(text).end());
  }
  Utf8Boundary boundary(false);
  std::vector<std::byte> out;
  for (auto _ : state) {
    out.clear();
    boundary.append(in, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(in.size()));
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->Arg(10)->Arg(1'000)->Arg(100'000);
}

BENCHMARK(add_and_acknowledge_oldest)->Apply(sizes);
BENCHMARK(acknowledge_out_of_order)->Apply(sizes);
BENCHMARK(look_for_a_resend)->Apply(sizes);
BENCHMARK(resend_oldest)->Apply(sizes);
BENCHMARK(resend_all_on_resume)->Apply(sizes);
BENCHMARK(send_past_a_stuck_message)->Apply(sizes);
BENCHMARK(receive_in_order);
BENCHMARK(hold_behind_a_gap_and_drain)->Apply(sizes);
BENCHMARK(hold_in_descending_order_and_drain)->Apply(sizes);
BENCHMARK_CAPTURE(cut_at_characters, ascii, "plain text, as most output is ");
BENCHMARK_CAPTURE(cut_at_characters, mixed,
                  "na\xc3\xafve caf\xc3\xa9 \xe2\x82\xac 5 \xf0\x9f\x98\x80 ");

}  // namespace
}  // namespace ssm::protocol
