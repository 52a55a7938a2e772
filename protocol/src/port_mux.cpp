#include "ssm/protocol/port_mux.hpp"

#include <type_traits>
#include <utility>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {
namespace {

SmuxRules with_keepalive(SmuxRules rules, bool keepalive) {
  rules.keepalive = keepalive;
  return rules;
}

}  // namespace

PortMux::PortMux(SmuxSide side, const PortRules& rules, bool keepalive, Instant now)
    : full_close_(rules.full_close), session_(side, with_keepalive(rules.smux, keepalive), now) {}

PortMux::Connection* PortMux::find(PortConnection id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

const PortMux::Connection* PortMux::find(PortConnection id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

void PortMux::attach(PortConnection id, std::uint32_t stream_id, bool held) {
  const bool added =
      connections_.emplace(id, Connection{.stream_id = stream_id, .held = held}).second;
  SSM_ASSERT(added);
  by_stream_[stream_id] = id;
}

void PortMux::release(PortConnection id) {
  if (Connection* const connection = find(id)) {
    connection->held = false;
    unsettled_.push(Unsettled{id, true});
  }
}

void PortMux::drop(Connections::iterator connection) {
  by_stream_.erase(connection->second.stream_id);
  connections_.erase(connection);
}

void PortMux::reset(PortConnection id) {
  const auto found = connections_.find(id);
  if (found != connections_.end()) {
    //= MUX-034
    if (found->second.local_ended) {
      session_.close(found->second.stream_id);
    } else {
      session_.reset(found->second.stream_id);
    }
    drop(found);
  }
}

// ---- the connection's side ----------------------------------------------------------------------

std::size_t PortMux::room(PortConnection id) const {
  const Connection* const connection = find(id);
  return connection == nullptr ? 0 : session_.writable(connection->stream_id);
}

std::size_t PortMux::data(PortConnection id, Bytes bytes) {
  const Connection* const connection = find(id);
  return connection == nullptr ? 0 : session_.write(connection->stream_id, bytes);
}

void PortMux::eof(PortConnection id) {
  Connection* const connection = find(id);
  if (connection == nullptr || connection->local_ended) {
    return;
  }
  //= MUX-032
  //= MUX-029
  connection->local_ended = true;
  if (full_close_) {
    session_.close(connection->stream_id);
  } else {
    //= MUX-033
    session_.finish(connection->stream_id);
  }
  unsettled_.push(Unsettled{id, false});
}

Bytes PortMux::readable(PortConnection id) const {
  const Connection* const connection = find(id);
  return connection == nullptr ? Bytes{} : session_.readable(connection->stream_id);
}

bool PortMux::read_ended(PortConnection id) const {
  const Connection* const connection = find(id);
  return connection == nullptr || session_.read_ended(connection->stream_id);
}

void PortMux::consumed(PortConnection id, std::size_t count, Instant now) {
  if (Connection* const connection = find(id)) {
    connection->got_data = connection->got_data || count > 0;
    session_.consume(connection->stream_id, count, now);
    unsettled_.push(Unsettled{id, false});
  }
}

// ---- the peer's side ----------------------------------------------------------------------------

//= MUX-063
bool PortMux::receive(Bytes bytes, Instant now) {
  if (!ready()) {
    was_blocked_ = true;
    return false;
  }
  const std::size_t taken = session_.receive(bytes, now);
  held_input_.append(bytes.subspan(taken));
  was_blocked_ = was_blocked_ || !ready();
  return true;
}

void PortMux::feed_held(Instant now) {
  while (!held_input_.empty()) {
    const std::size_t taken = session_.receive(held_input_.front(), now);
    held_input_.consume(taken);
    if (taken == 0) {
      return;
    }
  }
}

// ---- events -------------------------------------------------------------------------------------

void PortMux::readable_now(PortConnection id, PollQueue<PortEvent>& events) {
  Connection* const connection = find(id);
  if (connection == nullptr || connection->held) {
    return;
  }
  const bool has_data = !session_.readable(connection->stream_id).empty();
  const bool has_end = session_.read_ended(connection->stream_id);
  connection->got_data = connection->got_data || has_data;
  if ((has_data || has_end) && !connection->told) {
    connection->told = true;
    events.push(PortReadable{id});
  }
}

void PortMux::told(PortConnection id) {
  if (Connection* const connection = find(id)) {
    connection->told = false;
  }
}

/// Closes the connection if there is nothing left to do for it.
void PortMux::settle(PortConnection id, PollQueue<PortEvent>& events) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.held) {
    return;
  }
  const Connection& connection = found->second;
  const bool read_ended = session_.read_ended(connection.stream_id);
  //= MUX-037
  const bool refused = read_ended && !connection.got_data && refusals_ > 0;
  //= MUX-030
  //= MUX-031
  const bool over =
      full_close_ ? read_ended || connection.local_ended : read_ended && connection.local_ended;
  if (refused) {
    --refusals_;
    if (refusals_ == 0) {
      refusal_deadline_.reset();
    }
  } else if (!over) {
    return;
  }
  session_.close(connection.stream_id);
  drop(found);
  events.push(PortClosed{id, refused ? PortCloseReason::refused : PortCloseReason::ended});
}

