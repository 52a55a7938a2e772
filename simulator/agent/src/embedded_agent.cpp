#include "ssm/agent/embedded_agent.hpp"

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <utility>

namespace ssm::agent {
namespace {

/// `sessionType` of a session document; empty if it has none.
std::string session_type(const std::string& document_content) {
  boost::system::error_code error;
  const boost::json::value document = boost::json::parse(document_content, error);
  if (error || !document.is_object()) {
    return {};
  }
  const boost::json::value* type = document.as_object().if_contains("sessionType");
  return type != nullptr && type->is_string() ? std::string(type->as_string()) : std::string();
}

}  // namespace

EmbeddedAgent::EmbeddedAgent(net::EventLoop& loop, AgentOptions options, OnEnded on_ended)
    : loop_(loop), options_(std::move(options)), on_ended_(std::move(on_ended)) {}

EmbeddedAgent::~EmbeddedAgent() = default;

void EmbeddedAgent::start_session(const protocol::SessionTask& task) {
  if (sessions_.find(task.session_id) != sessions_.end()) {
    return;
  }
  const std::string type = session_type(task.document_content);
  if (type != "Standard_Stream") {
    refuse(
        task.session_id,
        fmt::format("session type {} is not supported by this agent, only Standard_Stream", type));
  } else {
    start_shell(task.session_id);
  }
}

void EmbeddedAgent::start_shell(const std::string& session_id) {
  sessions_.emplace(
      session_id, std::make_unique<ShellSession>(
                      loop_,
                      ShellSessionOptions{.endpoint = options_.endpoint,
                                          .session_id = session_id,
                                          .instance_id = options_.instance_id,
                                          .profile = options_.profile,
                                          .argv = options_.shell,
                                          .environment = shell_environment(own_environment()),
                                          .sign = options_.sign,
                                          .seed = options_.seed + started_++},
                      [this, id = session_id](protocol::AgentEnd reason, const std::string& text) {
                        session_ended(std::string(id), reason, text);
                      }));
}

void EmbeddedAgent::cancel_session(std::string_view session_id) {
  const auto session = sessions_.find(session_id);
  if (session != sessions_.end()) {
    session->second->cancel();
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
