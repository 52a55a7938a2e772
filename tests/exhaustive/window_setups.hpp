#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string_view>

#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/rules.hpp"
#include "window_world.hpp"

/// Which windows are explored within which bounds.

namespace ssm::test {

struct Scenario {
  std::string_view name;
  std::uint8_t window = 3;
  std::uint8_t buffer = 2;
  /// Whether the RTO stays at 200 ms, or follows the round trips (far more states).
  bool fixed_rto = true;
  Bounds bounds;
};
inline void PrintTo(const Scenario& scenario, std::ostream* out) {
  *out << scenario.name;
}

// Sized so that all of it takes seconds. What one leaves out, another has.
inline constexpr Scenario reordering{
    .name = "reordering", .bounds = {.messages = 4, .losses = 2, .duplications = 1, .timeouts = 2}};
inline constexpr Scenario repetition{
    .name = "repetition",
    .bounds = {.messages = 3, .losses = 2, .duplications = 2, .timeouts = 3, .waits = 1}};
inline constexpr Scenario small_windows{
    .name = "small windows",
    .window = 2,
    .buffer = 1,
    .bounds = {.messages = 5, .losses = 1, .duplications = 1, .timeouts = 2}};
inline constexpr Scenario wide_windows{
    .name = "wide windows",
    .window = 4,
    .buffer = 3,
    .bounds = {.messages = 4, .losses = 1, .cuts = 1, .timeouts = 2}};
inline constexpr Scenario reconnection{
    .name = "reconnection",
    .bounds = {
        .messages = 3, .losses = 1, .duplications = 1, .cuts = 1, .timeouts = 2, .waits = 1}};
inline constexpr Scenario pause{
    .name = "pause",
    .bounds = {.messages = 3, .losses = 1, .cuts = 1, .pauses = 1, .timeouts = 2, .waits = 1}};
inline constexpr Scenario everything{.name = "everything",
                                     .window = 2,
                                     .buffer = 1,
                                     .bounds = {.messages = 3,
                                                .losses = 2,
                                                .duplications = 1,
                                                .cuts = 1,
                                                .pauses = 1,
                                                .unready = 1,
                                                .timeouts = 2}};
inline constexpr Scenario moving_rto{
    .name = "moving RTO",
    .window = 2,
    .buffer = 1,
    .fixed_rto = false,
    .bounds = {.messages = 4, .losses = 1, .duplications = 1, .timeouts = 2, .waits = 1}};
/// Nothing is ever lost but by the connection, as over TCP.
inline constexpr Scenario only_reconnections{
    .name = "only reconnections",
    .window = 4,
    .buffer = 3,
    .bounds = {.messages = 4, .cuts = 2, .timeouts = 2, .waits = 1}};

/// The rules of a profile with that scenario's sizes. The limits on resends are off: they end a
/// session, and what follows is no concern of the windows.
[[nodiscard]] inline StreamSetup make_setup(const Scenario& scenario, protocol::SendRules send,
                                            protocol::ReceiveRules receive) {
  send.buffer_messages = scenario.window;
  send.resend_limit = 0;
  send.resend_time_limit = protocol::Duration{0};
  if (scenario.fixed_rto) {
    send.clock_granularity = send.initial_rto;
    send.max_rto = send.initial_rto;
  }
  receive.buffer_messages = scenario.buffer;
  return {.name = scenario.name, .send = send, .receive = receive, .bounds = scenario.bounds};
}

[[nodiscard]] inline const protocol::ChannelRules& strict_rules() {
  return protocol::find_agent_profile("strict")->channel;
}
[[nodiscard]] inline const protocol::ChannelRules& plugin_rules() {
  return protocol::find_client_profile("plugin-1.2.677")->channel;
}
[[nodiscard]] inline const protocol::ChannelRules& agent_rules() {
  return protocol::find_agent_profile("agent-3.3")->channel;
}

}  // namespace ssm::test
