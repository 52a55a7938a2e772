#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ssm/sim/observer.hpp"
#include "ssm/sim/scheduler.hpp"

namespace ssm::sim {

/// What must hold in every run, whatever goes wrong around it.
enum class Invariant : std::uint8_t {
  bytes_in_order,       ///< what arrives is the next part of what was sent, each byte once
  window_bounded,       ///< unacknowledged and stored messages stay within their limits
  no_timer_storm,       ///< a role does not wake more often than its work explains
  no_busy_loop,         ///< a timer that rang does not ring again at once for ever
  completes_or_ends,    ///< after the faults: everything arrives, or the session ends with a reason
  acknowledged_at_end,  ///< when an agent's session ends well, all of its output is acknowledged
  ends_agree,           ///< no end stays behind when the session is over
};
inline constexpr std::size_t invariant_count = 7;
[[nodiscard]] std::string_view name(Invariant invariant);
[[nodiscard]] std::optional<Invariant> find_invariant(std::string_view name);

struct Violation {
  Invariant invariant = Invariant::bytes_in_order;
  Duration at{};
  /// What was expected, what was seen.
  std::string text;
};

/// Collects violations of one run; after a few it only counts.
class Verdicts {
 public:
  Verdicts(Scheduler& scheduler, Observer& observer) : scheduler_(scheduler), observer_(observer) {}

  void violated(Invariant invariant, std::string text);
  [[nodiscard]] bool any() const { return !violations_.empty(); }
  [[nodiscard]] std::vector<Violation> take() { return std::move(violations_); }

 private:
  static constexpr std::size_t kept = 10;

  Scheduler& scheduler_;
  Observer& observer_;
  std::vector<Violation> violations_;
};

/// Counts the wake-ups of one role. A role that is woken by its own timer and neither sends nor
/// says anything, again and again, is a storm, and so is one that is woken more often than any work
/// needs; one whose next deadline has already passed, again and again, is a busy loop.
class WakeWatch {
 public:
  /// `who` for the texts.
  WakeWatch(std::string who, Verdicts& verdicts) : who_(std::move(who)), verdicts_(verdicts) {}

  /// After a timer was handled: `worked` if anything came out, `next` is the role's next deadline.
  void woke(Instant now, bool worked, std::optional<Instant> next);

 private:
  /// An idle role with a reference's 100 ms tick wakes ten times a second.
  static constexpr unsigned idle_wakes_allowed = 60;
  static constexpr unsigned immediate_wakes_allowed = 10'000;
  /// A timer need not ring more often than every 100 us: what is due by then can be done together.
  static constexpr unsigned wakes_allowed = 10'000;
  static constexpr Duration watched = std::chrono::seconds(1);

  std::string who_;
  Verdicts& verdicts_;
  Instant since_{};
  unsigned wakes_ = 0;
  unsigned idle_wakes_ = 0;
  unsigned immediate_wakes_ = 0;
};

}  // namespace ssm::sim
