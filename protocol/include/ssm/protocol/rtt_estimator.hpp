#pragma once

#include "ssm/protocol/rules.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::test {
struct WindowProbe;
}

namespace ssm::protocol {

/// Smoothed round-trip time and retransmission timeout (RTX-007), as in both references
/// (session-manager-plugin `src/datachannel/streaming.go`, amazon-ssm-agent
/// `agent/session/datachannel/datachannel.go`, CalculateRetransmissionTimeout), in whole
/// nanoseconds:
///
///     RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - sample|      with the old SRTT
///     SRTT   = 7/8 SRTT + 1/8 sample
///     RTO    = SRTT + max(granularity, 4 RTTVAR)     at most max_rto
///
/// There is no minimum; backoff is the send window's.
class RttEstimator {
 public:
  explicit RttEstimator(const SendRules& rules);

  /// The time from a transmission to the acknowledgement that answers it.
  void add_sample(Duration sample);

  /// A message that was sent more than once was acknowledged this long after its first
  /// transmission. That may or may not be the round-trip time, so it is no sample; but until the
  /// next sample the RTO is not less than that and the granularity.
  void add_ambiguous(Duration since_first_sent);

  /// An acknowledgement this soon after a retransmission must answer an earlier copy: it took less
  /// than half of the shortest round trip seen.
  [[nodiscard]] bool too_soon(Duration since_last_sent) const;

  [[nodiscard]] Duration srtt() const { return srtt_; }
  [[nodiscard]] Duration rttvar() const { return rttvar_; }
  /// Never above max_rto (RTX-008).
  [[nodiscard]] Duration rto() const { return rto_ < floor_ ? floor_ : rto_; }

 private:
  friend struct test::WindowProbe;

  Duration granularity_;
  Duration max_rto_;
  Duration srtt_;
  Duration rttvar_{0};
  Duration rto_;
  Duration floor_{0};     ///< from add_ambiguous, until the next sample
  Duration shortest_{0};  ///< shortest sample; 0 before the first
};

}  // namespace ssm::protocol
