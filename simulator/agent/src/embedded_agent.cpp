#include "ssm/agent/embedded_agent.hpp"

#include <utility>

#include "detail/program_factory.hpp"

namespace ssm::agent {

EmbeddedAgent::EmbeddedAgent(net::EventLoop& loop, AgentOptions options, OnEnded on_ended)
    : loop_(loop), options_(std::move(options)), on_ended_(std::move(on_ended)) {}

EmbeddedAgent::~EmbeddedAgent() = default;

void EmbeddedAgent::start_session(const protocol::SessionTask& task) {
  if (sessions_.find(task.session_id) != sessions_.end()) {
    return;
  }
  auto plan = make_session_plan(task, options_.profile);
  if (!plan) {
    if (!plan.error().unreadable) {
      refuse(task.session_id, plan.error().text);
    } else if (options_.profile.name == protocol::find_agent_profile("strict")->name) {
      refuse(task.session_id, "The session task cannot be read: " + plan.error().text);
    }
    return;
  }
  AgentSessionOptions session{.endpoint = options_.endpoint,
                              .session_id = task.session_id,
                              .instance_id = options_.instance_id,
                              .profile = options_.profile,
                              .description = plan->description,
                              .sign = options_.sign,
                              .seed = options_.seed + started_++};
  sessions_.emplace(
      task.session_id,
      std::make_unique<AgentSession>(
          loop_, std::move(session), detail::make_program(loop_, std::move(*plan), options_),
          [this, id = task.session_id](protocol::AgentEnd reason, const std::string& text) {
            session_ended(std::string(id), reason, text);
          }));
}

void EmbeddedAgent::cancel_session(std::string_view session_id) {
  const auto session = sessions_.find(session_id);
  if (session != sessions_.end()) {
    session->second->cancel();
  }
}

void EmbeddedAgent::set_stalled(bool stalled) {
  for (const auto& [id, session] : sessions_) {
    session->set_stalled(stalled);
  }
}

void EmbeddedAgent::refuse(const std::string& session_id, std::string text) {
  loop_.post([this, alive = std::weak_ptr<bool>(alive_), session_id, reason = std::move(text)] {
    if (!alive.expired()) {
      session_ended(session_id, protocol::AgentEnd::failed, reason);
    }
  });
}

void EmbeddedAgent::session_ended(const std::string& session_id, protocol::AgentEnd reason,
                                  const std::string& text) {
  sessions_.erase(session_id);
  // A copy: the callback may destroy this object.
  const OnEnded callback = on_ended_;
  callback(session_id, reason, text);
}

}  // namespace ssm::agent
