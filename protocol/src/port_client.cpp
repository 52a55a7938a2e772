#include "ssm/protocol/port_client.hpp"

#include <algorithm>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {

PortClient::PortClient(const PortClientConfig& config, Instant now)
    : config_(config), chunk_(config.chunk_bytes) {
  SSM_ASSERT(config_.chunk_bytes > 0);
  if (config_.choice.mode == PortMode::mux) {
    mux_.emplace(SmuxSide::client, config_.rules, config_.choice.keepalive, now);
  }
}

PortPipe* PortClient::find(PortConnection id) {
  return served_ && served_->id == id ? &*served_ : nullptr;
}

const PortPipe* PortClient::find(PortConnection id) const {
  return served_ && served_->id == id ? &*served_ : nullptr;
}

// ---- local connections --------------------------------------------------------------------------

void PortClient::connection_accepted(PortConnection id, Instant now) {
  if (mux_) {
    //= MUX-006
    const auto stream = mux_->session().open();
    if (stream) {
      mux_->attach(id, *stream);
    } else if (mux_failed_ || !config_.rules.leaks_unserved) {
      //= MUX-046
      events_.push(PortClosed{id, PortCloseReason::no_stream});
    }
    pump(now);
    return;
  }
  if (!served_) {
    queued_.push_back(id);
    serve_next();
  } else if (config_.rules.queues_connections) {
    //= PORT-032
    queued_.push_back(id);
  } else {
    events_.push(PortClosed{id, PortCloseReason::busy});
  }
  pump(now);
}

void PortClient::serve_next() {
  if (!served_ && !queued_.empty()) {
    served_.emplace();
    served_->id = queued_.front();
    queued_.pop_front();
    was_served_ = true;
  }
}

std::size_t PortClient::room(PortConnection id) const {
  if (mux_) {
    return mux_->room(id);
  }
  const PortPipe* const pipe = find(id);
  return pipe == nullptr ? 0 : pipe->room(config_.rules.buffer_bytes);
}

std::size_t PortClient::data(PortConnection id, Bytes bytes, Instant now) {
  std::size_t taken = 0;
  if (mux_) {
    taken = mux_->data(id, bytes);
    pump(now);
  } else if (PortPipe* const pipe = find(id)) {
    taken = pipe->write(bytes, config_.rules.buffer_bytes);
  }
  return taken;
}

void PortClient::eof(PortConnection id, Instant now) {
  if (mux_) {
    mux_->eof(id);
  } else if (PortPipe* const pipe = find(id); pipe != nullptr && !pipe->up_ended) {
    pipe->up_ended = true;
    if (pipe->up.empty()) {
      end_local(false);
    }
  } else if (std::erase(queued_, id) > 0) {
    // Before its turn came, and so before anything of it could be taken.
    events_.push(PortClosed{id, PortCloseReason::ended});
  }
  pump(now);
}

void PortClient::reset(PortConnection id, Instant now) {
  if (mux_) {
    mux_->reset(id);
  } else if (find(id) != nullptr) {
    end_local(true);
  } else {
    std::erase(queued_, id);
  }
  pump(now);
}

/// The application's bytes are all sent (or lost): what follows from the end of its connection.
void PortClient::end_local(bool abruptly) {
  if (config_.choice.mode == PortMode::standard_stream) {
    if (!abruptly && served_->up_ended) {
      events_.push(PortInputFinished{});
    }
    if (abruptly) {
      served_.reset();
    }
    return;
  }
  //= PORT-039
  //= PORT-088
  const PortConnection id = served_->id;
  served_.reset();
  if (!abruptly) {
    events_.push(PortClosed{id, PortCloseReason::ended});
  }
  if (terminated_) {
    return;
  }
  disconnect_pending_ = true;
  //= PORT-040
  drops_late_output_ = !config_.rules.delivers_late_output;
  serve_next();
}

Bytes PortClient::readable(PortConnection id) const {
  if (mux_) {
    return mux_->readable(id);
  }
  const PortPipe* const pipe = find(id);
  return pipe == nullptr ? Bytes{} : pipe->down.front();
}

bool PortClient::read_ended(PortConnection id) const {
  // Raw: the agent does not tell when the destination has closed.
  if (mux_) {
    return mux_->read_ended(id);
  }
  const bool waits = std::ranges::find(queued_, id) != queued_.end();
  return find(id) == nullptr && !waits;
}

void PortClient::consumed(PortConnection id, std::size_t count, Instant now) {
  if (mux_) {
    mux_->consumed(id, count, now);
  } else if (PortPipe* const pipe = find(id)) {
    pipe->down.consume(count);
  }
  pump(now);
}

// ---- the agent ----------------------------------------------------------------------------------

bool PortClient::ready_to_receive() const {
  if (mux_) {
    return mux_->ready();
  }
  if (served_) {
    //= PORT-042
    return served_->down.size() < config_.rules.buffer_bytes;
  }
  //= PORT-038
  return was_served_ && !config_.rules.delivers_late_output;
}

