#include "ssm/sim/scheduler.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace ssm::sim {

/// An action to be called once, and its alarm, which is used again.
struct Scheduler::Post {
  explicit Post(Scheduler& scheduler)
      : alarm(scheduler, [this, &scheduler] {
          const std::function<void()> due = std::exchange(action, nullptr);
          scheduler.free_posts_.push_back(this);
          due();
        }) {}

  std::function<void()> action;
  Alarm alarm;
};

Scheduler::~Scheduler() = default;

Scheduler::Scheduler() : start_(std::chrono::hours(1)), now_(start_) {}

bool Scheduler::later(const Entry& a, const Entry& b) {
  return a.at != b.at ? a.at > b.at : a.order > b.order;
}

void Scheduler::push(Instant at, Alarm& alarm) {
  alarm.entry_ = next_order_;
  alarm.entry_at_ = at;
  heap_.push_back({at, next_order_++, &alarm});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

std::optional<Instant> Scheduler::next() const {
  if (heap_.empty()) {
    return std::nullopt;
  }
  return heap_.front().at;
}

void Scheduler::post(Instant at, std::function<void()> action) {
  if (free_posts_.empty()) {
    posts_.push_back(std::make_unique<Post>(*this));
    free_posts_.push_back(posts_.back().get());
  }
  Post& post = *free_posts_.back();
  free_posts_.pop_back();
  post.action = std::move(action);
  post.alarm.set(at);
}

bool Scheduler::step(Instant until) {
  while (!heap_.empty() && heap_.front().at <= until) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Entry entry = heap_.back();
    heap_.pop_back();
    Alarm& alarm = *entry.alarm;
    if (alarm.entry_ != entry.order) {
      continue;
    }
    alarm.entry_.reset();
    if (!alarm.wanted_) {
      continue;
    }
    if (*alarm.wanted_ > entry.at) {
      push(*alarm.wanted_, alarm);
      continue;
    }
    alarm.wanted_.reset();
    now_ = std::max(now_, entry.at);
    ++rung_;
    alarm.ring_();
    return true;
  }
  now_ = std::max(now_, until);
  return false;
}

Alarm::Alarm(Scheduler& scheduler, std::function<void()> ring)
    : scheduler_(scheduler), ring_(std::move(ring)) {}

void Alarm::set(std::optional<Instant> at) {
  if (at) {
    at = std::max(*at, scheduler_.now());
  }
  wanted_ = at;
  if (wanted_ && (!entry_ || entry_at_ > *wanted_)) {
    scheduler_.push(*wanted_, *this);
  }
}

}  // namespace ssm::sim
