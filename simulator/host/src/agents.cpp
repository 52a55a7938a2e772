#include "agents.hpp"

#include <utility>

namespace ssm::host {

using service::AgentAction;

namespace {

service::TaskOutcome to_outcome(protocol::AgentEnd end) {
  switch (end) {
    case protocol::AgentEnd::success:
      return service::TaskOutcome::success;
    case protocol::AgentEnd::cancelled:
      return service::TaskOutcome::cancelled;
    case protocol::AgentEnd::failed:
      return service::TaskOutcome::failed;
  }
  return service::TaskOutcome::failed;
}

}  // namespace

std::string_view Agents::name(State state) {
  switch (state) {
    case State::running:
      return "running";
    case State::stalled:
      return "stalled";
    case State::stopping:
      return "stopping";
    case State::stopped:
      return "stopped";
    case State::crashed:
      return "crashed";
    case State::offline:
      return "offline";
  }
  return {};
}

Agents::Agents(net::EventLoop& loop, service::ServiceState& state, TaskComplete task_complete)
    : loop_(loop),
      state_(state),
      task_complete_(std::move(task_complete)),
      control_(loop, state, {},
               {.on_task_complete = task_complete_,
                .on_gone = [this](const std::string& id) { publish(id); }}) {}

void Agents::add(agent::AgentOptions options) {
  const std::string id = options.instance_id;
  Embedded& embedded = embedded_[id];
  embedded.options = std::move(options);
  launch(embedded);
}

void Agents::launch(Embedded& embedded) {
  const std::string& id = embedded.options.instance_id;
  embedded.agent = std::make_unique<agent::EmbeddedAgent>(
      loop_, embedded.options,
      [this, id](const std::string& session_id, protocol::AgentEnd end, const std::string& text) {
        session_ended(std::string(id), session_id, end, text);
      });
  embedded.state = State::running;
  publish(id);
}

Agents::Embedded* Agents::find(std::string_view instance_id) {
  const auto found = embedded_.find(instance_id);
  return found == embedded_.end() ? nullptr : &found->second;
}

void Agents::publish(const std::string& instance_id) {
  service::ManagedInstance* instance = state_.instances.find(instance_id);
  if (instance == nullptr || control_.connected(instance_id)) {
    return;
  }
  const Embedded* embedded = find(instance_id);
  if (embedded == nullptr) {
    return;
  }
  instance->agent = service::AgentPlace::embedded;
  instance->agent_profile = embedded->options.profile.name;
  instance->agent_version = embedded->options.profile.version;
  // A stalled agent's connections are half open: the service does not know yet.
  const bool online = (embedded->state == State::running || embedded->state == State::stalled) &&
                      !state_.refused_agents.contains(instance_id);
  state_.instances.set_online(instance_id, online, net::EventLoop::unix_ms());
}

// --- sessions -----------------------------------------------------------------------------------

void Agents::start_session(const service::AgentTask& task) {
  if (control_.connected(task.target)) {
    control_.start_session(task);
    return;
  }
  Embedded* embedded = find(task.target);
  if (embedded == nullptr || embedded->agent == nullptr) {
    return;
  }
  embedded->sessions.insert(task.task.session_id);
  give(*embedded,
       [session = task.task](agent::EmbeddedAgent& agent) { agent.start_session(session); });
}

void Agents::cancel_session(std::string_view target, std::string_view session_id) {
  Embedded* embedded = find(target);
  if (embedded != nullptr && embedded->agent != nullptr &&
      embedded->sessions.contains(session_id)) {
    give(*embedded,
         [id = std::string(session_id)](agent::EmbeddedAgent& agent) { agent.cancel_session(id); });
    return;
  }
  control_.cancel_session(target, session_id);
}

void Agents::give(Embedded& embedded, std::function<void(agent::EmbeddedAgent&)> order) {
  if (embedded.state == State::stalled) {
    embedded.unread.push_back(std::move(order));
  } else if (embedded.state != State::offline) {
    order(*embedded.agent);
  }
}

void Agents::session_ended(const std::string& instance_id, const std::string& session_id,
                           protocol::AgentEnd end, const std::string& text) {
  if (Embedded* embedded = find(instance_id)) {
    embedded->sessions.erase(session_id);
    if (embedded->state == State::stopping && embedded->agent->sessions() == 0) {
      embedded->state = State::stopped;
    }
  }
  task_complete_(session_id, to_outcome(end), text);
}

std::size_t Agents::sessions() const {
  std::size_t count = 0;
  for (const auto& [id, embedded] : embedded_) {
    count += embedded.agent ? embedded.agent->sessions() : 0;
  }
  return count;
}

// --- commands -----------------------------------------------------------------------------------

std::string_view Agents::agent_state(std::string_view instance_id) const {
  if (control_.connected(instance_id)) {
    return name(State::running);
  }
  const auto found = embedded_.find(instance_id);
  const bool none = found == embedded_.end() || state_.refused_agents.contains(instance_id);
  return name(none ? State::offline : found->second.state);
}

std::optional<std::string> Agents::command(std::string_view instance_id, AgentAction action) {
  const std::string id(instance_id);
  Embedded* embedded = find(id);
  // An agent that was taken offline is not connected, and still a remote one.
  if (embedded == nullptr || control_.connected(id) || state_.refused_agents.contains(id)) {
    return command_remote(id, action);
  }
  return command_embedded(*embedded, action);
}

std::optional<std::string> Agents::command_remote(const std::string& instance_id,
                                                  AgentAction action) {
  switch (action) {
    case AgentAction::offline:
      if (!state_.refused_agents.insert(instance_id).second) {
        return "The agent of " + instance_id + " is kept offline already.";
      }
      control_.drop(instance_id);
      return std::nullopt;
    case AgentAction::online:
      if (state_.refused_agents.erase(instance_id) == 0) {
        return "The agent of " + instance_id + " is not kept offline.";
      }
      publish(instance_id);  // the embedded one that it took the place of
      return std::nullopt;
    default:
      return "The agent of " + instance_id + " runs in another process, where '" +
             std::string(service::name(action)) +
             "' cannot be done from here; offline and online can. Use signals: SIGTERM stops it, "
             "SIGKILL crashes it, SIGSTOP stalls it.";
  }
}

std::optional<std::string> Agents::command_embedded(Embedded& embedded, AgentAction action) {
  const std::string& id = embedded.options.instance_id;
  const State state = embedded.state;
  const bool alive = state == State::running || state == State::stalled || state == State::offline;
  const auto not_now = [&] {
    return "The agent of " + id + " is " + std::string(name(state)) + "; '" +
           std::string(service::name(action)) + "' has no meaning then.";
  };
  switch (action) {
    case AgentAction::stop:
      if (state != State::running && state != State::offline) {
        return not_now();
      }
      stop(embedded);
      return std::nullopt;
    case AgentAction::crash:
    case AgentAction::restart:
      if (!alive && action == AgentAction::crash) {
        return not_now();
      }
      embedded.agent.reset();
      embedded.sessions.clear();
      embedded.unread.clear();
      embedded.state = State::crashed;
      if (action == AgentAction::restart) {
        launch(embedded);
      }
      break;
    case AgentAction::start:
      if (alive || state == State::stopping) {
        return not_now();
      }
      launch(embedded);
      break;
    case AgentAction::stall:
      if (state != State::running) {
        return not_now();
      }
      embedded.state = State::stalled;
      embedded.agent->set_stalled(true);
      break;
    case AgentAction::resume:
      if (state != State::stalled) {
        return not_now();
      }
      resume(embedded);
      break;
    case AgentAction::offline:
      if (state != State::running) {
        return not_now();
      }
      embedded.state = State::offline;
      break;
    case AgentAction::online:
      if (state != State::offline) {
        return not_now();
      }
      embedded.state = State::running;
      break;
  }
  publish(id);
  return std::nullopt;
}

void Agents::stop(Embedded& embedded) {
  // Orders that the agent dropped without a word have no session there.
  embedded.state = embedded.agent->sessions() == 0 ? State::stopped : State::stopping;
  publish(embedded.options.instance_id);
  const auto sessions = embedded.sessions;  // ends change it
  for (const std::string& id : sessions) {
    embedded.agent->cancel_session(id);
  }
}

void Agents::resume(Embedded& embedded) {
  embedded.state = State::running;
  embedded.agent->set_stalled(false);
  const auto unread = std::exchange(embedded.unread, {});
  for (const auto& order : unread) {
    order(*embedded.agent);
  }
}

}  // namespace ssm::host