bool PortClient::receive(PayloadType type, Bytes payload, Instant now) {
  if (terminated_) {
    return true;
  }
  const bool is_output = type == PayloadType::output || (raw() && config_.rules.writes_every_type);
  if (!is_output) {
    //= PORT-041
    if (mux_ && type == PayloadType::flag && payload.size() >= 4 &&
        load_big_endian<std::uint32_t>(payload, 0) ==
            static_cast<std::uint32_t>(PortFlag::connect_to_port_error)) {
      events_.push(PortDestinationRefused{});
      if (config_.rules.refusal_wait) {
        mux_->note_refusal(*config_.rules.refusal_wait, now);
      }
    }
    return true;
  }
  if (!ready_to_receive()) {
    was_blocked_ = true;
    return false;
  }
  bool taken = true;
  if (mux_) {
    //= PORT-034
    taken = mux_->receive(payload, now);
  } else {
    raw_output(payload);
  }
  pump(now);
  return taken;
}

void PortClient::raw_output(Bytes payload) {
  if (!served_ || drops_late_output_) {
    return;
  }
  served_->down.append(payload);
  if (!served_->told) {
    served_->told = true;
    events_.push(PortReadable{served_->id});
  }
}

void PortClient::all_acknowledged(Instant now) {
  disconnect_unacknowledged_ = false;
  pump(now);
}

bool PortClient::has_output() const {
  if (terminated_) {
    return terminate_pending_;
  }
  if (mux_) {
    return mux_->session().has_output();
  }
  return disconnect_pending_ ||
         (served_ && !served_->up.empty() && !(drops_late_output_ && disconnect_unacknowledged_));
}

std::optional<PortOutput> PortClient::flag_output() {
  //= PORT-058
  if (terminated_) {
    if (!terminate_pending_) {
      return std::nullopt;
    }
    terminate_pending_ = false;
    flag_ = encode_port_flag(PortFlag::terminate_session);
  } else {
    disconnect_pending_ = false;
    disconnect_unacknowledged_ = true;
    flag_ = encode_port_flag(PortFlag::disconnect_to_port);
  }
  //= PORT-001
  return PortOutput{PayloadType::flag, flag_};
}

std::optional<PortOutput> PortClient::poll_output(Instant now) {
  if (!has_output()) {
    return std::nullopt;
  }
  if (terminated_ || disconnect_pending_) {
    return flag_output();
  }
  //= PORT-033
  std::size_t count = 0;
  if (mux_) {
    count = mux_->session().poll_output(chunk_);
  } else {
    count = served_->up.move_to(chunk_);
    // The agent connects for these bytes: what comes from now on is the answer to them.
    drops_late_output_ = false;
    if (served_->up.empty() && served_->up_ended) {
      end_local(false);
    } else if (served_->was_full && served_->up.size() <= config_.rules.buffer_bytes / 2) {
      served_->was_full = false;
      events_.push(PortWritable{served_->id});
    }
  }
  pump(now);
  if (count == 0) {
    return std::nullopt;
  }
  return PortOutput{PayloadType::output, Bytes(chunk_).first(count)};
}

void PortClient::terminate(Instant now) {
  if (terminated_) {
    return;
  }
  //= PORT-002
  //= PORT-057
  terminated_ = true;
  if (config_.choice.terminate_flag) {
    terminate_pending_ = true;
  } else {
    events_.push(PortTerminateByApi{});
  }
  if (mux_) {
    mux_->close_all(events_, PortCloseReason::session_ended);
  }
  if (served_) {
    events_.push(PortClosed{served_->id, PortCloseReason::session_ended});
    served_.reset();
  }
  for (const PortConnection id : queued_) {
    events_.push(PortClosed{id, PortCloseReason::session_ended});
  }
  queued_.clear();
  pump(now);
}

// ---- events and time ----------------------------------------------------------------------------

void PortClient::pump(Instant now) {
  if (mux_) {
    mux_->pump(events_, now);
    if (mux_->ended() && !mux_failed_ && !terminated_) {
      //= MUX-023
      //= MUX-066
      mux_failed_ = true;
      mux_->close_all(events_, PortCloseReason::session_ended);
      if (!config_.rules.survives_mux_error) {
        events_.push(PortEnded{PortEndReason::mux_error, 1, mux_->ended()->text});
      }
    }
    return;
  }
  if (was_blocked_ && ready_to_receive()) {
    was_blocked_ = false;
    events_.push(PortReceivePossible{});
  }
}

std::optional<PortEvent> PortClient::poll_event() {
  auto event = events_.poll();
  if (event) {
    if (const auto* const readable = std::get_if<PortReadable>(&*event)) {
      if (mux_) {
        mux_->told(readable->id);
      } else if (PortPipe* const pipe = find(readable->id)) {
        pipe->told = false;
      }
    }
  }
  return event;
}

void PortClient::on_timer(Instant now) {
  if (mux_) {
    mux_->on_timer(now);
    pump(now);
  }
}

std::optional<Instant> PortClient::next_timeout() const {
  return mux_ ? mux_->next_timeout() : std::nullopt;
}

}  // namespace ssm::protocol
