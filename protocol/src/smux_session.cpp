#include "ssm/protocol/smux_session.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {

SmuxSession::SmuxSession(SmuxSide side, const SmuxRules& rules, Instant now)
    : side_(side),
      rules_(rules),
      next_id_(side == SmuxSide::client ? rules.client_first_id : rules.server_first_id),
      last_read_(now),
      schedule_(rules.scheduling, rules.version >= 2),
      next_nop_(now + rules.keepalive_interval),
      next_check_(now + rules.keepalive_timeout) {
  SSM_ASSERT(rules_.version == 1 || rules_.version == 2);
  SSM_ASSERT(rules_.frame_bytes_max > 0 && rules_.frame_bytes_max <= 0xffff);
  SSM_ASSERT(rules_.receive_bytes > 0 && rules_.stream_send_bytes > 0);
  SSM_ASSERT(rules_.keepalive_interval > Duration{0} && rules_.keepalive_timeout >= Duration{0});
}

SmuxSession::Stream* SmuxSession::find(std::uint32_t stream_id) {
  const auto found = streams_.find(stream_id);
  return found == streams_.end() ? nullptr : &found->second;
}

const SmuxSession::Stream* SmuxSession::find(std::uint32_t stream_id) const {
  const auto found = streams_.find(stream_id);
  return found == streams_.end() ? nullptr : &found->second;
}

// ---- streams ------------------------------------------------------------------------------------

Result<std::uint32_t> SmuxSession::open() {
  //= MUX-003
  // A peer may have used one of our ids: the receiver does not check who may.
  while (next_id_ <= std::numeric_limits<std::uint32_t>::max() &&
         streams_.contains(static_cast<std::uint32_t>(next_id_))) {
    next_id_ += 2;
  }
  //= MUX-026
  if (ended_ || next_id_ > std::numeric_limits<std::uint32_t>::max()) {
    return Error(Errc::limit_reached, 0, ended_ ? "the smux session has ended" : "smux stream ids");
  }
  const auto stream_id = static_cast<std::uint32_t>(next_id_);
  next_id_ += 2;
  Stream& stream = streams_[stream_id];
  stream.peer_window = smux_initial_window;
  //= MUX-005
  //= MUX-011
  control_.push_back({SmuxCommand::syn, stream_id});
  return stream_id;
}

std::optional<std::uint32_t> SmuxSession::accept() {
  while (!backlog_.empty()) {
    const std::uint32_t stream_id = backlog_.front();
    backlog_.pop_front();
    after_room();
    if (streams_.contains(stream_id)) {
      return stream_id;
    }
  }
  return std::nullopt;
}

std::size_t SmuxSession::writable(std::uint32_t stream_id) const {
  const Stream* const stream = find(stream_id);
  if (stream == nullptr || stream->fin_wanted || ended_ ||
      stream->unsent.size() >= rules_.stream_send_bytes) {
    return 0;
  }
  return rules_.stream_send_bytes - stream->unsent.size();
}

std::size_t SmuxSession::write(std::uint32_t stream_id, Bytes bytes) {
  const std::size_t count = std::min(writable(stream_id), bytes.size());
  Stream* const stream = find(stream_id);
  if (stream == nullptr) {
    return 0;
  }
  stream->unsent.append(bytes.first(count));
  // Also when it fitted exactly: who asks writable() first never gives too much.
  stream->write_blocked = count < bytes.size() || stream->unsent.size() >= rules_.stream_send_bytes;
  schedule(stream_id, *stream);
  return count;
}

Bytes SmuxSession::readable(std::uint32_t stream_id) const {
  const Stream* const stream = find(stream_id);
  return stream == nullptr ? Bytes{} : stream->received.front();
}

bool SmuxSession::read_ended(std::uint32_t stream_id) const {
  const Stream* const stream = find(stream_id);
  return stream == nullptr || (stream->received.empty() && (stream->fin_received || ended_));
}

void SmuxSession::consume(std::uint32_t stream_id, std::size_t count, Instant now) {
  const auto found = streams_.find(stream_id);
  if (found == streams_.end() || found->second.discards || count == 0) {
    return;
  }
  Stream& stream = found->second;
  stream.received.consume(count);
  stream.last_read = now;
  last_read_ = now;
  unread_ -= count;
  note_consumed(stream_id, stream, count);
  forget_if_done(found);
  after_room();
}

void SmuxSession::finish(std::uint32_t stream_id) {
  if (!rules_.half_close) {
    close(stream_id);
    return;
  }
  const auto found = streams_.find(stream_id);
  if (found != streams_.end()) {
    found->second.fin_wanted = true;
    queue_fin_if_due(stream_id, found->second);
  }
}

