#include "ssm/fault/copy_counter.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace ssm::fault {

std::uint64_t CopyCounter::count(std::int64_t number) {
  constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max();
  if (number == frontier_ && number < last &&
      (seen_.empty() || seen_.rbegin()->first < frontier_)) {
    ++frontier_;
    return 1;
  }
  const bool seen_before = 0 <= number && number < frontier_;
  const std::uint64_t count = ++seen_.try_emplace(number, seen_before ? 1 : 0).first->second;
  auto next = seen_.find(frontier_);
  while (next != seen_.end() && next->first == frontier_ && frontier_ < last) {
    ++frontier_;
    next = next->second == 1 ? seen_.erase(next) : std::next(next);
  }
  if (seen_.size() > max_remembered) {
    frontier_ = std::max(frontier_, seen_.begin()->first + 1);
    seen_.erase(seen_.begin());
  }
  return count;
}

}  // namespace ssm::fault
