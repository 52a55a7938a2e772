#include "ssm/protocol/reconnect.hpp"

#include <algorithm>
#include <chrono>

namespace ssm::protocol {

using std::chrono::milliseconds;

void ReconnectSchedule::start() {
  tries_ = 0;
  if (!rules_.keep_first_delay) {
    first_delay_.reset();
  }
}

std::optional<Duration> ReconnectSchedule::next_delay(Random& random) {
  //= RESUME-004
  //= RESUME-012
  if (tries_ > rules_.retries) {
    return std::nullopt;
  }
  ++tries_;
  if (tries_ == 1) {
    return Duration{0};
  }
  if (tries_ == 2) {
    delay_ = first_delay(random);
  } else {
    delay_ = 2 * std::min(delay_, rules_.delay_max);
  }
  if (delay_ > rules_.delay_max) {
    delay_ = rules_.restart_above_max ? first_delay(random) : rules_.delay_max;
  }
  return delay_;
}

Duration ReconnectSchedule::first_delay(Random& random) {
  if (!first_delay_) {
    const auto choices = std::chrono::duration_cast<milliseconds>(rules_.delay_jitter).count();
    const auto jitter = choices <= 0 ? 0U : random.below(static_cast<std::uint64_t>(choices));
    first_delay_ = rules_.delay_min + milliseconds(jitter);
  }
  return *first_delay_;
}

}  // namespace ssm::protocol