void SmuxSession::close(std::uint32_t stream_id) {
  const auto found = streams_.find(stream_id);
  if (found == streams_.end()) {
    return;
  }
  Stream& stream = found->second;
  stream.fin_wanted = true;
  discard_received(stream);
  if (stream.fin_received && sendable(stream) == 0 && &stream != sending_) {
    // Version 2: the window is used up, and who has closed will hardly open it again.
    stream.unsent.clear();
  }
  queue_fin_if_due(stream_id, stream);
  forget_if_done(found);
  after_room();
}

void SmuxSession::reset(std::uint32_t stream_id) {
  if (Stream* const stream = find(stream_id)) {
    schedule_.remove(stream->share, stream_id);
    stream->unsent.truncate(stream == sending_ ? sending_left_ : 0);
    close(stream_id);
  }
}

//= MUX-043
void SmuxSession::discard_received(Stream& stream) {
  unread_ -= stream.received.size();
  stream.received.clear();
  stream.discards = true;
}

void SmuxSession::forget_if_done(Streams::iterator found) {
  const Stream& stream = found->second;
  if (stream.fin_sent && (stream.discards || (stream.fin_received && stream.received.empty()))) {
    streams_.erase(found);
  }
}

// ---- events -------------------------------------------------------------------------------------

void SmuxSession::tell_readable(std::uint32_t stream_id, Stream& stream) {
  if (!stream.readable_told && !stream.discards) {
    stream.readable_told = true;
    events_.emplace_back(SmuxReadable{stream_id});
  }
}

void SmuxSession::tell_writable(std::uint32_t stream_id, Stream& stream) {
  // Not for every byte: the writer should have something to do.
  if (stream.write_blocked && stream.unsent.size() <= rules_.stream_send_bytes / 2) {
    stream.write_blocked = false;
    if (!stream.fin_wanted) {
      events_.emplace_back(SmuxWritable{stream_id});
    }
  }
}

void SmuxSession::abort_stream(std::uint32_t stream_id, SmuxResetReason reason) {
  events_.emplace_back(SmuxStreamReset{stream_id, reason});
  reset(stream_id);
}

std::optional<SmuxEvent> SmuxSession::poll_event() {
  if (events_.empty()) {
    return std::nullopt;
  }
  std::optional<SmuxEvent> event(std::move(events_.front()));
  events_.pop_front();
  if (const auto* const told = std::get_if<SmuxReadable>(&*event)) {
    if (Stream* const stream = find(told->stream_id)) {
      stream->readable_told = false;
    }
  }
  return event;
}

void SmuxSession::fail(SmuxEndReason reason, std::string text) {
  ended_ = true;
  control_.clear();
  staged_begin_ = staged_end_ = sending_left_ = 0;
  sending_ = nullptr;
  events_.emplace_back(SmuxEnded{reason, std::move(text)});
}

// ---- time ---------------------------------------------------------------------------------------

void SmuxSession::on_timer(Instant now) {
  if (ended_) {
    return;
  }
  (void)reset_stalled(now);
  if (!rules_.keepalive) {
    return;
  }
  //= MUX-052
  if (now >= next_nop_) {
    if (!nop_queued_) {
      nop_queued_ = true;
      control_.push_back({SmuxCommand::nop, 0});
    }
    const auto missed = (now - next_nop_) / rules_.keepalive_interval;
    next_nop_ += (missed + 1) * rules_.keepalive_interval;
  }
  //= MUX-053
  //= MUX-055
  if (rules_.keepalive_timeout > Duration{0} && now >= next_check_) {
    // A reader that stopped us hides whatever the peer has sent.
    if (!frame_seen_ && !receive_blocked()) {
      fail(SmuxEndReason::keepalive_timeout,
           "expected a frame within the keep-alive time, seen none");
      return;
    }
    frame_seen_ = false;
    const auto missed = (now - next_check_) / rules_.keepalive_timeout;
    next_check_ += (missed + 1) * rules_.keepalive_timeout;
  }
}

//= MUX-054
std::optional<Instant> SmuxSession::next_timeout() const {
  if (ended_) {
    return std::nullopt;
  }
  std::optional<Instant> next = stall_deadline();
  if (rules_.keepalive) {
    next = earliest(next, next_nop_);
    if (rules_.keepalive_timeout > Duration{0}) {
      next = earliest(next, next_check_);
    }
  }
  return next;
}

}  // namespace ssm::protocol
