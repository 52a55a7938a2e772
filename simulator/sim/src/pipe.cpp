#include "ssm/sim/pipe.hpp"

#include <algorithm>
#include <utility>

namespace ssm::sim {
namespace {

/// Of a WebSocket frame with a mask, and TCP/IP headers; enough to make small packets cost.
constexpr std::size_t overhead_bytes = 54;
constexpr std::uint64_t ns_per_second = 1'000'000'000;

}  // namespace

std::size_t Packet::size() const {
  return frame.size() + text.size() + overhead_bytes;
}

Pipe::Pipe(Scheduler& scheduler, const LinkRules& rules, std::uint64_t seed,
           std::function<void(Packet)> arrive, std::function<void()> room)
    : scheduler_(scheduler),
      rules_(rules),
      random_(seed),
      arrive_(std::move(arrive)),
      room_(std::move(room)),
      alarm_(scheduler, [this] { deliver_due(); }) {}

void Pipe::send(Packet packet) {
  if (cut_) {
    return;
  }
  const std::size_t size = packet.size();
  waiting_bytes_ += size;
  line_free_ = std::max(line_free_, scheduler_.now());
  if (rules_.bytes_per_second > 0) {
    line_free_ += Duration(size * ns_per_second / rules_.bytes_per_second);
  }
  Instant arrival = line_free_ + rules_.latency;
  if (rules_.jitter > Duration::zero()) {
    arrival += Duration(random_.below(static_cast<std::uint64_t>(rules_.jitter.count()) + 1));
  }
  last_arrival_ = std::max(last_arrival_, arrival);
  in_flight_.push_back({last_arrival_, std::move(packet)});
  arm();
}

void Pipe::set_reading(bool reading) {
  reading_ = reading;
  arm();
}

void Pipe::set_stalled(bool stalled) {
  if (std::exchange(stalled_, stalled) && !stalled) {
    // Sent again by TCP now.
    const Instant earliest = scheduler_.now() + rules_.latency;
    for (InFlight& one : in_flight_) {
      one.arrival = std::max(one.arrival, earliest);
    }
    last_arrival_ = std::max(last_arrival_, earliest);
  }
  arm();
}

void Pipe::cut() {
  cut_ = true;
  in_flight_.clear();
  waiting_bytes_ = 0;
  alarm_.cancel();
}

void Pipe::arm() {
  if (in_flight_.empty() || stalled_ || !reading_) {
    alarm_.cancel();
  } else {
    alarm_.set(in_flight_.front().arrival);
  }
}

void Pipe::deliver_due() {
  const bool was_full = !writable();
  while (!in_flight_.empty() && !stalled_ && reading_ &&
         in_flight_.front().arrival <= scheduler_.now()) {
    Packet packet = std::move(in_flight_.front().packet);
    in_flight_.pop_front();
    waiting_bytes_ -= packet.size();
    // May cut, stall or stop the pipe.
    arrive_(std::move(packet));
  }
  if (!cut_) {
    arm();
    if (was_full && writable()) {
      room_();
    }
  }
}

}  // namespace ssm::sim
