#pragma once

#include <cstdint>
#include <optional>

#include "ssm/protocol/rules.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

/// Watches for a gap in a stream that is never filled. Only connected time counts.
class GapWatch {
 public:
  explicit GapWatch(const ReceiveRules& rules)
      : limit_(rules.gap_limit), first_limit_(rules.first_gap_limit) {}

  /// After each message, and when the connection is back: what is expected next, and whether later
  /// messages are held.
  void look(std::int64_t expected, bool holds_later, Instant now) {
    if (!holds_later) {
      deadline_.reset();
    } else if (!deadline_ || expected != expected_) {
      const Duration limit = expected == 0 ? first_limit_ : limit_;
      deadline_ = limit > Duration::zero() ? std::optional(now + limit) : std::nullopt;
    }
    expected_ = expected;
  }
  void connection_lost() { deadline_.reset(); }

  /// Whether a gap is anything to the profile.
  [[nodiscard]] bool watches() const { return limit_ > Duration::zero(); }
  [[nodiscard]] bool expired(Instant now) const { return deadline_ && now >= *deadline_; }
  [[nodiscard]] std::optional<Instant> next_timeout() const { return deadline_; }

 private:
  Duration limit_;
  Duration first_limit_;
  std::int64_t expected_ = 0;
  std::optional<Instant> deadline_;
};

}  // namespace ssm::protocol
