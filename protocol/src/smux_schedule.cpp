#include "ssm/protocol/smux_schedule.hpp"

#include <algorithm>
#include <utility>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {

void SmuxSchedule::add(Share& share, std::uint32_t stream_id) {
  if (share.waiting_) {
    return;
  }
  share.waiting_ = true;
  share.serial_ = serial_++;
  // A stream that was idle does not save up what it did not send: it starts at the present.
  share.tag_ =
      kind_ == SmuxScheduling::fair ? std::max(share.next_tag_, virtual_time_) : share.next_tag_;
  const Turn turn{.tag = share.tag_, .serial = share.serial_, .stream_id = stream_id};
  if (spare_.empty()) {
    turns_.insert(turn);
  } else {
    spare_.value() = turn;
    turns_.insert(std::move(spare_));
  }
}

void SmuxSchedule::remove(Share& share, std::uint32_t stream_id) {
  if (share.waiting_) {
    turns_.erase({.tag = share.tag_, .serial = share.serial_, .stream_id = stream_id});
    share.waiting_ = false;
  }
}

std::optional<std::uint32_t> SmuxSchedule::next() const {
  if (turns_.empty()) {
    return std::nullopt;
  }
  return turns_.begin()->stream_id;
}

void SmuxSchedule::served(Share& share, std::size_t bytes) {
  SSM_ASSERT(share.waiting_ && !turns_.empty() && turns_.begin()->serial == share.serial_);
  spare_ = turns_.extract(turns_.begin());
  share.waiting_ = false;
  virtual_time_ = share.tag_;
  const bool counts_bytes = kind_ == SmuxScheduling::fair || by_bytes_;
  share.next_tag_ = share.tag_ + (counts_bytes ? bytes : 1);
}

}  // namespace ssm::protocol
