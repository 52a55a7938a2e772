#include "ssm/sim/workload.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, workload_kind_count> names = {
    "typing", "paste", "flood",      "upload",      "download",   "both",
    "idle",   "ports", "half_close", "slow_reader", "idle_ports", "slow_destination"};

/// Keys of a fast and of a slow typist come between these.
constexpr std::uint64_t key_gap_min_ms = 60;
constexpr std::uint64_t key_gap_spread_ms = 400;

constexpr std::uint64_t prompt_bytes = 2;

/// More than the receive buffers of the official programs (4 MiB) and the sockets between hold.
constexpr std::uint64_t slow_response_bytes = 20'000'000;
constexpr Duration slow_reader_pause = 2min;

/// 500 kbit/s, what an agent was once measured to take (amazon-ssm-agent issue 664).
constexpr std::uint64_t slow_destination_rate = 62'500;

std::uint64_t amount(const Workload& workload, std::uint64_t usual) {
  return workload.size == 0 ? usual : workload.size;
}

Part typist(std::uint64_t keys, protocol::Random& random) {
  Part part;
  Duration at{0};
  for (std::uint64_t key = 0; key < keys; ++key) {
    at += std::chrono::milliseconds(key_gap_min_ms + random.below(key_gap_spread_ms));
    // An arrow key is three bytes in one read.
    const std::uint64_t bytes = random.below(10) == 0 ? 3 : 1;
    part.bursts.push_back({at, bytes});
  }
  return part;
}

std::uint64_t total(const Part& part) {
  std::uint64_t sum = 0;
  for (const Part::Burst& burst : part.bursts) {
    sum += burst.bytes;
  }
  return sum;
}

}  // namespace

std::string_view name(WorkloadKind kind) {
  return names[static_cast<std::size_t>(kind)];
}

std::optional<WorkloadKind> find_workload(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    return std::nullopt;
  }
  return static_cast<WorkloadKind>(found - names.begin());
}

