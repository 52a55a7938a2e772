#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "ssm/sim/agent_node.hpp"
#include "ssm/sim/client_node.hpp"
#include "ssm/sim/service_node.hpp"
#include "ssm/sim/workload.hpp"

namespace ssm::sim {

/// What happens to the third piece of a program's output.
enum class Distortion : std::uint8_t { none, changed, repeated, left_out };

/// A StreamApplication that does not always tell the truth.
class DistortedApplication final : public Application {
 public:
  DistortedApplication(Part part, std::string who, std::uint64_t sends, std::uint64_t receives,
                       Verdicts& verdicts)
      : honest_(std::move(part), std::move(who), sends, receives, verdicts) {}

  void distort(Distortion distortion) { distortion_ = distortion; }

  void started(const SessionFacts& facts, Instant now) override { honest_.started(facts, now); }
  bool received(protocol::PayloadType type, protocol::Bytes data, Instant now) override {
    return honest_.received(type, data, now);
  }
  std::optional<Chunk> next(std::size_t max_bytes, Instant now) override {
    std::optional<Chunk> chunk = honest_.next(max_bytes, now);
    if (!chunk || ++pieces_ != 3) {
      return chunk;
    }
    switch (distortion_) {
      case Distortion::none:
        break;
      case Distortion::changed:
        kept_.assign(chunk->data.begin(), chunk->data.end());
        kept_.back() ^= std::byte{1};
        chunk->data = kept_;
        break;
      case Distortion::repeated:
        kept_.assign(chunk->data.begin(), chunk->data.end());
        kept_.insert(kept_.end(), chunk->data.begin(), chunk->data.end());
        chunk->data = kept_;
        break;
      case Distortion::left_out:
        return honest_.next(max_bytes, now);
    }
    return chunk;
  }
  std::optional<Instant> next_wake() const override { return honest_.next_wake(); }
  bool at_end_of_input() const override { return honest_.at_end_of_input(); }
  std::optional<Finished> finished() const override { return honest_.finished(); }
  std::string progress() const override { return honest_.progress(); }
  std::uint64_t received_bytes() const override { return honest_.received_bytes(); }
  std::uint64_t expected_bytes() const override { return honest_.expected_bytes(); }
  bool complete() const override { return honest_.complete(); }

 private:
  StreamApplication honest_;
  Distortion distortion_ = Distortion::none;
  unsigned pieces_ = 0;
  std::vector<std::byte> kept_;
};

/// A download of 20 kB between strict ends, put together from its parts, so that one of them can be
/// another.
class AssembledSession {
 public:
  AssembledSession() : parts_(plan_workload({.kind = WorkloadKind::download, .size = 20'000})) {}

  World world() { return {scheduler, network, service, nobody, verdicts}; }

  void run(Duration limit) {
    service.start();
    AgentNode agent(world(),
                    {.profile = *protocol::find_agent_profile("strict"),
                     .session_id = "s",
                     .instance_id = "i",
                     .epoch = epoch()},
                    agent_application);
    ClientNode client(world(),
                      {.profile = *protocol::find_client_profile("strict"),
                       .session_id = "s",
                       .stream_url = "wss://localhost",
                       .token = service.first_token(),
                       .epoch = epoch()},
                      client_application, ClientNode::Began::yes);
    agent.start();
    client.start();
    const Instant until = scheduler.now() + limit;
    while (!verdicts.any() && scheduler.step(until)) {
    }
  }

 private:
  [[nodiscard]] protocol::Epoch epoch() const {
    return {.start = scheduler.start(), .unix_ms_at_start = 1'790'000'000'000};
  }
  static constexpr std::uint64_t input_key = 1;
  static constexpr std::uint64_t output_key = 2;
  Parts parts_;

 public:
  Scheduler scheduler;
  Observer nobody;
  Verdicts verdicts{scheduler, nobody};
  Network network{scheduler, {}, 1, service};
  ServiceNode service{
      scheduler, network,
      nobody,    {.rules = {}, .session_id = "s", .target = "i", .epoch = epoch(), .seed = 1},
      {},        false};
  DistortedApplication client_application{parts_.client, "client", input_key, output_key, verdicts};
  DistortedApplication agent_application{parts_.agent, "agent", output_key, input_key, verdicts};
};

}  // namespace ssm::sim