void PortMux::pump(PollQueue<PortEvent>& events, Instant now) {
  // Feeding what was held may cause more events, and closing makes room for more.
  for (;;) {
    bool idle = true;
    while (const auto unsettled = unsettled_.poll()) {
      idle = false;
      if (unsettled->released) {
        readable_now(unsettled->id, events);
      }
      settle(unsettled->id, events);
    }
    while (auto event = session_.poll_event()) {
      idle = false;
      if (const auto* const readable = std::get_if<SmuxReadable>(&*event)) {
        const auto found = by_stream_.find(readable->stream_id);
        if (found != by_stream_.end()) {
          const PortConnection id = found->second;
          readable_now(id, events);
          settle(id, events);
        }
      } else if (const auto* const writable = std::get_if<SmuxWritable>(&*event)) {
        const auto found = by_stream_.find(writable->stream_id);
        if (found != by_stream_.end()) {
          events.push(PortWritable{found->second});
        }
      } else if (const auto* const reset = std::get_if<SmuxStreamReset>(&*event)) {
        const auto found = by_stream_.find(reset->stream_id);
        if (found != by_stream_.end()) {
          const PortConnection id = found->second;
          drop(connections_.find(id));
          events.push(PortClosed{id, reset->reason == SmuxResetReason::stalled_reader
                                         ? PortCloseReason::stalled
                                         : PortCloseReason::peer_error});
        }
      } else if (auto* const ended = std::get_if<SmuxEnded>(&*event)) {
        ended_ = std::move(*ended);
      }
    }
    if (!held_input_.empty() && !session_.receive_blocked()) {
      idle = false;
      feed_held(now);
    }
    if (idle) {
      break;
    }
  }
  close_refused(events, now);
  if (was_blocked_ && ready()) {
    was_blocked_ = false;
    events.push(PortReceivePossible{});
  }
}

void PortMux::close_all(PollQueue<PortEvent>& events, PortCloseReason reason) {
  for (const auto& [id, connection] : connections_) {
    session_.reset(connection.stream_id);
    events.push(PortClosed{id, reason});
  }
  connections_.clear();
  by_stream_.clear();
}

// ---- refusals -----------------------------------------------------------------------------------

void PortMux::note_refusal(Duration wait, Instant now) {
  ++refusals_;
  refusal_wait_ = wait;
  refusal_deadline_ = now + wait;
}

void PortMux::on_timer(Instant now) {
  session_.on_timer(now);
  refusal_overdue_ = refusal_deadline_ && now >= *refusal_deadline_;
}

std::optional<Instant> PortMux::next_timeout() const {
  return earliest(session_.next_timeout(), refusal_deadline_);
}

/// The flag does not say whose destination refused. If its FIN stays away, it can only be the one
/// connection that has not heard anything; while there are several, we wait.
void PortMux::close_refused(PollQueue<PortEvent>& events, Instant now) {
  if (!refusal_overdue_) {
    return;
  }
  refusal_overdue_ = false;
  refusal_deadline_ = now + refusal_wait_;
  auto silent = connections_.end();
  for (auto connection = connections_.begin(); connection != connections_.end(); ++connection) {
    if (!connection->second.got_data) {
      if (silent != connections_.end()) {
        return;
      }
      silent = connection;
    }
  }
  //= MUX-038
  if (silent != connections_.end()) {
    const PortConnection id = silent->first;
    reset(id);
    events.push(PortClosed{id, PortCloseReason::refused});
  }
  refusals_ = 0;
  refusal_deadline_.reset();
}

}  // namespace ssm::protocol
