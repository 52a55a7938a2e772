#pragma once

#include "ssm/protocol/rules.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::protocol {

/// Smoothed round-trip time and retransmission timeout (data-channel.md 4.4), as in both
/// references: RTTVAR from the old SRTT, then SRTT, then
/// RTO = SRTT + max(granularity, 4 * RTTVAR), at most max_rto. There is no backoff.
class RttEstimator {
 public:
  explicit RttEstimator(const SendRules& rules);

  void add_sample(Duration sample);

  [[nodiscard]] Duration srtt() const { return srtt_; }
  [[nodiscard]] Duration rttvar() const { return rttvar_; }
  [[nodiscard]] Duration rto() const { return rto_; }

 private:
  Duration granularity_;
  Duration max_rto_;
  Duration srtt_;
  Duration rttvar_{0};
  Duration rto_;
};

}  // namespace ssm::protocol
