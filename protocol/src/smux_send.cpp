// The sending half of SmuxSession.

#include <algorithm>
#include <cstring>

#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/smux_session.hpp"

namespace ssm::protocol {

std::size_t SmuxSession::sendable(const Stream& stream) const {
  if (rules_.version == 1) {
    return stream.unsent.size();
  }
  const std::uint32_t in_flight = stream.written - stream.peer_consumed;
  const std::size_t room = stream.peer_window > in_flight ? stream.peer_window - in_flight : 0;
  return std::min(stream.unsent.size(), room);
}

void SmuxSession::schedule(std::uint32_t stream_id, Stream& stream) {
  // A stream whose frame is being sent is looked at again when that is done.
  if (&stream != sending_ && sendable(stream) > 0) {
    schedule_.add(stream.share, stream_id);
  }
}

//= MUX-013
void SmuxSession::queue_fin_if_due(std::uint32_t stream_id, Stream& stream) {
  if (stream.fin_wanted && !stream.fin_queued && stream.unsent.empty()) {
    stream.fin_queued = true;
    control_.push_back({SmuxCommand::fin, stream_id});
  }
}

bool SmuxSession::has_output() const {
  return !ended_ && (staged_begin_ < staged_end_ || sending_left_ > 0 || !control_.empty() ||
                     !schedule_.empty());
}

std::size_t SmuxSession::poll_output(MutableBytes out) {
  std::size_t filled = 0;
  while (filled < out.size() && !ended_) {
    const MutableBytes rest = out.subspan(filled);
    if (staged_begin_ < staged_end_) {
      const std::size_t count = std::min(rest.size(), staged_end_ - staged_begin_);
      std::memcpy(rest.data(), staged_.data() + staged_begin_, count);
      staged_begin_ += count;
      filled += count;
    } else if (sending_left_ > 0) {
      filled += move_payload(rest.first(std::min(rest.size(), sending_left_)));
    } else if (!begin_output()) {
      break;
    }
  }
  after_room();
  return filled;
}

/// Control frames first, then the stream whose turn it is (MUX-049).
bool SmuxSession::begin_output() {
  while (!control_.empty()) {
    if (begin_control()) {
      return true;
    }
  }
  const std::optional<std::uint32_t> stream_id = schedule_.next();
  if (!stream_id) {
    return false;
  }
  Stream* const stream = find(*stream_id);
  SSM_ASSERT(stream != nullptr);
  begin_push(*stream_id, *stream);
  return true;
}

bool SmuxSession::begin_control() {
  const Control control = control_.front();
  control_.pop_front();
  const auto found = streams_.find(control.stream_id);
  switch (control.command) {
    case SmuxCommand::nop:
      nop_queued_ = false;
      break;
    case SmuxCommand::fin:
      if (found != streams_.end() && found->second.fin_queued) {
        found->second.fin_sent = true;
        forget_if_done(found);
      }
      break;
    case SmuxCommand::upd: {
      if (found == streams_.end()) {
        return false;
      }
      Stream& stream = found->second;
      stream.update_queued = false;
      if (stream.discards || stream.fin_received) {
        return false;
      }
      stream.update_sent = true;
      stream.consumed_since_update = 0;
      stage_header(SmuxCommand::upd, smux_header_size, control.stream_id);
      const SmuxEightBytes body =
          encode(SmuxUpdate{.consumed = stream.consumed, .window = rules_.stream_window_bytes});
      std::copy(body.begin(), body.end(), staged_.begin() + smux_header_size);
      staged_end_ = staged_.size();
      return true;
    }
    case SmuxCommand::syn:
    case SmuxCommand::psh:
      break;
  }
  //= MUX-012
  stage_header(control.command, 0, control.stream_id);
  return true;
}

void SmuxSession::stage_header(SmuxCommand command, std::size_t length, std::uint32_t stream_id) {
  //= MUX-001
  const SmuxEightBytes header = encode(SmuxHeader{.version = rules_.version,
                                                  .command = command,
                                                  .length = static_cast<std::uint16_t>(length),
                                                  .stream_id = stream_id});
  std::copy(header.begin(), header.end(), staged_.begin());
  staged_begin_ = 0;
  staged_end_ = header.size();
}

void SmuxSession::begin_push(std::uint32_t stream_id, Stream& stream) {
  //= MUX-007
  const std::size_t length = std::min(sendable(stream), rules_.frame_bytes_max);
  schedule_.served(stream.share, length);
  if (length == 0) {
    // An UPD made its window smaller while it waited for its turn.
    return;
  }
  stage_header(SmuxCommand::psh, length, stream_id);
  stream.written += static_cast<std::uint32_t>(length);
  sending_ = &stream;
  sending_id_ = stream_id;
  sending_left_ = length;
}

std::size_t SmuxSession::move_payload(MutableBytes out) {
  Stream& stream = *sending_;
  const std::size_t count = stream.unsent.move_to(out);
  SSM_ASSERT(count == out.size());
  sending_left_ -= count;
  if (sending_left_ == 0) {
    sending_ = nullptr;
    schedule(sending_id_, stream);
    queue_fin_if_due(sending_id_, stream);
  }
  tell_writable(sending_id_, stream);
  return count;
}

}  // namespace ssm::protocol
