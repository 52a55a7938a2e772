#include "ssm/protocol/port_agent.hpp"

#include <string>
#include <utility>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {
namespace {

/// Raw connections that only have bytes to be written left, and the current one. More would need a
/// client that ends one after the other while the destination does not read.
constexpr std::size_t raw_connections_max = 16;

}  // namespace

PortAgent::PortAgent(const PortAgentConfig& config, Instant now)
    : config_(config), chunk_(config.chunk_bytes) {
  SSM_ASSERT(config_.chunk_bytes > 0);
  SSM_ASSERT(config_.rules.dials_max > 0);
  if (config_.choice.mode == PortMode::mux) {
    mux_.emplace(SmuxSide::server, config_.rules, config_.choice.keepalive, now);
  } else {
    //= PORT-043
    dial_raw();
  }
}

PortAgent::RawConnection* PortAgent::find(PortConnection id) {
  const auto found = raw_.find(id);
  return found == raw_.end() ? nullptr : &found->second;
}

const PortAgent::RawConnection* PortAgent::find(PortConnection id) const {
  const auto found = raw_.find(id);
  return found == raw_.end() ? nullptr : &found->second;
}

// ---- dialing ------------------------------------------------------------------------------------

void PortAgent::dial_raw() {
  const PortConnection id = next_id_++;
  raw_[id].pipe.id = id;
  current_ = id;
  events_.push(PortDial{id});
}

/// Streams that wait, as many as may be dialed at once.
bool PortAgent::dial_waiting(Instant now) {
  bool any = false;
  while (dials_.size() < config_.rules.dials_max) {
    const auto stream = mux_->session().accept();
    if (!stream) {
      break;
    }
    any = true;
    //= MUX-027
    //= MUX-039
    const PortConnection id = next_id_++;
    mux_->attach(id, *stream, true);
    //= MUX-040
    dials_[id] =
        config_.rules.dial_limit ? std::optional(now + *config_.rules.dial_limit) : std::nullopt;
    events_.push(PortDial{id});
  }
  return any;
}

void PortAgent::dialed(PortConnection id, Instant now) {
  if (mux_) {
    //= MUX-028
    if (dials_.erase(id) > 0) {
      mux_->release(id);
    }
  } else if (RawConnection* const connection = find(id)) {
    connection->dialing = false;
    first_dial_done_ = true;
    if (!connection->pipe.down.empty()) {
      connection->pipe.told = true;
      events_.push(PortReadable{id});
    }
    settle_raw(id);
  }
  pump(now);
}

void PortAgent::dial_failed(PortConnection id, std::string_view error, Instant now) {
  if (mux_) {
    fail_dial(id);
  } else if (find(id) != nullptr) {
    raw_.erase(id);
    first_dial_done_ = true;
    if (current_ == id) {
      current_.reset();
      //= PORT-048
      //= PORT-060
      end(PortEndReason::dial_failed, 1,
          "Unable to connect to specified port: " + std::string(error));
    }
  }
  pump(now);
}

void PortAgent::fail_dial(PortConnection id) {
  if (dials_.erase(id) > 0 && mux_->contains(id)) {
    //= MUX-035
    //= MUX-036
    // Flags are sent before anything else, so that this one comes before its FIN.
    ++refusals_pending_;
    mux_->reset(id);
  }
}

// ---- connections --------------------------------------------------------------------------------

std::size_t PortAgent::room(PortConnection id) const {
  if (mux_) {
    return dials_.contains(id) ? 0 : mux_->room(id);
  }
  const RawConnection* const connection = find(id);
  return connection == nullptr || current_ != id
             ? 0
             : connection->pipe.room(config_.rules.buffer_bytes);
}

std::size_t PortAgent::data(PortConnection id, Bytes bytes, Instant now) {
  std::size_t taken = 0;
  if (mux_) {
    taken = mux_->data(id, bytes);
    pump(now);
  } else if (RawConnection* const connection = find(id); connection != nullptr && current_ == id) {
    taken = connection->pipe.write(bytes, config_.rules.buffer_bytes);
  }
  return taken;
}

void PortAgent::eof(PortConnection id, Instant now) {
  if (mux_) {
    mux_->eof(id);
  } else if (current_ == id) {
    destination_gone(false);
  }
  pump(now);
}

void PortAgent::reset(PortConnection id, Instant now) {
  if (mux_) {
    dials_.erase(id);
    mux_->reset(id);
  } else if (current_ == id) {
    destination_gone(true);
  } else {
    raw_.erase(id);
  }
  pump(now);
}

