#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ssm/protocol/time.hpp"

namespace ssm::sim {

using protocol::Duration;
using protocol::Instant;

class Alarm;

/// Virtual time: the only clock of a simulation. It stands still while something happens and jumps
/// to the next alarm when nothing does, so an idle hour costs as much as its alarms. Alarms that
/// are due at the same instant ring in the order in which they were set. Not thread safe.
class Scheduler {
 public:
  /// Starts well after zero, so that an uninitialised instant is noticed.
  Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  Scheduler(Scheduler&&) = delete;
  Scheduler& operator=(Scheduler&&) = delete;
  ~Scheduler();

  [[nodiscard]] Instant now() const { return now_; }
  /// Since the simulation's start.
  [[nodiscard]] Duration elapsed() const { return now_ - start_; }
  [[nodiscard]] Instant start() const { return start_; }

  /// Rings the next alarm that is due by `until`. Without one, advances to `until` and returns
  /// false.
  bool step(Instant until);
  /// Calls `action` once, at `at` or as soon as possible after.
  void post(Instant at, std::function<void()> action);

  /// When the next alarm may ring; nothing: no alarm is set.
  [[nodiscard]] std::optional<Instant> next() const;

  /// Alarms that rang.
  [[nodiscard]] std::uint64_t rung() const { return rung_; }

 private:
  friend class Alarm;
  struct Post;
  struct Entry {
    Instant at;
    std::uint64_t order;
    Alarm* alarm;
  };
  /// For a heap with the earliest entry in front.
  static bool later(const Entry& a, const Entry& b);
  void push(Instant at, Alarm& alarm);

  Instant start_;
  Instant now_;
  std::uint64_t next_order_ = 0;
  std::uint64_t rung_ = 0;
  std::vector<Entry> heap_;
  std::vector<std::unique_ptr<Post>> posts_;
  std::vector<Post*> free_posts_;
};

/// One timer of one owner. Moving it to a later time costs nothing: a deadline that every message
/// pushes back (an idle limit, a retransmission timeout) causes one heap operation per period, not
/// per message. Must outlive its scheduler's use.
class Alarm {
 public:
  Alarm(Scheduler& scheduler, std::function<void()> ring);
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  Alarm(Alarm&&) = delete;
  Alarm& operator=(Alarm&&) = delete;
  ~Alarm() = default;

  /// Replaces the time; one in the past rings at once. Nothing: as cancel().
  void set(std::optional<Instant> at);
  void cancel() { wanted_.reset(); }
  [[nodiscard]] bool is_set() const { return wanted_.has_value(); }

 private:
  friend class Scheduler;

  Scheduler& scheduler_;
  std::function<void()> ring_;
  std::optional<Instant> wanted_;
  /// Of the earliest entry in the heap that still counts.
  std::optional<std::uint64_t> entry_;
  Instant entry_at_{};
};

}  // namespace ssm::sim
