// What a fault plan does to one session on real sockets.
#include <spdlog/spdlog.h>

#include <string>
#include <utility>
#include <variant>

#include "data_channel.hpp"
#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/codec.hpp"

namespace ssm::service {

using protocol::Side;

fault::Decision DataChannel::decide(const Gateway::Connection& from, const protocol::Frame& frame) {
  if (gateway_.faults_.rules().empty()) {
    return {};
  }
  const auto view = protocol::decode(frame.bytes());
  if (!view) {
    return {};
  }
  fault::MessageFacts facts = fault::facts_of(*view);
  facts.session_id = id_;
  facts.session_ordinal = ordinal_;
  facts.direction = fault::direction_from(from.side);
  facts.connection_number = from.number;
  return gateway_.faults_.decide(facts);
}

void DataChannel::receive_with_faults(Side from, const protocol::Frame& frame,
                                      fault::Decision decision) {
  const net::Instant now = net::EventLoop::now();
  for (const net::Duration wait : decision.transmissions()) {
    if (wait == net::Duration::zero()) {
      role_.receive(from, frame, now);
    } else {
      delayed_.hold(from, frame, now + wait);
    }
  }
  if (delayed_.full(from)) {
    update_reading(from);
  }
  arm_delay_timer();
  pump();
  for (const fault::Fired& fired : decision) {
    apply(*fired.rule);
  }
  pump();
}

void DataChannel::apply(const fault::Rule& rule) {
  spdlog::info("session {}: fault '{}': {}", id_, rule.name, fault::name(rule.action));
  if (const auto* close = std::get_if<fault::Close>(&rule.action)) {
    execute(*close, rule.name);
    return;
  }
  // The gateway takes no plan with an action that it does not execute.
  SSM_ASSERT(fault::is_message_action(rule.action));
}

void DataChannel::execute(const fault::Close& close, std::string_view rule) {
  Gateway::Connection* victim = end(close.side);
  if (victim == nullptr) {
    return;
  }
  let_go(*victim);
  if (close.frame) {
    victim->socket.close(close.frame->code, close.frame->reason);
  } else {
    victim->socket.drop();
  }
  if (recording_) {
    recording_->connection_closed(elapsed(), victim->id, trace_side(close.side),
                                  close.frame ? close.frame->code : std::uint16_t{0},
                                  "fault: " + std::string(rule));
  }
  detach(close.side);
}

// --- delays

void DataChannel::arm_delay_timer() {
  const std::optional<net::Instant> next = delayed_.next();
  if (!next || (delay_armed_for_ && *delay_armed_for_ <= *next)) {
    return;
  }
  delay_armed_for_ = next;
  delay_timer_.arm(*next, [this] {
    delay_armed_for_.reset();
    const net::Instant now = net::EventLoop::now();
    while (auto message = delayed_.take_due(now)) {
      role_.receive(message->from, std::move(message->frame), now);
    }
    update_reading(Side::client);
    update_reading(Side::agent);
    arm_delay_timer();
    pump();
  });
}

// --- times

void DataChannel::arm_fault_timer() {
  if (role_.over() || next_timed_ == timed_.size()) {
    return;
  }
  fault_timer_.arm(started_at_ + *timed_[next_timed_]->match.at, [this] {
    const net::Duration since_start = elapsed();
    while (!role_.over() && next_timed_ < timed_.size() &&
           *timed_[next_timed_]->match.at <= since_start) {
      apply(*timed_[next_timed_++]);
    }
    arm_fault_timer();
    pump();
  });
}

}  // namespace ssm::service
