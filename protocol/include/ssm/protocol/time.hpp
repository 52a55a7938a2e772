#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace ssm::protocol {

/// The protocol's clock. It has no `now()`: drivers measure time (a steady clock in production, a
/// virtual one in simulation) and pass it in.
struct Clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};

using Instant = Clock::time_point;
using Duration = Clock::duration;

/// The earlier of two optional deadlines.
[[nodiscard]] constexpr std::optional<Instant> earliest(std::optional<Instant> a,
                                                        std::optional<Instant> b) {
  if (!a) {
    return b;
  }
  if (!b) {
    return a;
  }
  return *a < *b ? a : b;
}

/// Ties the protocol's clock to the calendar once, at the start of a role, so that CreatedDate
/// follows the steady clock and a jump of the wall clock does no harm.
struct Epoch {
  Instant start{};
  /// Milliseconds since the Unix epoch at `start`.
  std::int64_t unix_ms_at_start = 0;

  /// Milliseconds since the Unix epoch at `now`.
  [[nodiscard]] std::int64_t unix_ms(Instant now) const {
    return unix_ms_at_start +
           std::chrono::duration_cast<std::chrono::milliseconds>(now - start).count();
  }
};

}  // namespace ssm::protocol
