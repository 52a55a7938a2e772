#include "detail/delayed_messages.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace ssm::service::detail {

bool DelayedMessages::later(const Entry& a, const Entry& b) {
  return std::tie(a.until, a.order) > std::tie(b.until, b.order);
}

void DelayedMessages::hold(protocol::Side from, protocol::Frame frame, protocol::Instant until) {
  Held& held = held_[static_cast<std::size_t>(from)];
  ++held.messages;
  held.bytes += frame.size();
  heap_.push_back({until, next_order_++, {from, std::move(frame)}});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

std::optional<DelayedMessages::Message> DelayedMessages::take_due(protocol::Instant now) {
  if (heap_.empty() || heap_.front().until > now) {
    return std::nullopt;
  }
  std::pop_heap(heap_.begin(), heap_.end(), later);
  Message message = std::move(heap_.back().message);
  heap_.pop_back();
  Held& held = held_[static_cast<std::size_t>(message.from)];
  --held.messages;
  held.bytes -= message.frame.size();
  return message;
}

std::optional<protocol::Instant> DelayedMessages::next() const {
  return heap_.empty() ? std::nullopt : std::optional(heap_.front().until);
}

bool DelayedMessages::full(protocol::Side from) const {
  const Held& held = held_[static_cast<std::size_t>(from)];
  return held.messages >= max_messages || held.bytes >= max_bytes;
}

}  // namespace ssm::service::detail
