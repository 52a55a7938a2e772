#include "ssm/protocol/rtt_estimator.hpp"

#include <algorithm>

namespace ssm::protocol {
namespace {

/// Far above every round trip, far below where the sums of add_sample overflow.
constexpr Duration longest_sample = std::chrono::hours(24);

}  // namespace

RttEstimator::RttEstimator(const SendRules& rules)
    : granularity_(rules.clock_granularity),
      max_rto_(rules.max_rto),
      srtt_(rules.initial_srtt),
      rto_(rules.initial_rto) {}

void RttEstimator::add_sample(Duration sample) {
  sample = std::clamp(sample, Duration{0}, longest_sample);
  const Duration error = srtt_ < sample ? sample - srtt_ : srtt_ - sample;
  //= RTX-007
  rttvar_ = (3 * rttvar_ + error) / 4;
  srtt_ = (7 * srtt_ + sample) / 8;
  //= RTX-008
  rto_ = std::min(srtt_ + std::max(granularity_, 4 * rttvar_), max_rto_);
  floor_ = Duration{0};
  shortest_ = shortest_ == Duration{0} ? sample : std::min(shortest_, sample);
}

void RttEstimator::add_ambiguous(Duration since_first_sent) {
  since_first_sent = std::clamp(since_first_sent, Duration{0}, longest_sample);
  floor_ = std::min(std::max(floor_, since_first_sent + granularity_), max_rto_);
}

bool RttEstimator::too_soon(Duration since_last_sent) const {
  return since_last_sent < shortest_ / 2;
}

}  // namespace ssm::protocol
