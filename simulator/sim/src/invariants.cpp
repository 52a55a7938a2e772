#include "ssm/sim/invariants.hpp"

#include <utility>

namespace ssm::sim {

std::string_view name(Invariant invariant) {
  switch (invariant) {
    case Invariant::bytes_in_order:
      return "bytes_in_order";
    case Invariant::window_bounded:
      return "window_bounded";
    case Invariant::no_timer_storm:
      return "no_timer_storm";
    case Invariant::no_busy_loop:
      return "no_busy_loop";
    case Invariant::completes_or_ends:
      return "completes_or_ends";
    case Invariant::acknowledged_at_end:
      return "acknowledged_at_end";
    case Invariant::ends_agree:
      return "ends_agree";
  }
  return "unknown";
}

std::optional<Invariant> find_invariant(std::string_view name) {
  for (std::size_t index = 0; index < invariant_count; ++index) {
    if (sim::name(static_cast<Invariant>(index)) == name) {
      return static_cast<Invariant>(index);
    }
  }
  return std::nullopt;
}

void Verdicts::violated(Invariant invariant, std::string text) {
  if (violations_.size() >= kept) {
    return;
  }
  observer_.note(scheduler_.elapsed(),
                 "violation of " + std::string(name(invariant)) + ": " + text);
  violations_.push_back({invariant, scheduler_.elapsed(), std::move(text)});
}

void WakeWatch::woke(Instant now, bool worked, std::optional<Instant> next) {
  if (now - since_ >= watched) {
    since_ = now;
    wakes_ = 0;
    idle_wakes_ = 0;
    immediate_wakes_ = 0;
  }
  if (!worked && ++idle_wakes_ == idle_wakes_allowed) {
    verdicts_.violated(Invariant::no_timer_storm, who_ + " woke " + std::to_string(idle_wakes_) +
                                                      " times within a second and did nothing");
  }
  if (next && *next <= now && ++immediate_wakes_ == immediate_wakes_allowed) {
    verdicts_.violated(Invariant::no_busy_loop,
                       who_ + " set " + std::to_string(immediate_wakes_) +
                           " timers that were due at once within a second");
  } else if (++wakes_ == wakes_allowed) {
    verdicts_.violated(Invariant::no_timer_storm,
                       who_ + " woke " + std::to_string(wakes_) + " times within a second");
  }
}

}  // namespace ssm::sim
