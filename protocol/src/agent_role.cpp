#include "ssm/protocol/agent_role.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "detail/channel_status.hpp"
#include "ssm/protocol/agent_session_state.hpp"
#include "ssm/protocol/open_data_channel.hpp"

namespace ssm::protocol {
namespace {

constexpr std::string_view already_terminated = "Session is already terminated";

/// The service ended the session, or the program did not run: hardly anybody waits for output.
constexpr Duration unwanted_output_limit = std::chrono::seconds(2);

/// Before the client is taken for one that does not acknowledge copies: messages can be lost one by
/// one, and a lost copy looks the same.
constexpr int ignored_copies_wanted = 2;
/// Stragglers are waited for so many times as long when it is not known whether the client
/// acknowledges copies.
constexpr int unknown_client_factor = 12;

}  // namespace

std::string_view name(AgentEnd end) {
  switch (end) {
    case AgentEnd::success:
      return "success";
    case AgentEnd::cancelled:
      return "cancelled";
    case AgentEnd::failed:
      return "failed";
  }
  return "unknown";
}

AgentRole::AgentRole(AgentConfig config)
    : config_(std::move(config)),
      random_(config_.seed),
      send_(config_.profile.channel.send),
      receive_(config_.profile.channel.receive),
      reconnect_(config_.profile.channel.reconnect),
      keepalive_({.interval = config_.profile.ping_interval,
                  .at_once = false,
                  .pong_wait = config_.profile.pong_wait,
                  .misses_unread_pongs = config_.profile.misses_unread_pongs}),
      handshake_({.rules = config_.profile.handshake,
                  .agent_version = std::string(config_.profile.version),
                  .session_id = config_.session_id,
                  .instance_id = config_.instance_id,
                  .session = config_.session,
                  .secret = config_.secret}) {}

// --- connection ---------------------------------------------------------------------------------

void AgentRole::start(Instant now) {
  SSM_ASSERT(state_ == State::idle);
  reconnect_.start();
  request_id_ = Uuid::random_v4(random_).to_string();
  try_again("not tried", now);
}

void AgentRole::request_channel(Instant /*now*/) {
  //= TRANS-025
  //= RESUME-011
  //= RESUME-015
  state_ = State::requesting;
  outputs_.push(RequestDataChannel{request_id_});
}

void AgentRole::channel_created(std::string_view token, Instant /*now*/) {
  if (state_ != State::requesting) {
    return;
  }
  token_ = token;
  state_ = State::opening;
  outputs_.push(OpenConnection{});
}

void AgentRole::channel_refused(std::string_view detail, Instant now) {
  if (state_ != State::requesting) {
    return;
  }
  //= RESUME-013
  if (detail.find(already_terminated) != std::string_view::npos) {
    give_up(AgentEnd::cancelled, detail, now);
    return;
  }
  try_again(detail, now);
}

void AgentRole::connection_failed(std::string_view detail, Instant now) {
  if (state_ == State::opening) {
    try_again(detail, now);
  }
}

void AgentRole::connection_lost(std::string_view detail, Instant now) {
  if (state_ != State::open) {
    return;
  }
  stragglers_until_.reset();
  watched_copy_.reset();
  keepalive_.closed();
  if (listener_dead_) {
    //= RESUME-020
    state_ = State::lost;
    return;
  }
  //= TRANS-024
  if (ending_ && *ending_ != AgentEnd::success) {
    complete_end(now);
    return;
  }
  reconnect_.start();
  request_id_ = Uuid::random_v4(random_).to_string();
  try_again(detail, now);
}

void AgentRole::try_again(std::string_view detail, Instant now) {
  //= RESUME-012
  //= RESUME-014
  const bool first_open_failed =
      !was_open_ && reconnect_.tries() > config_.profile.channel.reconnect.first_open_retries;
  const std::optional<Duration> delay =
      first_open_failed ? std::nullopt : reconnect_.next_delay(random_);
  if (!delay) {
    give_up(AgentEnd::failed, detail, now);
  } else if (*delay == Duration::zero()) {
    request_channel(now);
  } else {
    state_ = State::waiting;
    retry_at_ = now + *delay;
  }
}

void AgentRole::give_up(AgentEnd reason, std::string_view detail, Instant now) {
  state_ = State::lost;
  if (ending_) {
    complete_end(now);
  } else if (was_open_ && config_.profile.goes_on_without_channel && reason == AgentEnd::failed) {
    given_up_ = AgentEnded{reason, "The data channel was lost: " + std::string(detail)};
  } else if (was_open_) {
    given_up_ = AgentEnded{reason, "The data channel was lost: " + std::string(detail)};
    events_.push(ChannelClosedByService{given_up_->text});
  } else {
    begin_end(
        AgentEnd::failed,
        "Setting up data channel with id " + config_.session_id + " failed: " + std::string(detail),
        now);
  }
}

void AgentRole::connection_opened(Instant now) {
  if (state_ != State::opening) {
    return;
  }
  state_ = State::open;
  //= TRANS-009
  outputs_.push(SendText{serialize(OpenDataChannel{
      .request_id = Uuid::random_v4(random_).to_string(),
      .token_value = token_,
      .client_instance_id = config_.instance_id,
      .client_id = "",
      .client_version = std::nullopt,
  })});
  //= TRANS-019
  keepalive_.opened(now);
  if (!std::exchange(was_open_, true)) {
    //= HS-005
    send_state("Connected", now);
    handshake_.start(now);
    follow_handshake(now);
    return;
  }
  //= FLOW-008
  //= RESUME-009
  //= RESUME-010
  publication_.on_reconnect();
  after_pause(true, now);
}

void AgentRole::follow_handshake(Instant now) {
  while (auto step = handshake_.poll_step()) {
    if (auto* const send = std::get_if<AgentHandshake::Send>(&*step)) {
      //= HS-018
      transmit(send->type, as_bytes(send->payload), now);
    } else if (auto* const key = std::get_if<DecryptDataKey>(&*step)) {
      outputs_.push(std::move(*key));
    } else if (const auto* const failed = std::get_if<AgentHandshake::Failed>(&*step)) {
      //= HS-029
      fail("Encountered error while initiating handshake. " + failed->text, now);
    } else {
      connected_ = true;
      events_.push(AgentConnected{handshake_.client_version()});
    }
  }
}

// --- end ----------------------------------------------------------------------------------------

void AgentRole::finish(Instant now) {
  begin_end(AgentEnd::success, {}, now);
}

void AgentRole::cancelled(Instant now) {
  if (given_up_) {
    begin_end(given_up_->reason, given_up_->text, now);
  } else {
    begin_end(AgentEnd::cancelled, {}, now);
  }
}

void AgentRole::fail(std::string_view text, Instant now) {
  begin_end(AgentEnd::failed, text, now);
}

void AgentRole::begin_end(AgentEnd reason, std::string_view text, Instant now) {
  if (ending_ || state_ == State::ended) {
    return;
  }
  ending_ = reason;
  end_text_ = text;
  //= SHELL-020
  //= SHELL-021
  drain_until_ = now + (reason == AgentEnd::success
                            ? config_.profile.drain_limit
                            : std::min(config_.profile.drain_limit, unwanted_output_limit));
  const bool nobody_listens = state_ != State::open && reason != AgentEnd::success;
  if (send_.in_flight() == 0 || nobody_listens || state_ == State::lost) {
    complete_end(now);
  }
  watch_stragglers(now);
}

void AgentRole::watch_stragglers(Instant now) {
  const bool only_stragglers = drain_until_ && state_ == State::open && !publication_.paused() &&
                               send_.in_flight() > 0 && send_.newest_acknowledged() &&
                               config_.profile.straggler_limit > Duration::zero();
  //= SEQ-007
  //= SEQ-008
  if (!only_stragglers || acknowledges_copies_) {
    stragglers_until_.reset();
    return;
  }
  stragglers_until_ =
      now + config_.profile.straggler_limit * (ignores_copies() ? 1 : unknown_client_factor);
}

bool AgentRole::ignores_copies() const {
  return !acknowledges_copies_ && ignored_copies_ >= ignored_copies_wanted;
}

void AgentRole::note_acknowledged(std::int64_t sequence, bool known) {
  acknowledges_copies_ =
      acknowledges_copies_ || (!known && sequence >= 0 && sequence < send_.next_sequence());
  if (!watched_copy_) {
    return;
  }
  if (send_.oldest() != watched_copy_->sequence) {
    watched_copy_.reset();
  } else if (known && sequence >= watched_copy_->next) {
    ++ignored_copies_;
    watched_copy_.reset();
  }
}

void AgentRole::complete_end(Instant now) {
  drain_until_.reset();
  stragglers_until_.reset();
  retry_at_.reset();
  keepalive_.closed();
  if (state_ == State::open) {
    //= SHELL-020
    //= SHELL-024
    if (*ending_ == AgentEnd::success) {
      send_state("Terminating", now);
    }
    //= CLOSE-009
    //= TRANS-023
    outputs_.push(DropConnection{});
  }
  state_ = State::ended;
  events_.push(AgentEnded{*ending_, end_text_});
}

// --- time and polls -----------------------------------------------------------------------------

void AgentRole::on_timer(Instant now) {
  if (state_ == State::ended) {
    return;
  }
  if (stragglers_until_ && now >= *stragglers_until_ && ignores_copies()) {
    complete_end(now);
    return;
  }
  if (const auto limit = earliest(drain_until_, stragglers_until_); limit && now >= *limit) {
    if (config_.profile.reports_lost_output && *ending_ == AgentEnd::success) {
      ending_ = AgentEnd::failed;
      end_text_ = "The last output was not acknowledged by the client; some of it may be lost.";
    }
    complete_end(now);
    return;
  }
  if (!ending_) {
    handshake_.on_timer(now);
    follow_handshake(now);
  }
  if (retry_at_ && now >= *retry_at_) {
    retry_at_.reset();
    request_channel(now);
  }
  if (state_ != State::open) {
    return;
  }
  if (keepalive_.dead(now)) {
    //= TRANS-020
    outputs_.push(DropConnection{});
    connection_lost("no pong", now);
    return;
  }
  if (keepalive_.take_ping(now)) {
    outputs_.push(SendPing{});
  }
  resend(now);
}

std::optional<Instant> AgentRole::next_timeout() const {
  if (state_ == State::ended) {
    return std::nullopt;
  }
  std::optional<Instant> next = earliest(earliest(drain_until_, stragglers_until_), retry_at_);
  if (!ending_) {
    next = earliest(next, handshake_.next_timeout());
  }
  if (state_ == State::open) {
    next = earliest(next, keepalive_.next_timeout());
    if (!publication_.paused()) {
      next = earliest(next, send_.next_timeout());
    }
  }
  return next;
}

ChannelStatus AgentRole::status() const {
  return detail::channel_status(state_, send_, receive_);
}

}  // namespace ssm::protocol
