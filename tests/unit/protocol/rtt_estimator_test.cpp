#include "ssm/protocol/rtt_estimator.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>

#include "ssm/protocol/random.hpp"

namespace ssm::protocol {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(RttEstimator, starts_with_the_values_of_both_references) {
  const RttEstimator rtt{SendRules{}};
  EXPECT_EQ(rtt.srtt(), milliseconds(100));
  EXPECT_EQ(rtt.rttvar(), milliseconds(0));
  EXPECT_EQ(rtt.rto(), milliseconds(200));
}

// The example of session-manager-plugin src/datachannel/streaming_test.go.
//= RTX-007
TEST(RttEstimator, one_sample_of_140_ms_gives_the_known_values) {
  RttEstimator rtt{SendRules{}};
  rtt.add_sample(milliseconds(140));
  EXPECT_EQ(rtt.srtt(), milliseconds(105));
  EXPECT_EQ(rtt.rttvar(), milliseconds(10));
  EXPECT_EQ(rtt.rto(), milliseconds(145));
}

//= RTX-007
TEST(RttEstimator, follows_the_floating_point_formulas_of_the_references) {
  RttEstimator rtt{SendRules{}};
  double srtt = 100e6;
  double rttvar = 0;
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const auto sample = static_cast<std::int64_t>(random.below(600'000'000));
    rtt.add_sample(nanoseconds(sample));
    rttvar = 0.75 * rttvar + 0.25 * std::abs(srtt - static_cast<double>(sample));
    srtt = 0.875 * srtt + 0.125 * static_cast<double>(sample);
    const double rto = std::min(srtt + std::max(10e6, 4 * rttvar), 1e9);
    ASSERT_NEAR(static_cast<double>(rtt.rto().count()), rto, 100) << "sample " << i;
  }
}

TEST(RttEstimator, the_variation_term_is_never_below_the_clock_granularity) {
  RttEstimator rtt{SendRules{}};
  for (int i = 0; i < 1000; ++i) {
    rtt.add_sample(milliseconds(1));
  }
  EXPECT_NEAR(static_cast<double>(rtt.rto().count()), 11e6, 100);
}

//= RTX-008
TEST(RttEstimator, the_rto_is_never_above_one_second) {
  for (const Duration sample : {Duration(seconds(10)), Duration(hours(1)), Duration::max()}) {
    RttEstimator rtt{SendRules{}};
    rtt.add_sample(sample);
    EXPECT_EQ(rtt.rto(), seconds(1));
    rtt.add_ambiguous(sample);
    EXPECT_EQ(rtt.rto(), seconds(1));
  }
}

TEST(RttEstimator, a_negative_sample_counts_as_zero) {
  RttEstimator rtt{SendRules{}};
  rtt.add_sample(Duration::min());
  EXPECT_EQ(rtt.srtt(), nanoseconds(87'500'000));
}

TEST(RttEstimator, a_sample_counts_as_a_day_at_most) {
  RttEstimator rtt{SendRules{}};
  rtt.add_sample(Duration::max());
  EXPECT_EQ(rtt.srtt(), (7 * milliseconds(100) + nanoseconds(hours(24))) / 8);
  rtt.add_ambiguous(Duration::max());
  EXPECT_EQ(rtt.rto(), seconds(1));
}

TEST(RttEstimator, an_ambiguous_acknowledgement_holds_the_rto_until_the_next_sample) {
  RttEstimator rtt{SendRules{}};
  rtt.add_ambiguous(milliseconds(300));
  EXPECT_EQ(rtt.rto(), milliseconds(310));
  rtt.add_ambiguous(milliseconds(250));
  EXPECT_EQ(rtt.rto(), milliseconds(310)) << "it is not lowered";
  EXPECT_EQ(rtt.srtt(), milliseconds(100)) << "it is no sample";
  rtt.add_sample(milliseconds(140));
  EXPECT_EQ(rtt.rto(), milliseconds(145));
}

TEST(RttEstimator, an_answer_is_too_soon_below_half_of_the_shortest_sample) {
  RttEstimator rtt{SendRules{}};
  EXPECT_FALSE(rtt.too_soon(milliseconds(0))) << "nothing is known yet";
  rtt.add_sample(milliseconds(40));
  rtt.add_sample(milliseconds(90));
  EXPECT_TRUE(rtt.too_soon(milliseconds(19)));
  EXPECT_FALSE(rtt.too_soon(milliseconds(20)));
}

}  // namespace
}  // namespace ssm::protocol
