// The receiving half of SmuxSession.

#include <algorithm>
#include <string>

#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/smux_session.hpp"

namespace ssm::protocol {

std::size_t SmuxSession::receive(Bytes bytes, Instant now) {
  Bytes input = bytes;
  while (!ended_) {
    if (block() != Block::none) {
      if (!was_blocked_) {
        was_blocked_ = true;
        blocked_since_ = now;
      }
      if (reset_stalled(now)) {
        continue;
      }
      break;
    }
    was_blocked_ = false;
    if (stage_ == Stage::held) {
      act_on_header();
      continue;
    }
    if (input.empty()) {
      break;
    }
    if (stage_ == Stage::payload) {
      receive_payload(input, now);
    } else if (!collector_.take(input)) {
      break;
    } else if (stage_ == Stage::update) {
      receive_update();
    } else {
      begin_frame();
    }
  }
  received_bytes_ += bytes.size() - input.size();
  return ended_ ? bytes.size() : bytes.size() - input.size();
}

bool SmuxSession::receive_blocked() const {
  return !ended_ && block() != Block::none;
}

SmuxSession::Block SmuxSession::block() const {
  switch (stage_) {
    case Stage::header:
      if (unread_ >= rules_.receive_bytes) {
        return Block::reader;
      }
      return rules_.control_frames_max != 0 && control_.size() >= rules_.control_frames_max
                 ? Block::control
                 : Block::none;
    case Stage::held: {
      const Stream* const stream = find(header_.stream_id);
      if (header_.command == SmuxCommand::syn) {
        return stream == nullptr && !rules_.refuses_over_backlog &&
                       backlog_.size() >= rules_.accept_backlog
                   ? Block::backlog
                   : Block::none;
      }
      return stream != nullptr && rules_.version == 1 && rules_.stream_receive_bytes != 0 &&
                     stream->received.size() >= rules_.stream_receive_bytes
                 ? Block::reader
                 : Block::none;
    }
    case Stage::payload:
    case Stage::update:
      break;
  }
  return Block::none;
}

void SmuxSession::after_room() {
  if (was_blocked_ && !receive_blocked()) {
    was_blocked_ = false;
    if (stage_ == Stage::held) {
      act_on_header();  // perhaps no further byte comes
    }
    events_.emplace_back(SmuxReceivePossible{});
  }
}

// ---- a reader that does not read ----------------------------------------------------------------

std::optional<Instant> SmuxSession::stall_deadline() const {
  if (!was_blocked_ || !rules_.stalled_reader_limit || block() != Block::reader) {
    return std::nullopt;
  }
  const Stream* const stream = stage_ == Stage::held ? find(header_.stream_id) : nullptr;
  const Instant last_read = stream == nullptr ? last_read_ : stream->last_read;
  return std::max(blocked_since_, last_read) + *rules_.stalled_reader_limit;
}

//= MUX-057
bool SmuxSession::reset_stalled(Instant now) {
  const std::optional<Instant> deadline = stall_deadline();
  if (!deadline || now < *deadline) {
    return false;
  }
  std::uint32_t stalled = header_.stream_id;
  if (stage_ == Stage::header) {
    const auto most =
        std::max_element(streams_.begin(), streams_.end(), [](const auto& a, const auto& b) {
          return a.second.received.size() < b.second.received.size();
        });
    SSM_ASSERT(most != streams_.end());
    stalled = most->first;
  }
  abort_stream(stalled, SmuxResetReason::stalled_reader);
  return true;
}

// ---- frames -------------------------------------------------------------------------------------

void SmuxSession::begin_frame() {
  header_ = decode_smux_header(collector_.bytes());
  frame_seen_ = true;
  //= MUX-020
  //= MUX-065
  if (header_.version != rules_.version) {
    fail(SmuxEndReason::wrong_version, "expected smux version " + std::to_string(rules_.version) +
                                           ", seen " + std::to_string(header_.version));
    return;
  }
  //= MUX-021
  if (static_cast<std::uint8_t>(header_.command) > smux_command_last) {
    fail(SmuxEndReason::unknown_command,
         "expected an smux command from 0 to 4, seen " +
             std::to_string(static_cast<unsigned>(header_.command)));
    return;
  }
  //= MUX-024
  if (rules_.checks_lengths && header_.command != SmuxCommand::psh) {
    check_length(header_.command == SmuxCommand::upd ? smux_header_size : 0);
    if (ended_) {
      return;
    }
  }
  stage_ = Stage::held;
}

void SmuxSession::check_length(std::size_t expected) {
  if (header_.length != expected) {
    fail(SmuxEndReason::wrong_length, "expected length " + std::to_string(expected) + " of " +
                                          std::string(name(header_.command)) + ", seen " +
                                          std::to_string(header_.length));
  }
}

void SmuxSession::act_on_header() {
  stage_ = Stage::header;
  switch (header_.command) {
    case SmuxCommand::syn:
      receive_syn();
      break;
    case SmuxCommand::fin:
      receive_fin();
      break;
    case SmuxCommand::psh:
      //= MUX-008
      //= MUX-017
      payload_left_ = header_.length;
      stage_ = payload_left_ == 0 ? Stage::header : Stage::payload;
      break;
    case SmuxCommand::nop:
      //= MUX-018
      break;
    case SmuxCommand::upd:
      //= MUX-019
      if (rules_.version == 1 && rules_.update_in_version_1_is_error) {
        fail(SmuxEndReason::unexpected_update, "expected no UPD in smux version 1, seen one");
        return;
      }
      stage_ = Stage::update;
      break;
  }
}

void SmuxSession::receive_syn() {
  const std::uint32_t stream_id = header_.stream_id;
  //= MUX-016
  if (streams_.contains(stream_id)) {
    return;
  }
  //= MUX-042
  //= MUX-044
  if ((side_ == SmuxSide::client && rules_.client_refuses_streams) ||
      (rules_.streams_max != 0 && streams_.size() >= rules_.streams_max) ||
      backlog_.size() >= rules_.accept_backlog) {
    control_.push_back({SmuxCommand::fin, stream_id});
    return;
  }
  //= MUX-004
  Stream& stream = streams_[stream_id];
  stream.peer_window = smux_initial_window;
  backlog_.push_back(stream_id);
  events_.emplace_back(SmuxStreamWaiting{});
}

void SmuxSession::receive_fin() {
  //= MUX-015
  const auto found = streams_.find(header_.stream_id);
  if (found == streams_.end() || found->second.fin_received) {
    return;
  }
  Stream& stream = found->second;
  stream.fin_received = true;
  tell_readable(found->first, stream);
  if (stream.discards && sendable(stream) == 0 && &stream != sending_) {
    stream.unsent.clear();
    queue_fin_if_due(found->first, stream);
  }
  forget_if_done(found);
}

void SmuxSession::receive_payload(Bytes& input, Instant now) {
  const Bytes part = input.first(std::min(payload_left_, input.size()));
  input = input.subspan(part.size());
  payload_left_ -= part.size();
  if (payload_left_ == 0) {
    stage_ = Stage::header;
  }
  //= MUX-014
  //= MUX-048
  Stream* const stream = find(header_.stream_id);
  if (stream == nullptr || stream->discards ||
      (stream->fin_received && !rules_.delivers_after_fin)) {
    return;
  }
  if (stream->received.empty()) {
    stream->last_read = now;
  }
  stream->received.append(part);
  unread_ += part.size();
  tell_readable(header_.stream_id, *stream);
  //= MUX-058
  if (rules_.version == 2 && rules_.checks_window &&
      stream->received.size() > std::max(smux_initial_window, rules_.stream_window_bytes)) {
    abort_stream(header_.stream_id, SmuxResetReason::window_overrun);
  }
}

// ---- windows of version 2 -----------------------------------------------------------------------

void SmuxSession::receive_update() {
  stage_ = Stage::header;
  Stream* const stream = find(header_.stream_id);
  if (rules_.version == 1 || stream == nullptr) {
    return;
  }
  const SmuxUpdate update = decode_smux_update(collector_.bytes());
  const std::uint32_t in_flight = stream->written - update.consumed;
  if (in_flight > 0x7fffffff) {
    abort_stream(header_.stream_id, SmuxResetReason::update_beyond_sent);
    return;
  }
  stream->peer_consumed = update.consumed;
  stream->peer_window = update.window;
  schedule(header_.stream_id, *stream);
}

void SmuxSession::note_consumed(std::uint32_t stream_id, Stream& stream, std::size_t count) {
  if (rules_.version == 1) {
    return;
  }
  stream.consumed += static_cast<std::uint32_t>(count);
  stream.consumed_since_update += static_cast<std::uint32_t>(count);
  const bool due =
      !stream.update_sent || stream.consumed_since_update >= rules_.stream_window_bytes / 2;
  if (due && !stream.update_queued && !stream.fin_received && !ended_) {
    stream.update_queued = true;
    control_.push_back({SmuxCommand::upd, stream_id});
  }
}

}  // namespace ssm::protocol
