#include "ssm/sim/end_node.hpp"

#include <algorithm>
#include <utility>

namespace ssm::sim {

EndNode::EndNode(World world, Side side, Application& application)
    : world_(world),
      side_(side),
      application_(application),
      role_alarm_(world.scheduler,
                  [this] {
                    worked_ = false;
                    role_on_timer(now());
                    pump();
                    watch_.woke(now(), worked_, role_next_timeout());
                  }),
      application_alarm_(world.scheduler,
                         [this] {
                           application_.wake(now());
                           pump();
                         }),
      watch_(std::string(name(side)), world.verdicts) {}

// --- connection ---------------------------------------------------------------------------------

void EndNode::connect() {
  drop();
  connection_ = &world_.network.open(side_, *this);
}

void EndNode::drop() {
  if (Connection* old = std::exchange(connection_, nullptr)) {
    old->drop_from_end();
  }
}

void EndNode::kill() {
  if (ended_) {
    return;
  }
  killed_ = true;
  drop();
  role_alarm_.cancel();
  application_alarm_.cancel();
  set_ended("killed", {}, false);
}

void EndNode::opened(Connection& connection) {
  if (&connection == connection_) {
    role_connection_opened(now());
    pump();
  }
}

void EndNode::failed(Connection& connection, const std::string& detail) {
  if (&connection == connection_) {
    connection_ = nullptr;
    role_connection_failed(detail, now());
    pump();
  }
}

void EndNode::lost(Connection& connection, const std::string& detail) {
  if (&connection == connection_) {
    connection_ = nullptr;
    role_connection_lost(detail, now());
    pump();
  }
}

void EndNode::arrived(Connection& connection, Packet packet) {
  if (&connection != connection_) {
    return;
  }
  if (packet.kind == Packet::Kind::pong) {
    role_pong(now());
  } else {
    role_receive(packet.frame, now());
  }
  pump();
}

void EndNode::room(Connection& connection) {
  if (&connection == connection_) {
    pump();
  }
}

void EndNode::send(Packet packet) {
  if (connection_ != nullptr) {
    connection_->send_from_end(std::move(packet));
  }
}

// --- role and application -----------------------------------------------------------------------

void EndNode::pump() {
  if (pumping_ || killed_) {
    return;
  }
  pumping_ = true;
  do {
    while (advance_once(now())) {
      worked_ = true;
    }
  } while (offer_held(now()) || feed(now()));
  pumping_ = false;
  check(world_.verdicts);
  arm();
}

bool EndNode::may_feed() const {
  // Whoever can wait does not write into a full socket.
  return !ended_ && role_can_send() &&
         (connection_ == nullptr || !connection_->is_open() || connection_->end_may_write());
}

bool EndNode::feed(Instant now) {
  bool sent = false;
  while (may_feed() && now >= may_send_at_) {
    const std::optional<Chunk> chunk = application_.next(chunk_bytes_, now);
    if (!chunk) {
      break;
    }
    role_send(*chunk, now);
    sent = true;
    // Or else a role that keeps nothing would take all there is before the connection is full.
    while (advance_once(now)) {
      worked_ = true;
    }
    if (send_pause_ > Duration::zero()) {
      may_send_at_ = now + send_pause_;
    }
  }
  if (!ended_ && application_.at_end_of_input() && !std::exchange(told_input_ended_, true)) {
    input_ended(now);
    sent = true;
  }
  const bool acknowledged = role_unacknowledged() == 0;
  if (acknowledged && !was_acknowledged_) {
    application_.all_acknowledged(now);
    sent = true;
  }
  was_acknowledged_ = acknowledged;
  if (!ended_ && !told_finished_) {
    if (const std::optional<Finished> finished = application_.finished()) {
      told_finished_ = true;
      application_finished(*finished, now);
      sent = true;
    }
  }
  return sent;
}

void EndNode::deliver(protocol::PayloadType type, const protocol::FrameSlice& data) {
  if (!held_.empty() || !application_.received(type, data.bytes(), now())) {
    held_.push_back({type, data});
    role_set_reading(false, now());
    if (connection_ != nullptr) {
      connection_->set_end_reading(false);
    }
  }
}

bool EndNode::offer_held(Instant now) {
  bool any = false;
  while (!held_.empty() && application_.can_receive() &&
         application_.received(held_.front().type, held_.front().data.bytes(), now)) {
    held_.pop_front();
    any = true;
  }
  if (any && held_.empty()) {
    role_set_reading(true, now);
    if (connection_ != nullptr) {
      connection_->set_end_reading(true);
    }
  }
  return any;
}

void EndNode::arm() {
  role_alarm_.set(role_next_timeout());
  std::optional<Instant> wake = ended_ ? std::nullopt : application_.next_wake();
  if (wake && *wake <= now()) {
    // It would send: when the pace, the window or the connection allow it.
    wake = may_feed() ? std::optional(std::max(*wake, may_send_at_)) : std::nullopt;
  }
  application_alarm_.set(wake);
}

void EndNode::check_windows(const protocol::ChannelStatus& status,
                            const protocol::ChannelRules& rules, Verdicts& verdicts) {
  const auto bounded = [&](std::size_t seen, std::size_t limit, std::string_view what) {
    if (limit > 0 && seen > limit) {
      verdicts.violated(Invariant::window_bounded,
                        "the " + std::string(name(side_)) + " has " + std::to_string(seen) + " " +
                            std::string(what) + ", its limit is " + std::to_string(limit));
    }
  };
  max_stored_ = std::max(max_stored_, status.stored_messages);
  bounded(status.unacknowledged, rules.send.buffer_messages, "unacknowledged messages");
  bounded(status.stored_messages, rules.receive.buffer_messages, "messages ahead of a gap");
  bounded(status.stored_bytes, rules.receive.buffer_bytes, "bytes ahead of a gap");
}

void EndNode::set_ended(std::string reason, std::string text, bool normal) {
  note("ended: " + reason + (text.empty() ? "" : ": " + text));
  ended_ = Ended{now(), std::move(reason), std::move(text), normal};
}

void EndNode::note(std::string_view text) const {
  world_.observer.note(world_.scheduler.elapsed(),
                       std::string(name(side_)) + ": " + std::string(text));
}

}  // namespace ssm::sim
