#include "ssm/protocol/receive_window.hpp"

#include <iterator>

namespace ssm::protocol {

ReceiveWindow::Place ReceiveWindow::offer(std::int64_t sequence, const Frame& frame) {
  //= SEQ-009
  //= SEQ-011
  //= RESUME-018
  if (sequence < expected_) {
    return Place::duplicate;
  }
  //= SEQ-002
  if (sequence == expected_) {
    return Place::in_order;
  }
  //= SEQ-004
  //= SEQ-005
  const bool full = stored_.size() >= rules_.buffer_messages;
  if (full && rules_.refuse_copies_when_full) {
    return Place::refused;
  }
  const auto next = first_not_below(sequence);
  if (next != stored_.end() && next->first == sequence) {
    Frame& copy = next->second;
    if (!has_bytes_for(frame.size(), copy.size())) {
      return Place::refused;
    }
    //= SEQ-010
    stored_bytes_ = stored_bytes_ - copy.size() + frame.size();
    copy = frame;
    return Place::ahead;
  }
  if (full || !has_bytes_for(frame.size(), 0)) {
    return Place::refused;
  }
  //= SEQ-003
  //= SEQ-006
  stored_.emplace_hint(next, sequence, frame);
  stored_bytes_ += frame.size();
  return Place::ahead;
}

/// Messages behind a gap mostly come in ascending or in descending order, and what is repeated is
/// the newest or the oldest: those are found without a search.
ReceiveWindow::Stored::iterator ReceiveWindow::first_not_below(std::int64_t sequence) {
  if (stored_.empty() || sequence > stored_.rbegin()->first) {
    return stored_.end();
  }
  if (sequence == stored_.rbegin()->first) {
    return std::prev(stored_.end());
  }
  return sequence <= stored_.begin()->first ? stored_.begin() : stored_.lower_bound(sequence);
}

void ReceiveWindow::advance() {
  const auto first = stored_.begin();
  if (first != stored_.end() && first->first == expected_) {
    stored_bytes_ -= first->second.size();
    stored_.erase(first);
  }
  ++expected_;
}

const Frame* ReceiveWindow::next_stored() const {
  const auto first = stored_.begin();
  return first != stored_.end() && first->first == expected_ ? &first->second : nullptr;
}

bool ReceiveWindow::has_bytes_for(std::size_t more, std::size_t less) const {
  return rules_.buffer_bytes == 0 || more <= rules_.buffer_bytes - (stored_bytes_ - less);
}

}  // namespace ssm::protocol
