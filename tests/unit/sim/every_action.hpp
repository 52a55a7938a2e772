#pragma once

#include <chrono>

#include "ssm/sim/simulation.hpp"

namespace ssm::sim {

/// A run of the strict pair that meets every action that a plan can have, by every way to match,
/// and completes.
inline RunConfig every_action() {
  using namespace std::chrono_literals;
  using fault::Direction;
  using protocol::MessageType;
  RunConfig config;
  config.seed = 42;
  config.client = *protocol::find_client_profile("strict");
  config.agent = *protocol::find_agent_profile("strict");
  config.workload = {.kind = WorkloadKind::both, .size = 300'000, .seed = 7};
  config.network.client = {
      .latency = 20ms, .jitter = 5ms, .bytes_per_second = 60'000, .buffer_bytes = 65'536};
  config.network.agent.latency = 3ms;
  config.network.connect_timeout = 5s;
  config.service.idle_timeout = 5min;
  config.service.held_messages = 512;
  config.fault_phase = 30s;
  config.heal_limit = 5min;
  config.plan.seed = 3;
  config.plan.rules = {
      {.name = "lose",
       .match = {.direction = Direction::client_to_agent,
                 .message_type = MessageType::input_stream_data,
                 .session = "*",
                 .sequence = fault::Range{5, 9},
                 .copy = 1},
       .action = fault::Drop{}},
      {.name = "double",
       .match = {.message_type = MessageType::output_stream_data,
                 .payload_type = protocol::PayloadType::output,
                 .nth = 3,
                 .every = 7},
       .action = fault::Duplicate{.copies = 2, .after = fault::Delay{1ms, 20ms}}},
      {.name = "late",
       .match = {.direction = Direction::agent_to_client,
                 .acknowledged = fault::Range{3, 60},
                 .probability = 0.3},
       .action = fault::Delay{0ms, 50ms}},
      {.name = "close",
       .match = {.direction = Direction::agent_to_client, .connection = 1, .nth = 20},
       .action = fault::Close{Side::client, fault::Close::Frame{1001, "it is \"recycled\""}}},
      {.name = "reset", .match = {.at = 3s}, .action = fault::Close{Side::agent}},
      {.name = "silent",
       .match = {.at = 4s},
       .action = fault::Stall{Side::client, fault::StallDirection::from_peer, 500ms}},
      {.name = "away", .match = {.at = 5s}, .action = fault::Partition{Side::agent, 800ms}},
      {.name = "refuse",
       .match = {.at = 0s},
       .action = fault::ApiError{.operation = fault::Operation::resume_session,
                                 .side = Side::client,
                                 .status = 503,
                                 .error = "Unavailable",
                                 .calls = 1}},
      {.name = "pause", .match = {.at = 1s}, .action = fault::Pause{Side::agent, 300ms}},
      // After the faults: never.
      {.name = "crash", .match = {.at = 40s}, .action = fault::Crash{Side::client}},
      {.name = "restart", .match = {.at = 41s}, .action = fault::Restart{Side::agent, 1s}},
  };
  return config;
}

}  // namespace ssm::sim
