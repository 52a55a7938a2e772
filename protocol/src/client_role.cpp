#include "ssm/protocol/client_role.hpp"

#include <utility>

#include "detail/channel_status.hpp"
#include "ssm/protocol/open_data_channel.hpp"

namespace ssm::protocol {

std::string_view name(ClientEnd end) {
  switch (end) {
    case ClientEnd::channel_closed:
      return "channel_closed";
    case ClientEnd::timed_out:
      return "timed_out";
    case ClientEnd::unreachable:
      return "unreachable";
    case ClientEnd::resume_exhausted:
      return "resume_exhausted";
    case ClientEnd::unknown_session_type:
      return "unknown_session_type";
    case ClientEnd::input_lost:
      return "input_lost";
    case ClientEnd::input_finished:
      return "input_finished";
    case ClientEnd::agent_unresponsive:
      return "agent_unresponsive";
    case ClientEnd::stream_gap:
      return "stream_gap";
  }
  return "unknown";
}

ClientRole::ClientRole(ClientConfig config)
    : config_(std::move(config)),
      random_(config_.seed),
      client_id_(Uuid::random_v4(random_).to_string()),
      send_(config_.profile.channel.send),
      receive_(config_.profile.channel.receive),
      reconnect_(config_.profile.channel.reconnect),
      keepalive_({.interval = config_.profile.ping_interval,
                  .at_once = true,
                  .pong_wait = config_.profile.pong_wait}),
      gap_(config_.profile.channel.receive),
      handshake_({.rules = config_.profile.handshake,
                  .client_version = std::string(config_.profile.version),
                  .session_id = config_.session_id,
                  .encryption = config_.encryption,
                  .why_no_encryption = config_.why_no_encryption}) {}

// --- connection ---------------------------------------------------------------------------------

void ClientRole::start(Instant now) {
  SSM_ASSERT(state_ == State::idle);
  reconnect_.start();
  open(now);
}

void ClientRole::open(Instant /*now*/) {
  state_ = State::opening;
  //= TRANS-001
  outputs_.push(OpenConnection{config_.stream_url});
}

void ClientRole::connection_opened(Instant now) {
  if (state_ != State::opening) {
    return;
  }
  state_ = State::open;
  //= TRANS-007
  //= TRANS-008
  //= TRANS-011
  //= TRANS-012
  outputs_.push(SendText{serialize(OpenDataChannel{
      .request_id = Uuid::random_v4(random_).to_string(),
      .token_value = config_.token,
      .client_instance_id = std::nullopt,
      .client_id = client_id_,
      .client_version = std::string(config_.profile.version),
  })});
  //= TRANS-018
  keepalive_.opened(now);
  if (keepalive_.take_ping(now)) {
    outputs_.push(SendPing{});
  }
  look_for_gap(now);
  if (std::exchange(was_open_, true)) {
    events_.push(ConnectionRestored{});
    //= RESUME-009
    (void)publication_.on_reconnect();
    pause_ends_at_.reset();
    send_.on_resume(now);
    resend(now);
    send_pending(now);
  }
}

void ClientRole::connection_failed(std::string_view detail, Instant now) {
  if (state_ == State::opening) {
    try_again(detail, now);
  }
}

void ClientRole::connection_lost(std::string_view detail, Instant now) {
  if (state_ != State::open) {
    return;
  }
  keepalive_.closed();
  gap_.connection_lost();
  if (listener_dead_) {
    //= RESUME-020
    state_ = State::lost;
    return;
  }
  //= TRANS-024
  if (!config_.profile.resumes) {
    state_ = State::lost;
    end(ClientEnd::resume_exhausted, std::string(detail));
    return;
  }
  events_.push(ConnectionInterrupted{std::string(detail)});
  reconnect_.start();
  try_again(detail, now);
}

void ClientRole::try_again(std::string_view detail, Instant now) {
  //= RESUME-004
  //= RESUME-006
  const bool first_open_failed =
      !was_open_ && reconnect_.tries() > config_.profile.channel.reconnect.first_open_retries;
  const std::optional<Duration> delay =
      first_open_failed ? std::nullopt : reconnect_.next_delay(random_);
  if (delay) {
    state_ = State::waiting;
    retry_at_ = now + *delay;
    return;
  }
  if (config_.profile.hangs_after_last_try) {
    //= RESUME-005
    //= RESUME-007
    state_ = State::lost;
    return;
  }
  end(was_open_ ? ClientEnd::resume_exhausted : ClientEnd::unreachable, std::string(detail));
}

void ClientRole::resume_answered(std::string_view token, std::string_view stream_url, Instant now) {
  if (state_ != State::requesting) {
    return;
  }
  if (token.empty()) {
    //= RESUME-003
    end(ClientEnd::timed_out, {});
    return;
  }
  config_.token = token;
  //= RESUME-002
  if (config_.profile.adopts_resumed_url && !stream_url.empty()) {
    config_.stream_url = stream_url;
  }
  open(now);
}

void ClientRole::resume_failed(std::string_view detail, Instant now) {
  if (state_ == State::requesting) {
    try_again(detail, now);
  }
}

void ClientRole::end(ClientEnd reason, std::string text) {
  if (state_ == State::open) {
    outputs_.push(DropConnection{});
  }
  state_ = State::ended;
  end_reason_ = reason;
  retry_at_.reset();
  keepalive_.closed();
  gap_.connection_lost();
  pause_ends_at_.reset();
  end_unheard_at_.reset();
  data_key_at_.reset();
  events_.push(ClientEnded{reason, std::move(text)});
}

void ClientRole::set_reading(bool reading, Instant now) {
  reading_ = reading;
  keepalive_.set_reading(reading, now);
  look_for_gap(now);
}

void ClientRole::look_for_gap(Instant now) {
  if (state_ == State::open && reading_) {
    gap_.look(receive_.expected(), receive_.stored() > 0, now);
  } else {
    gap_.connection_lost();
  }
}

// --- time and polls -----------------------------------------------------------------------------

void ClientRole::on_timer(Instant now) {
  if (end_unheard_at_ && now >= *end_unheard_at_) {
    end(*terminating_, *terminating_ == ClientEnd::agent_unresponsive
                           ? "the other side acknowledged nothing for too long"
                           : "");
    return;
  }
  if (data_key_at_ && now >= *data_key_at_) {
    data_key_failed("KMS did not answer in time", now);
  }
  if (retry_at_ && now >= *retry_at_) {
    retry_at_.reset();
    if (was_open_) {
      //= RESUME-001
      state_ = State::requesting;
      outputs_.push(RequestResume{});
    } else {
      open(now);
    }
  }
  if (state_ != State::open) {
    return;
  }
  if (keepalive_.dead(now)) {
    outputs_.push(DropConnection{});
    connection_lost("no pong", now);
    return;
  }
  if (gap_.expired(now)) {
    end(ClientEnd::stream_gap, describe_gap());
    return;
  }
  if (pause_ends_at_ && now >= *pause_ends_at_) {
    after_pause(publication_.on_start(), now);
  }
  if (keepalive_.take_ping(now)) {
    outputs_.push(SendPing{});
  }
  resend(now);
}

std::optional<Instant> ClientRole::next_timeout() const {
  std::optional<Instant> next = earliest(earliest(retry_at_, end_unheard_at_), data_key_at_);
  if (state_ == State::open) {
    next = earliest(next, earliest(keepalive_.next_timeout(), gap_.next_timeout()));
    next = earliest(next, pause_ends_at_);
    return holds_back() ? next : earliest(next, send_.next_timeout());
  }
  return next;
}

std::string ClientRole::describe_gap() const {
  return "message " + std::to_string(receive_.expected()) + " never came, while " +
         std::to_string(receive_.stored()) + " later ones did" +
         (receive_.expected() == 0 ? "; was the session begun by another client?" : "");
}

ChannelStatus ClientRole::status() const {
  return detail::channel_status(state_, send_, receive_);
}

}  // namespace ssm::protocol
