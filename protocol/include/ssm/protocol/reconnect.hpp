#pragma once

#include <cstdint>
#include <optional>

#include "ssm/protocol/random.hpp"
#include "ssm/protocol/rules.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

/// When to try a lost connection again: the first try is made at once, each further one after a
/// delay that doubles, until the tries are used up (session-manager-plugin `src/retry/retryer.go`,
/// amazon-ssm-agent `agent/session/retry/retryer.go`).
///
/// Not thread safe.
class ReconnectSchedule {
 public:
  explicit ReconnectSchedule(const ReconnectRules& rules) : rules_(rules) {}

  /// The connection was lost: counting starts anew.
  void start();

  /// How long to wait before the next try, 0 for the first; nullopt when no try is left. Counts
  /// the try.
  [[nodiscard]] std::optional<Duration> next_delay(Random& random);

  /// Tries handed out by next_delay since start().
  [[nodiscard]] std::uint32_t tries() const { return tries_; }

 private:
  Duration first_delay(Random& random);

  ReconnectRules rules_;
  std::optional<Duration> first_delay_;  ///< drawn when first needed
  Duration delay_{0};
  std::uint32_t tries_ = 0;
};

}  // namespace ssm::protocol
