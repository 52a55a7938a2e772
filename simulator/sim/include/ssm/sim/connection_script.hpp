#pragma once

#include <cstdint>
#include <vector>

#include "ssm/protocol/random.hpp"
#include "ssm/sim/scheduler.hpp"

namespace ssm::sim {

/// One forwarded TCP connection: a request, then a response.
struct ConnectionScript {
  Duration opens{0};  ///< after the session started
  std::uint64_t request_bytes = 0;
  std::uint64_t response_bytes = 0;
  /// The application ends its writing side after the request, and the destination answers when it
  /// has seen that end; otherwise the destination answers when it has the whole request.
  bool half_closes = false;
  /// The application reads nothing for so long after it connected.
  Duration reads_after{0};
  /// The destination reads no faster; 0: as fast as can be.
  std::uint64_t destination_bytes_per_second = 0;
  /// Nobody listens at the destination.
  bool refused = false;
};

/// In the order in which they open.
using ConnectionScripts = std::vector<ConnectionScript>;

}  // namespace ssm::sim
