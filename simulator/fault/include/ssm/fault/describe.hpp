#pragma once

#include <string>

#include "ssm/fault/plan.hpp"

namespace ssm::fault {

/// One line for people: what fires, and what is done then.
///     agent_to_client output_stream_data 17 copy 1: drop
///     at 12.5s: close the client's connection with code 1000
[[nodiscard]] std::string describe(const Rule& rule);
[[nodiscard]] std::string describe(const Match& match);
[[nodiscard]] std::string describe(const Action& action);
/// As in a plan: `250ms`, `12.5s`, `5m`.
[[nodiscard]] std::string describe(Duration duration);

}  // namespace ssm::fault