/// The only connection has ended at the destination. What it has sent is still in `up`.
void PortAgent::destination_gone(bool by_reset) {
  RawConnection& connection = raw_.at(*current_);
  connection.pipe.up_ended = true;
  if (config_.choice.local_port_forwarding) {
    //= PORT-044
    // The client is not told; the next bytes of it are for a new connection.
    connection.pipe.down.clear();
    connection.pipe.down_ended = true;
    connection.silent = by_reset;
    return;
  }
  //= PORT-045
  //= PORT-046
  //= PORT-049
  end_when_sent_ = by_reset ? PortEnded{PortEndReason::destination_reset, 1, {}}
                            : PortEnded{PortEndReason::destination_ended, 0, {}};
}

Bytes PortAgent::readable(PortConnection id) const {
  if (mux_) {
    return mux_->readable(id);
  }
  const RawConnection* const connection = find(id);
  return connection == nullptr || connection->dialing ? Bytes{} : connection->pipe.down.front();
}

bool PortAgent::read_ended(PortConnection id) const {
  if (mux_) {
    return mux_->read_ended(id);
  }
  const RawConnection* const connection = find(id);
  return connection == nullptr || (connection->pipe.down_ended && connection->pipe.down.empty());
}

void PortAgent::consumed(PortConnection id, std::size_t count, Instant now) {
  if (mux_) {
    mux_->consumed(id, count, now);
  } else if (RawConnection* const connection = find(id)) {
    connection->pipe.down.consume(count);
    settle_raw(id);
  }
  pump(now);
}

/// Closes a connection that flag 1 or the destination has ended, once nothing is left to be done.
void PortAgent::settle_raw(PortConnection id) {
  const RawConnection* const connection = find(id);
  if (connection == nullptr || connection->dialing || !connection->pipe.down_ended ||
      !connection->pipe.down.empty() || !connection->pipe.up.empty()) {
    return;
  }
  if (current_ == id) {
    current_.reset();
  }
  if (!connection->silent) {
    events_.push(PortClosed{id, PortCloseReason::ended});
  }
  raw_.erase(id);
}

// ---- the client ---------------------------------------------------------------------------------

bool PortAgent::ready_to_receive() const {
  if (ended_) {
    return true;
  }
  if (mux_) {
    return mux_->ready();
  }
  //= PORT-007
  if (!first_dial_done_ || raw_.size() >= raw_connections_max) {
    return false;
  }
  const RawConnection* const connection = current_ ? find(*current_) : nullptr;
  return connection == nullptr || connection->pipe.down.size() < config_.rules.buffer_bytes;
}

bool PortAgent::receive(PayloadType type, Bytes payload, Instant now) {
  if (ended_) {
    //= PORT-053
    //= PORT-054
    return true;
  }
  if (!mux_ && type == PayloadType::output && !ready_to_receive()) {
    was_blocked_ = true;
    return false;
  }
  bool taken = true;
  if (type == PayloadType::flag) {
    receive_flag(payload);
  } else if (type == PayloadType::output && mux_) {
    //= MUX-064
    taken = mux_->receive(payload, now);
  } else if (type == PayloadType::output) {
    receive_raw(payload);
  }
  pump(now);
  return taken;
}

void PortAgent::receive_flag(Bytes payload) {
  //= PORT-052
  if (payload.size() < 4) {
    return;
  }
  switch (static_cast<PortFlag>(load_big_endian<std::uint32_t>(payload, 0))) {
    case PortFlag::disconnect_to_port:
      //= PORT-005
      if (!mux_) {
        disconnect_raw();
      }
      break;
    case PortFlag::terminate_session:
      //= PORT-004
      end(PortEndReason::terminated, 0, {});
      break;
    case PortFlag::connect_to_port_error:
      break;
  }
}

void PortAgent::disconnect_raw() {
  if (!current_) {
    return;
  }
  PortPipe& pipe = raw_.at(*current_).pipe;
  //= PORT-047
  // What the client no longer wants must not reach its next connection.
  pipe.up.clear();
  pipe.up_ended = true;
  pipe.down_ended = true;
  if (!config_.choice.local_port_forwarding) {
    end(PortEndReason::disconnected, 1, {});
    return;
  }
  const PortConnection id = *current_;
  current_.reset();
  settle_raw(id);
}

