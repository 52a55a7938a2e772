#pragma once

#include <array>
#include <cstdint>

namespace ssm::protocol {

/// Deterministic random numbers (xoshiro256**, seeded through splitmix64), so that the same seed
/// gives the same message ids and delays in production, simulation and tests. Not for secrets:
/// tokens and keys come from the driver.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  [[nodiscard]] std::uint64_t next();
  /// Uniform in [0, bound); `bound` must not be 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace ssm::protocol
