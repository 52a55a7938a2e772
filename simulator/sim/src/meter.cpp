#include "ssm/sim/meter.hpp"

#include <algorithm>

#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/codec.hpp"

namespace ssm::sim {

void Meter::message(const ObservedMessage& message) {
  next_.message(message);
  last_ = message.at;
  if (message.text) {
    return;
  }
  const auto view = protocol::decode(message.data, {.check_digest = false});
  if (!view) {
    return;
  }
  End& one = end(message.side);
  const bool is_stream = view->type == protocol::MessageType::input_stream_data ||
                         view->type == protocol::MessageType::output_stream_data;
  if (!message.received) {
    // Later copies wait for the acknowledgement of the first.
    if (is_stream && one.acked.count(view->sequence_number) == 0) {
      one.unacknowledged.emplace(view->sequence_number, message.at);
    }
  } else if (is_stream) {
    count_stream(one, message, view->sequence_number);
  } else if (view->type == protocol::MessageType::acknowledge) {
    ++one.acks;
    if (const auto number = protocol::parse_acknowledged_sequence(view->payload)) {
      count_acknowledge(one, *number, message.at);
    }
  }
}

void Meter::count_acknowledge(End& from, std::int64_t sequence, Duration at) {
  from.max_acks = std::max(from.max_acks, ++from.acked[sequence]);
  const auto waiting = from.unacknowledged.find(sequence);
  if (waiting != from.unacknowledged.end()) {
    from.max_ack_wait = std::max(from.max_ack_wait, at - waiting->second);
    from.unacknowledged.erase(waiting);
  }
}

void Meter::count_stream(End& from, const ObservedMessage& message, std::int64_t sequence) {
  ++from.messages;
  Copies& copies = from.sent[sequence];
  if (copies.count > 0) {
    ++from.copies;
    // A gap between two connections says nothing of a timer.
    if (copies.connection == message.connection) {
      const Duration gap = message.at - copies.last;
      from.min_gap = from.min_gap ? std::min(*from.min_gap, gap) : gap;
    }
  }
  ++copies.count;
  copies.connection = message.connection;
  copies.last = message.at;
  from.max_copies = std::max(from.max_copies, copies.count);
}

void Meter::connection_opened(Duration at, std::uint64_t connection, protocol::Side side) {
  ++end(side).connections;
  next_.connection_opened(at, connection, side);
}

std::map<std::string, double> Meter::values() const {
  std::map<std::string, double> all;
  for (const protocol::Side side : {protocol::Side::client, protocol::Side::agent}) {
    const End& one = ends_[static_cast<std::size_t>(side)];
    const std::string prefix = std::string(name(side)) + "_";
    all[prefix + "messages"] = static_cast<double>(one.messages);
    all[prefix + "copies"] = static_cast<double>(one.copies);
    all[prefix + "max_copies"] = static_cast<double>(one.max_copies);
    all[prefix + "acks"] = static_cast<double>(one.acks);
    all[prefix + "max_acks"] = static_cast<double>(one.max_acks);
    all[prefix + "connections"] = static_cast<double>(one.connections);
    Duration wait = one.max_ack_wait;
    for (const auto& [sequence, since] : one.unacknowledged) {
      wait = std::max(wait, last_ - since);
    }
    all[prefix + "max_ack_wait_ms"] = std::chrono::duration<double, std::milli>(wait).count();
    if (one.min_gap) {
      all[prefix + "min_gap_ms"] = std::chrono::duration<double, std::milli>(*one.min_gap).count();
    }
  }
  return all;
}

}  // namespace ssm::sim