void PortAgent::receive_raw(Bytes payload) {
  if (current_ && raw_.at(*current_).pipe.down_ended) {
    // The destination has closed it: these bytes are for the next one.
    current_.reset();
  }
  if (!current_) {
    dial_raw();
  }
  RawConnection& connection = raw_.at(*current_);
  connection.pipe.down.append(payload);
  if (!connection.dialing && !connection.pipe.told) {
    connection.pipe.told = true;
    events_.push(PortReadable{*current_});
  }
}

bool PortAgent::has_output() const {
  if (ended_) {
    return false;
  }
  if (mux_) {
    return refusals_pending_ > 0 || mux_->session().has_output();
  }
  for (const auto& [id, connection] : raw_) {
    if (!connection.pipe.up.empty()) {
      return true;
    }
  }
  return false;
}

std::optional<PortOutput> PortAgent::poll_output(Instant now) {
  if (!has_output()) {
    return std::nullopt;
  }
  if (refusals_pending_ > 0) {
    --refusals_pending_;
    flag_ = encode_port_flag(PortFlag::connect_to_port_error);
    return PortOutput{PayloadType::flag, flag_};
  }
  std::size_t count = 0;
  if (mux_) {
    count = mux_->session().poll_output(chunk_);
  } else {
    for (auto& [id, connection] : raw_) {
      PortPipe& pipe = connection.pipe;
      if (pipe.up.empty()) {
        continue;
      }
      count = pipe.up.move_to(chunk_);
      if (pipe.was_full && pipe.up.size() <= config_.rules.buffer_bytes / 2 && !pipe.up_ended) {
        pipe.was_full = false;
        events_.push(PortWritable{id});
      }
      break;
    }
  }
  pump(now);
  if (count == 0) {
    return std::nullopt;
  }
  return PortOutput{PayloadType::output, Bytes(chunk_).first(count)};
}

// ---- the end ------------------------------------------------------------------------------------

void PortAgent::end(PortEndReason reason, int exit_code, std::string text) {
  if (ended_) {
    return;
  }
  ended_ = true;
  close_all();
  events_.push(PortEnded{reason, exit_code, std::move(text)});
}

//= PORT-059
//= MUX-045
void PortAgent::close_all() {
  for (const auto& [id, connection] : raw_) {
    if (!connection.silent) {
      events_.push(PortClosed{id, PortCloseReason::session_ended});
    }
  }
  raw_.clear();
  current_.reset();
  dials_.clear();
  if (mux_) {
    mux_->close_all(events_, PortCloseReason::session_ended);
  }
}

void PortAgent::stop(Instant now) {
  if (!ended_) {
    ended_ = true;
    close_all();
  }
  pump(now);
}

// ---- events and time ----------------------------------------------------------------------------

void PortAgent::pump(Instant now) {
  if (ended_) {
    return;
  }
  if (mux_) {
    mux_->pump(events_, now);
    if (dial_waiting(now)) {
      mux_->pump(events_, now);
    }
    if (mux_->ended()) {
      //= MUX-022
      end(PortEndReason::mux_error, 1, mux_->ended()->text);
    }
    return;
  }
  if (current_) {
    settle_raw(*current_);
  }
  if (end_when_sent_ && !has_output()) {
    end(end_when_sent_->reason, end_when_sent_->exit_code, end_when_sent_->text);
    return;
  }
  if (was_blocked_ && ready_to_receive()) {
    was_blocked_ = false;
    events_.push(PortReceivePossible{});
  }
}

std::optional<PortEvent> PortAgent::poll_event() {
  auto event = events_.poll();
  if (event) {
    if (const auto* const readable = std::get_if<PortReadable>(&*event)) {
      if (mux_) {
        mux_->told(readable->id);
      } else if (RawConnection* const connection = find(readable->id)) {
        connection->pipe.told = false;
      }
    }
  }
  return event;
}

void PortAgent::on_timer(Instant now) {
  if (!mux_ || ended_) {
    return;
  }
  mux_->on_timer(now);
  for (auto dial = dials_.begin(); dial != dials_.end();) {
    const auto [id, deadline] = *dial++;
    if (deadline && now >= *deadline) {
      if (mux_->contains(id)) {
        events_.push(PortClosed{id, PortCloseReason::dial_timeout});
      }
      fail_dial(id);
    }
  }
  pump(now);
}

std::optional<Instant> PortAgent::next_timeout() const {
  if (!mux_ || ended_) {
    return std::nullopt;
  }
  std::optional<Instant> next = mux_->next_timeout();
  // Dials time out in the order in which they began.
  if (!dials_.empty()) {
    next = earliest(next, dials_.begin()->second);
  }
  return next;
}

}  // namespace ssm::protocol
