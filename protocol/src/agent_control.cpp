#include "ssm/protocol/agent_control.hpp"

#include <algorithm>
#include <utility>

#include "detail/outgoing.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/open_control_channel.hpp"

namespace ssm::protocol {
namespace {

using namespace std::chrono_literals;

/// Far more than run at once (amazon-ssm-agent runs at most 1000).
constexpr std::size_t max_known_sessions = 4096;
constexpr std::size_t max_completions = 4096;
/// Of the error text that is reported to the service (amazon-ssm-agent
/// agent/session/config/config.go limits the whole reply).
constexpr std::size_t max_output_bytes = 65536;

std::string_view final_status(AgentEnd end) {
  switch (end) {
    case AgentEnd::success:
      return "Success";
    case AgentEnd::cancelled:
      return "Cancelled";
    case AgentEnd::failed:
      return "Failed";
  }
  return "Failed";
}

Duration random_below(Random& random, Duration bound) {
  return bound > Duration::zero() ? Duration(static_cast<Duration::rep>(
                                        random.below(static_cast<std::uint64_t>(bound.count()))))
                                  : Duration::zero();
}

}  // namespace

AgentControlRules agent_control_rules(const AgentProfile& profile) {
  AgentControlRules rules;
  if (profile.name != "strict") {
    rules.retry_min = 5s;
    rules.retry_jitter = 5s;
    rules.retry_max = 40min;
    rules.reopen_below = 2500ms;
    rules.shortest_life = 0s;
  }
  rules.keepalive.interval = profile.ping_interval;
  rules.keepalive.pong_wait = profile.pong_wait;
  return rules;
}

AgentControl::AgentControl(AgentControlConfig config)
    : config_(std::move(config)), random_(config_.seed), keepalive_(config_.rules.keepalive) {}

// --- connecting ---------------------------------------------------------------------------------

void AgentControl::start(Instant /*now*/) {
  if (state_ == ConnectionState::idle || state_ == ConnectionState::ended) {
    failures_ = 0;
    request();
  }
}

void AgentControl::request() {
  state_ = ConnectionState::requesting;
  retry_at_.reset();
  outputs_.push(RequestControlChannel{Uuid::random_v4(random_).to_string()});
}

void AgentControl::channel_created(std::string token, Instant /*now*/) {
  if (state_ == ConnectionState::requesting) {
    token_ = std::move(token);
    state_ = ConnectionState::opening;
    outputs_.push(OpenConnection{});
  }
}

//= CTL-003
void AgentControl::channel_refused(std::string_view answer, Instant now) {
  if (state_ == ConnectionState::requesting) {
    //= CTL-004
    const bool denied = answer.find("<AccessDeniedException>") != std::string_view::npos;
    wait(std::string(answer), next_delay(), denied, now);
  }
}

void AgentControl::connection_failed(std::string_view reason, Instant now) {
  if (state_ == ConnectionState::opening) {
    wait(std::string(reason), next_delay(), false, now);
  }
}

void AgentControl::connection_opened(Instant now) {
  if (state_ != ConnectionState::opening) {
    return;
  }
  state_ = ConnectionState::open;
  opened_at_ = now;
  carried_something_ = false;
  keepalive_.opened(now);
  //= CTL-006
  outputs_.push(
      SendText{serialize(OpenControlChannel{.request_id = Uuid::random_v4(random_).to_string(),
                                            .token_value = std::exchange(token_, {}),
                                            .agent_version = config_.version,
                                            .platform_type = config_.platform_type})});
  events_.push(ControlOpened{});
  for (Completion& completion : completions_) {
    completion.due = now;
  }
  send_due(now);
}

//= CTL-008
void AgentControl::connection_lost(std::string_view reason, Instant now) {
  if (state_ != ConnectionState::open) {
    return;
  }
  keepalive_.closed();
  for (Completion& completion : completions_) {
    completion.due.reset();
  }
  const bool short_lived = !carried_something_ && now - opened_at_ < config_.rules.shortest_life;
  if (!short_lived) {
    failures_ = 0;
  }
  wait(std::string(reason),
       short_lived ? next_delay() : random_below(random_, config_.rules.reopen_below), false, now);
}

void AgentControl::wait(std::string reason, Duration delay, bool denied, Instant now) {
  state_ = ConnectionState::waiting;
  token_.clear();
  retry_at_ = now + delay;
  events_.push(ControlLost{std::move(reason), delay, denied});
}

Duration AgentControl::next_delay() {
  const AgentControlRules& rules = config_.rules;
  if (failures_ == 0) {
    first_delay_ = rules.retry_min + random_below(random_, rules.retry_jitter);
  }
  Duration delay = first_delay_;
  for (std::uint32_t i = 0; i < failures_ && delay < rules.retry_max; ++i) {
    delay *= 2;
  }
  ++failures_;
  const Duration spread = delay * rules.retry_spread_percent / 100;
  delay += random_below(random_, 2 * spread) - spread;
  return std::min(delay, rules.retry_max);
}

void AgentControl::stop() {
  if (state_ == ConnectionState::open) {
    outputs_.push(DropConnection{});
  }
  state_ = ConnectionState::ended;
  keepalive_.closed();
  retry_at_.reset();
  token_.clear();
  for (Completion& completion : completions_) {
    completion.due.reset();
  }
}

void AgentControl::pong_received(Instant now) {
  carried_something_ = true;
  keepalive_.pong(now);
}

// --- messages -----------------------------------------------------------------------------------

void AgentControl::receive(Bytes message, Instant /*now*/) {
  if (state_ != ConnectionState::open) {
    return;
  }
  const Result<MessageView> view = parse(message, strict_message_rules);
  if (!view) {
    return refuse(view.error());
  }
  carried_something_ = true;
  switch (view->type) {
    case MessageType::interactive_shell:
      return receive_task(view->payload);
    case MessageType::agent_task_acknowledge:
      return receive_acknowledge(view->payload);
    case MessageType::channel_closed: {
      Result<ChannelClosed> closed = parse_channel_closed(view->payload);
      if (!closed) {
        return refuse(closed.error());
      }
      //= CTL-020
      // Its order may still be on the way, after a reconnection; it must not start then.
      remember(closed->session_id);
      events_.push(SessionCancelled{std::move(closed->session_id)});
      return;
    }
    default:
      // Run Command and what later services may send: not for this agent, and no reason to stop.
      return;
  }
}

void AgentControl::receive_task(Bytes payload) {
  Result<InteractiveShell> shell = parse_interactive_shell(payload);
  if (!shell) {
    return refuse(shell.error());
  }
  if (shell->content.session_id.empty()) {
    return refuse(Error(Errc::malformed_field, 0, "Content: SessionId is missing"));
  }
  if (remember(shell->content.session_id)) {
    events_.push(SessionOrdered{std::move(shell->content)});
  }
}

bool AgentControl::remember(const std::string& session_id) {
  if (!known_.insert(session_id).second) {
    return false;
  }
  known_order_.push_back(session_id);
  if (known_order_.size() > max_known_sessions) {
    known_.erase(known_order_.front());
    known_order_.pop_front();
  }
  return true;
}

// --- how sessions ended -------------------------------------------------------------------------

void AgentControl::session_ended(std::string_view session_id, AgentEnd end, std::string_view text,
                                 Instant now) {
  const std::string payload =
      serialize(AgentTaskComplete{.task_id = std::string(session_id),
                                  .topic = "agent_task_complete",
                                  .final_task_status = std::string(final_status(end)),
                                  .aws_account_id = {},
                                  .instance_id = config_.instance_id,
                                  .output = std::string(text.substr(0, max_output_bytes)),
                                  .s3_bucket = {},
                                  .s3_url_suffix = {},
                                  .cwl_group = {},
                                  .cwl_stream = {}});
  Completion& completion = completions_.emplace_back();
  completion.session_id = session_id;
  completion.message =
      detail::make_control(MessageType::agent_task_complete, as_bytes(payload), 0,
                           static_cast<std::uint64_t>(config_.epoch.unix_ms(now)), random_);
  const Result<MessageView> view = decode(completion.message.bytes());
  SSM_ASSERT(view.has_value());
  completion.message_id = view->message_id.to_string();
  if (completions_.size() > max_completions) {
    events_.push(CompletionUnacknowledged{std::move(completions_.front().session_id)});
    completions_.pop_front();
  }
  if (state_ == ConnectionState::open) {
    completions_.back().due = now;
    send_due(now);
  }
}

//= CTL-016
void AgentControl::send_due(Instant now) {
  for (Completion& completion : completions_) {
    if (!completion.due || now < *completion.due) {
      continue;
    }
    if (completion.sends < config_.rules.complete_sends) {
      ++completion.sends;
      completion.due = now + config_.rules.complete_interval;
      outputs_.push(SendBinary{completion.message});
    } else {
      events_.push(CompletionUnacknowledged{std::move(completion.session_id)});
      completion.session_id.clear();
    }
  }
  std::erase_if(completions_, [](const Completion& c) { return c.session_id.empty(); });
}

void AgentControl::receive_acknowledge(Bytes payload) {
  const Result<AgentTaskAcknowledge> acknowledge = parse_agent_task_acknowledge(payload);
  if (!acknowledge) {
    return refuse(acknowledge.error());
  }
  std::erase_if(completions_, [&acknowledge](const Completion& c) {
    return c.message_id == acknowledge->message_id;
  });
}

// --- time ---------------------------------------------------------------------------------------

void AgentControl::on_timer(Instant now) {
  if (state_ == ConnectionState::waiting && retry_at_ && now >= *retry_at_) {
    request();
    return;
  }
  if (state_ != ConnectionState::open) {
    return;
  }
  if (keepalive_.dead(now)) {
    outputs_.push(DropConnection{});
    connection_lost("no pong from the service", now);
    return;
  }
  if (keepalive_.take_ping(now)) {
    outputs_.push(SendPing{});
  }
  send_due(now);
}

std::optional<Instant> AgentControl::next_timeout() const {
  std::optional<Instant> next = earliest(retry_at_, keepalive_.next_timeout());
  for (const Completion& completion : completions_) {
    next = earliest(next, completion.due);
  }
  return next;
}

}  // namespace ssm::protocol
