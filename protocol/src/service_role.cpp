#include "ssm/protocol/service_role.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include "detail/outgoing.hpp"
#include "ssm/protocol/agent_session_state.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/codec.hpp"

namespace ssm::protocol {
namespace {

/// The service judges nothing that the ends judge themselves: it reads the structure only, so that
/// defective peers reach each other as they would through AWS.
constexpr MessageRules relay_rules{.check_digest = false};

/// WebSocket close codes.
constexpr std::uint16_t normal_closure = 1000;
constexpr std::uint16_t policy_violation = 1008;

/// Which end may send which type. Forged service messages are refused.
enum class Route : std::uint8_t { relay, consume, refuse };

Route route(Side from, const MessageView& message) {
  switch (message.type) {
    case MessageType::agent_session_state:
      return from == Side::agent ? Route::consume : Route::refuse;
    case MessageType::channel_closed:
    case MessageType::pause_publication:
    case MessageType::start_publication:
      return Route::refuse;
    default:
      return Route::relay;
  }
}

/// "2026-11-22T15:30:00Z".
std::string iso8601(std::int64_t unix_ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(unix_ms)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

bool is_stream_data(MessageType type) {
  return type == MessageType::input_stream_data || type == MessageType::output_stream_data;
}

}  // namespace

ServiceRole::ServiceRole(ServiceConfig config)
    : config_(std::move(config)), random_(config_.seed) {}

void ServiceRole::start(Instant now) {
  started_at_ = now;
  last_data_ = now;
  for (End& one : ends_) {
    one.since = now;
  }
  publish_status();
}

void ServiceRole::attached(Side side, Instant now) {
  End& joined = end(side);
  joined.attached = true;
  joined.since = now;
  joined.closing = false;
  joined.rate_paused = false;
  const bool first = !std::exchange(joined.seen, true);
  if (over_) {
    // Late: give it what there is and tell it why, then close.
    deliver_held(side);
    send_channel_closed(side, now);
    close(side, 0, {});
    if (side == Side::client) {
      late_until_.reset();
    }
    return;
  }
  deliver_held(side);
  if (config_.rules.publication_control && end(Side::agent).attached) {
    if (side == Side::client && !first) {
      //= CTL-024
      send_publication(Side::agent, MessageType::start_publication, now);
    } else if (side == Side::agent && end(Side::client).seen && !end(Side::client).attached) {
      send_publication(Side::agent, MessageType::pause_publication, now);
    }
  }
  publish_status();
}

void ServiceRole::deliver_held(Side side) {
  //= CTL-022
  //= CTL-023
  End& joined = end(side);
  for (Frame& frame : joined.held) {
    outputs_.push(Deliver{side, std::move(frame)});
  }
  joined.held.clear();
  joined.held_bytes = 0;
}

void ServiceRole::close(Side side, std::uint16_t code, std::string reason) {
  end(side).closing = true;
  outputs_.push(CloseSide{side, code, std::move(reason)});
}

void ServiceRole::detached(Side side, Instant now) {
  End& left = end(side);
  if (!left.attached) {
    return;
  }
  left.attached = false;
  left.since = now;
  if (over_) {
    return;
  }
  if (side == Side::client && config_.rules.publication_control && end(Side::agent).attached) {
    //= CTL-024
    send_publication(Side::agent, MessageType::pause_publication, now);
  }
  publish_status();
}

void ServiceRole::receive(Side from, Frame message, Instant now) {
  const Result<MessageView> decoded = decode(message.bytes(), relay_rules);
  if (!decoded) {
    events_.push(MessageRefused{from, decoded.error()});
    return;
  }
  const MessageView& view = *decoded;
  switch (route(from, view)) {
    case Route::refuse:
      events_.push(MessageRefused{from, Error(Errc::malformed_field, 4,
                                              std::string(view.type_text) + " is not for the " +
                                                  std::string(name(from)) + " to send")});
      return;
    case Route::consume: {
      const Result<AgentSessionState> state = parse_agent_session_state(view.payload);
      if (!state) {
        events_.push(MessageRefused{from, state.error()});
      } else if (state->session_state == "Terminating" && !over_) {
        //= CTL-019
        finish({}, false, false, now);
      }
      return;
    }
    case Route::relay:
      if (is_stream_data(view.type)) {
        last_data_ = now;
      }
      if (!over_) {
        relay(from, std::move(message));
        watch_rate(from, now);
      }
      return;
  }
}

void ServiceRole::relay(Side from, Frame message) {
  End& source = end(from);
  ++source.relayed;
  End& target = end(other(from));
  if (target.attached) {
    //= CTL-021
    outputs_.push(Deliver{other(from), std::move(message)});
    return;
  }
  const std::size_t size = message.size();
  if (target.held.size() >= config_.rules.held_messages ||
      target.held_bytes + size > config_.rules.held_bytes) {
    ++target.dropped;
    return;
  }
  target.held_bytes += size;
  target.held.push_back(std::move(message));
}

// --- rate and age of connections ----------------------------------------------------------------

Duration ServiceRole::rate_tolerance() const {
  const ServiceRules& rules = config_.rules;
  const std::uint32_t burst = rules.rate_burst == 0 ? rules.rate_limit : rules.rate_burst;
  return Duration(std::chrono::seconds(burst)) / rules.rate_limit;
}

void ServiceRole::watch_rate(Side from, Instant now) {
  if (config_.rules.rate_limit == 0) {
    return;
  }
  End& source = end(from);
  const Duration price = Duration(std::chrono::seconds(1)) / config_.rules.rate_limit;
  source.rate_debt = std::max(source.rate_debt, now) + price;
  if (source.rate_debt - now <= rate_tolerance() || source.closing || source.rate_paused ||
      !source.attached) {
    return;
  }
  if (config_.rules.rate_action == RateAction::close) {
    close(from, policy_violation, "message rate exceeded");
  } else {
    source.rate_paused = true;
    send_publication(from, MessageType::pause_publication, now);
  }
}

std::optional<Instant> ServiceRole::rate_pause_ends(const End& one) const {
  return one.rate_paused ? std::optional(one.rate_debt - rate_tolerance() / 2) : std::nullopt;
}

void ServiceRole::end_rate_pauses(Instant now) {
  for (const Side side : {Side::client, Side::agent}) {
    End& one = end(side);
    const auto ends = rate_pause_ends(one);
    if (!ends || now < *ends) {
      continue;
    }
    one.rate_paused = false;
    // While its client is away an agent stays paused.
    if (one.attached && (side == Side::client || end(Side::client).attached)) {
      send_publication(side, MessageType::start_publication, now);
    }
  }
}

void ServiceRole::recycle(Instant now) {
  for (const Side side : {Side::client, Side::agent}) {
    const End& one = end(side);
    if (config_.rules.recycle_after > Duration::zero() && one.attached && !one.closing &&
        now >= one.since + config_.rules.recycle_after) {
      close(side, normal_closure, {});
    }
  }
}

// --- end ----------------------------------------------------------------------------------------

void ServiceRole::terminate(std::string_view text, bool failed, Instant now) {
  if (!over_) {
    finish(std::string(text), failed, true, now);
  }
}

void ServiceRole::finish(std::string text, bool failed, bool tell_agent, Instant now) {
  over_ = true;
  output_text_ = std::move(text);
  const End& client = end(Side::client);
  // One that has not come yet may be on its way; it should learn why the agent ended so soon,
  // rather than be refused. Nobody comes after a TerminateSession.
  const bool expected = client.seen || failed || !tell_agent;
  if (expected && !client.attached && config_.rules.resume_grace > Duration::zero()) {
    late_until_ = now + config_.rules.resume_grace;
  }
  for (const Side side : {Side::client, Side::agent}) {
    if (side == Side::agent || !late_until_) {
      end(side).held.clear();
      end(side).held_bytes = 0;
    }
  }
  events_.push(ServiceEnded{failed, output_text_});
  //= CLOSE-007
  if (end(Side::client).attached) {
    send_channel_closed(Side::client, now);
  }
  //= CTL-020
  if (tell_agent && end(Side::agent).attached) {
    send_channel_closed(Side::agent, now);
  }
  close_at_ = now + config_.rules.close_linger;
}

template <class Visit>
void ServiceRole::for_each_limit(Visit visit) const {
  const ServiceRules& rules = config_.rules;
  const auto after = [&visit](Instant since, Duration limit, std::string_view text, bool failed) {
    if (limit > Duration::zero()) {
      visit(since + limit, text, failed);
    }
  };
  const End& client = end(Side::client);
  const End& agent = end(Side::agent);
  if (!agent.attached) {
    //= SVC-052
    after(agent.since, agent.seen ? rules.agent_absence_limit : rules.agent_join_limit,
          agent.seen ? "The agent's connection was lost." : "The agent did not join the session.",
          true);
  }
  if (!client.attached) {
    //= SVC-053
    after(client.since, client.seen ? rules.client_absence_limit : rules.client_join_limit, "",
          false);
  }
  //= SVC-050
  after(last_data_, rules.idle_timeout, "Your session timed out due to inactivity.", false);
  //= SVC-051
  after(started_at_, rules.max_duration, "Your session reached its maximum duration.", false);
}

void ServiceRole::on_timer(Instant now) {
  if (over_) {
    if (late_until_ && now >= *late_until_) {
      late_until_.reset();
      end(Side::client).held.clear();
    }
    if (close_at_ && now >= *close_at_) {
      close_at_.reset();
      for (const Side side : {Side::client, Side::agent}) {
        if (end(side).attached) {
          close(side, 0, {});
        }
      }
    }
    return;
  }
  std::optional<std::pair<std::string_view, bool>> reached;
  for_each_limit([&](Instant at, std::string_view text, bool failed) {
    if (!reached && now >= at) {
      reached.emplace(text, failed);
    }
  });
  if (reached) {
    finish(std::string(reached->first), reached->second, true, now);
    return;
  }
  end_rate_pauses(now);
  recycle(now);
}

std::optional<Instant> ServiceRole::next_timeout() const {
  if (over_) {
    return earliest(close_at_, late_until_);
  }
  std::optional<Instant> next;
  for_each_limit([&](Instant at, std::string_view, bool) { next = earliest(next, at); });
  for (const End& one : ends_) {
    next = earliest(next, rate_pause_ends(one));
    if (config_.rules.recycle_after > Duration::zero() && one.attached && !one.closing) {
      next = earliest(next, one.since + config_.rules.recycle_after);
    }
  }
  return next;
}

void ServiceRole::publish_status() {
  const bool both = end(Side::client).attached && end(Side::agent).attached;
  const bool started = end(Side::client).seen && end(Side::agent).seen;
  const ServiceStatus status = both      ? ServiceStatus::connected
                               : started ? ServiceStatus::disconnected
                                         : ServiceStatus::connecting;
  if (published_ != status) {
    published_ = status;
    events_.push(StatusChanged{status});
  }
}

Frame ServiceRole::make(MessageType type, Bytes payload, Instant now) {
  const auto created = static_cast<std::uint64_t>(config_.epoch.unix_ms(now));
  if (!payload.empty()) {
    return detail::make_control(type, payload, 0, created, random_);
  }
  Result<Frame> frame = encode_form({.type = wire_name(type),
                                     .created_date_ms = created,
                                     .sequence_number = 0,
                                     .flags = 0,
                                     .message_id = Uuid::random_v4(random_),
                                     .payload_type = PayloadType::none},
                                    payload, {.allow_empty_payload = true});
  SSM_ASSERT(frame.has_value());
  return std::move(*frame);
}

void ServiceRole::publish(Side side, bool pause, Instant now) {
  if (end(side).attached) {
    send_publication(side, pause ? MessageType::pause_publication : MessageType::start_publication,
                     now);
  }
}

void ServiceRole::send_publication(Side to, MessageType type, Instant now) {
  outputs_.push(Deliver{to, make(type, {}, now)});
}

void ServiceRole::send_channel_closed(Side to, Instant now) {
  const ChannelClosed closed{
      .message_type = std::string(wire_name(MessageType::channel_closed)),
      .message_id = Uuid::random_v4(random_).to_string(),
      .destination_id = config_.target,
      .session_id = config_.session_id,
      .schema_version = 1,
      .created_date = iso8601(config_.epoch.unix_ms(now)),
      .output = to == Side::client ? output_text_ : std::string(),
  };
  const std::string payload = serialize(closed);
  outputs_.push(Deliver{to, make(MessageType::channel_closed, as_bytes(payload), now)});
}

}  // namespace ssm::protocol