Parts plan_workload(const Workload& workload) {
  protocol::Random random(workload.seed);
  Parts parts;
  // A prompt: without a handshake, a session begins at the client with the first output (HS-003).
  parts.agent.bursts.push_back({0s, prompt_bytes});
  switch (workload.kind) {
    case WorkloadKind::typing:
      parts.client = typist(amount(workload, 100), random);
      parts.agent.echoes = true;
      break;
    case WorkloadKind::paste:
      parts.client.bursts.push_back({500ms, amount(workload, 100'000)});
      parts.agent.echoes = true;
      break;
    case WorkloadKind::flood:
      parts.agent.bursts.push_back({0s, amount(workload, 1'000'000)});
      parts.client.bursts = typist(10, random).bursts;
      break;
    case WorkloadKind::upload:
      parts.client.bursts.push_back({0s, amount(workload, 1'000'000)});
      break;
    case WorkloadKind::download:
      parts.agent.bursts.push_back({0s, amount(workload, 1'000'000)});
      break;
    case WorkloadKind::both:
      parts.client.bursts.push_back({0s, amount(workload, 500'000)});
      parts.agent.bursts.push_back({0s, amount(workload, 500'000)});
      break;
    case WorkloadKind::idle:
      parts.client.bursts.push_back({1s, 1});
      parts.client.bursts.push_back({std::chrono::minutes(amount(workload, 60)), 1});
      parts.agent.echoes = true;
      break;
    case WorkloadKind::ports:
    case WorkloadKind::half_close:
    case WorkloadKind::slow_reader:
    case WorkloadKind::idle_ports:
    case WorkloadKind::slow_destination:
      break;
  }
  parts.client.ends = workload.ends_input;
  parts.agent.expects = total(parts.client);
  parts.client.expects = total(parts.agent) + (parts.agent.echoes ? parts.agent.expects : 0);
  return parts;
}

bool forwards_ports(WorkloadKind kind) {
  return kind == WorkloadKind::ports || kind == WorkloadKind::half_close ||
         kind == WorkloadKind::slow_reader || kind == WorkloadKind::idle_ports ||
         kind == WorkloadKind::slow_destination;
}

ConnectionScripts plan_connections(const Workload& workload) {
  if (workload.kind == WorkloadKind::idle_ports) {
    const ConnectionScript one{.request_bytes = 100, .response_bytes = 100};
    ConnectionScripts both{one, one};
    both.back().opens = std::chrono::minutes(amount(workload, 2));
    return both;
  }
  if (workload.kind == WorkloadKind::slow_destination) {
    return {{.request_bytes = amount(workload, 20'000'000),
             .response_bytes = 100,
             .destination_bytes_per_second = slow_destination_rate}};
  }
  protocol::Random random(workload.seed);
  ConnectionScripts scripts;
  const std::uint64_t count = amount(workload, 20);
  Duration at{0};
  for (std::uint64_t index = 0; index < count; ++index) {
    ConnectionScript script;
    script.opens = at;
    // Many small ones, a few large.
    script.request_bytes = random.below(std::uint64_t{1} << (4 + random.below(12)));
    script.response_bytes = random.below(std::uint64_t{1} << (4 + random.below(14)));
    script.half_closes = random.below(3) == 0 && workload.kind == WorkloadKind::half_close;
    script.refused = random.below(10) == 0;
    at += std::chrono::milliseconds(random.below(4) == 0 ? random.below(2000) : random.below(20));
    scripts.push_back(script);
  }
  if (workload.kind == WorkloadKind::slow_reader && !scripts.empty()) {
    scripts.front() = {.request_bytes = 100,
                       .response_bytes = slow_response_bytes,
                       .reads_after = slow_reader_pause};
  }
  return scripts;
}

StreamApplication::StreamApplication(Part part, std::string who, std::uint64_t sends,
                                     std::uint64_t receives, Verdicts& verdicts)
    : part_(std::move(part)),
      who_(std::move(who)),
      text_(sends),
      check_(StreamText(receives)),
      verdicts_(verdicts) {}

void StreamApplication::started(const SessionFacts& /*facts*/, Instant now) {
  started_ = now;
}

bool StreamApplication::received(protocol::PayloadType /*type*/, protocol::Bytes data,
                                 Instant /*now*/) {
  if (const std::optional<std::string> wrong = check_.received(data)) {
    verdicts_.violated(Invariant::bytes_in_order, who_ + ": " + *wrong);
  }
  return true;
}

std::uint64_t StreamApplication::allowed(Instant now) {
  while (burst_ < part_.bursts.size() && *started_ + part_.bursts[burst_].after <= now) {
    allowed_ += part_.bursts[burst_++].bytes;
  }
  return allowed_ + (part_.echoes ? check_.bytes() : 0);
}

std::optional<Chunk> StreamApplication::next(std::size_t max_bytes, Instant now) {
  if (!started_) {
    return std::nullopt;
  }
  const std::uint64_t may_send = allowed(now);
  if (sent_ >= may_send) {
    return std::nullopt;
  }
  const protocol::Bytes data =
      text_.at(sent_, std::min<std::uint64_t>(max_bytes, may_send - sent_));
  sent_ += data.size();
  return Chunk{.type = protocol::PayloadType::output, .data = data};
}

std::optional<Instant> StreamApplication::next_wake() const {
  if (!started_) {
    return std::nullopt;
  }
  if (sent_ < allowed_ + (part_.echoes ? check_.bytes() : 0)) {
    return *started_;
  }
  if (burst_ < part_.bursts.size()) {
    return *started_ + part_.bursts[burst_].after;
  }
  return std::nullopt;
}

bool StreamApplication::at_end_of_input() const {
  return part_.ends && started_ && burst_ == part_.bursts.size() && sent_ >= allowed_;
}

std::optional<Finished> StreamApplication::finished() const {
  const bool all = started_ && burst_ == part_.bursts.size() && check_.bytes() >= part_.expects &&
                   sent_ >= allowed_ + (part_.echoes ? check_.bytes() : 0);
  return all ? std::optional(Finished{}) : std::nullopt;
}

std::string StreamApplication::progress() const {
  return std::to_string(check_.bytes()) + " of " + std::to_string(part_.expects) +
         " bytes received";
}

}  // namespace ssm::sim
