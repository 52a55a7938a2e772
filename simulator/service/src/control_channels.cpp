#include "ssm/service/control_channels.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "detail/text.hpp"
#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/channel_closed.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/task.hpp"
#include "ssm/service/secure_random.hpp"

namespace ssm::service {
namespace {

constexpr std::uint16_t policy_violation = 1008;
constexpr std::size_t max_first_frame_bytes = std::size_t{16} * 1024;
constexpr std::size_t max_version_bytes = 64;

net::HttpResponse plain(unsigned status, std::string text) {
  return {.status = status,
          .headers = {{"Content-Type", "text/plain"}},
          .body = std::move(text) + "\n"};
}

TaskOutcome to_outcome(std::string_view status) {
  if (status == "Success") {
    return TaskOutcome::success;
  }
  return status == "Cancelled" ? TaskOutcome::cancelled : TaskOutcome::failed;
}

/// It goes into logs and answers: what no version has is left out.
std::string plausible_version(std::string_view version) {
  std::string plausible;
  for (const char c : version.substr(0, max_version_bytes)) {
    if (detail::is_alnum(c) || c == '.' || c == '-' || c == '+') {
      plausible.push_back(c);
    }
  }
  return plausible;
}

/// As DescribeInstanceInformation spells it.
std::string platform_name(std::string_view platform) {
  if (platform == "windows") {
    return "Windows";
  }
  return platform == "macos" || platform == "darwin" ? "MacOS" : "Linux";
}

}  // namespace

struct ControlChannels::Connection {
  Connection(std::uint64_t number, net::WebSocket open_socket, std::string instance,
             net::EventLoop& loop)
      : id(number), socket(std::move(open_socket)), instance_id(std::move(instance)), timer(loop) {}

  std::uint64_t id;
  net::WebSocket socket;
  std::string instance_id;
  /// First for the open frame, then for silence.
  net::Timer timer;
  net::Instant last_heard{};
  bool accepted = false;
  bool refused = false;
};

ControlChannels::ControlChannels(net::EventLoop& loop, ServiceState& state,
                                 ControlChannelOptions options, ControlChannelHandlers handlers)
    : loop_(loop),
      state_(state),
      options_(options),
      handlers_(std::move(handlers)),
      random_(random_seed(state.random)) {}

ControlChannels::~ControlChannels() = default;

// --- connections --------------------------------------------------------------------------------

void ControlChannels::handle_upgrade(const net::HttpRequest& request, net::Upgrade upgrade,
                                     const MgsApi& mgs) {
  const auto instance_id = control_channel_instance(request.path());
  if (!instance_id) {
    upgrade.refuse(plain(404, "The path does not name an instance."));
    return;
  }
  const auto identity = mgs.check_upgrade(request, net::EventLoop::unix_ms());
  if (!identity) {
    upgrade.refuse(mgs.refusal(identity.error()));
    return;
  }
  if (!identity->has_value()) {
    upgrade.refuse(mgs.refusal({AuthErrc::missing_authentication_token, {}}));
    return;
  }
  if (state_.refused_agents.contains(*instance_id)) {
    upgrade.refuse(plain(503, "The agent of " + *instance_id + " was taken offline."));
    return;
  }
  upgrade.accept(options_.websocket, [this, id = *instance_id](net::WebSocket socket) {
    opened(std::move(socket), id);
  });
}

void ControlChannels::opened(net::WebSocket socket, std::string instance_id) {
  const std::uint64_t id = next_id_++;
  auto owned = std::make_unique<Connection>(id, std::move(socket), std::move(instance_id), loop_);
  Connection& connection = *owned;
  connections_.emplace(id, std::move(owned));
  connection.timer.arm(net::EventLoop::now() + options_.open_limit, [this, &connection] {
    refuse(connection, "no OpenControlChannel frame arrived in time");
  });
  connection.socket.start({
      .on_message =
          [this, &connection](const protocol::Frame& frame, bool is_text) {
            if (connection.accepted) {
              message(connection, frame, is_text);
            } else {
              first_frame(connection, frame, is_text);
            }
          },
      .on_end = [this, id](const net::WebSocketEnd& end) { ended(id, end); },
      .on_writable = {},
      //= CTL-007
      .on_ping = [this, &connection](std::string_view) { heard(connection); },
      .on_pong = {},
  });
}

//= CTL-006
void ControlChannels::first_frame(Connection& connection, const protocol::Frame& frame,
                                  bool is_text) {
  if (connection.refused) {
    return;
  }
  if (!is_text || frame.size() > max_first_frame_bytes) {
    return refuse(connection, "the first frame must be a text frame with OpenControlChannelInput");
  }
  const auto open = protocol::parse_open_control_channel(frame.bytes());
  if (!open) {
    return refuse(connection, "the first frame is not an OpenControlChannelInput");
  }
  const TokenVerdict verdict = state_.control_tokens.accept(
      connection.instance_id, open->token_value, net::EventLoop::unix_ms());
  if (verdict != TokenVerdict::ok) {
    return refuse(connection, verdict == TokenVerdict::expired
                                  ? "the token is refused: it has expired"
                                  : "the token is refused: it was not issued for this instance");
  }
  if (!accept(connection, *open)) {
    return refuse(connection, "too many instances");
  }
}

bool ControlChannels::accept(Connection& connection, const protocol::OpenControlChannel& open) {
  const std::int64_t now_ms = net::EventLoop::unix_ms();
  ManagedInstance* instance = state_.instances.find(connection.instance_id);
  if (instance == nullptr) {
    if (added_instances_ == options_.max_instances) {
      return false;
    }
    ++added_instances_;
    ManagedInstance added;
    added.id = connection.instance_id;
    added.computer_name = connection.instance_id;
    added.registered_ms = now_ms;
    instance = &state_.instances.add(std::move(added));
  }
  //= CTL-009
  if (Connection* old = find(connection.instance_id)) {
    old->accepted = false;
    old->refused = true;
    old->timer.cancel();
    old->socket.drop();
    spdlog::info("{}: a new control channel replaces the old one", connection.instance_id);
  }
  by_instance_[connection.instance_id] = &connection;
  connection.accepted = true;
  instance->agent = AgentPlace::remote;
  instance->agent_profile.clear();  // its version is all that it tells
  instance->agent_version = plausible_version(open.agent_version);
  instance->platform_type = platform_name(open.platform_type);
  state_.instances.set_online(connection.instance_id, true, now_ms);
  spdlog::info("{}: agent {} connected from {}", connection.instance_id, instance->agent_version,
               connection.socket.remote());
  heard(connection);
  return true;
}

void ControlChannels::heard(Connection& connection) {
  if (!connection.accepted) {
    return;
  }
  connection.last_heard = net::EventLoop::now();
  state_.instances.set_online(connection.instance_id, true, net::EventLoop::unix_ms());
  connection.timer.arm(connection.last_heard + options_.silence_limit, [this, &connection] {
    spdlog::warn("{}: nothing was heard from the agent for too long", connection.instance_id);
    connection.socket.drop();
    gone(connection);
  });
}

void ControlChannels::refuse(Connection& connection, std::string_view reason) {
  spdlog::warn("{}: control channel refused: {}", connection.instance_id, reason);
  connection.refused = true;
  connection.timer.cancel();
  connection.socket.close(policy_violation, reason);
}

void ControlChannels::ended(std::uint64_t id, const net::WebSocketEnd& end) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) {
    return;
  }
  const std::unique_ptr<Connection> connection = std::move(found->second);
  connections_.erase(found);
  if (connection->accepted) {
    spdlog::info("{}: control channel ended: {} {}", connection->instance_id, end.code, end.detail);
    gone(*connection);
  }
}

void ControlChannels::gone(Connection& connection) {
  connection.accepted = false;
  connection.refused = true;
  connection.timer.cancel();
  const std::string instance_id = connection.instance_id;
  by_instance_.erase(instance_id);
  state_.instances.set_online(instance_id, false, net::EventLoop::unix_ms());
  if (ManagedInstance* instance = state_.instances.find(instance_id)) {
    instance->agent = AgentPlace::none;
  }
  if (handlers_.on_gone) {
    handlers_.on_gone(instance_id);
  }
}

ControlChannels::Connection* ControlChannels::find(std::string_view instance_id) const {
  const auto found = by_instance_.find(instance_id);
  return found == by_instance_.end() ? nullptr : found->second;
}

bool ControlChannels::connected(std::string_view instance_id) const {
  return find(instance_id) != nullptr;
}

bool ControlChannels::drop(std::string_view instance_id) {
  Connection* connection = find(instance_id);
  if (connection == nullptr) {
    return false;
  }
  connection->socket.drop();
  gone(*connection);
  return true;
}

// --- orders -------------------------------------------------------------------------------------

//= CTL-010
//= SVC-018
void ControlChannels::start_session(const AgentTask& task) {
  if (Connection* connection = find(task.target)) {
    send(*connection, protocol::MessageType::interactive_shell,
         serialize(
             protocol::InteractiveShell{.content = task.task, .task_id = task.task.session_id}));
  }
}

//= CTL-020
void ControlChannels::cancel_session(std::string_view target, std::string_view session_id) {
  if (Connection* connection = find(target)) {
    send(*connection, protocol::MessageType::channel_closed,
         serialize(protocol::ChannelClosed{
             .message_id = random_uuid(state_.random),
             .destination_id = std::string(target),
             .session_id = std::string(session_id),
             .created_date = detail::format_basic_time(net::EventLoop::unix_ms()),
             .output = {}}));
  }
}

void ControlChannels::send(Connection& connection, protocol::MessageType type,
                           std::string_view payload) {
  auto frame =
      protocol::encode({.type = protocol::wire_name(type),
                        .created_date_ms = static_cast<std::uint64_t>(net::EventLoop::unix_ms()),
                        .sequence_number = 0,
                        .flags = 0,
                        .message_id = protocol::Uuid::random_v4(random_),
                        .payload_type = protocol::PayloadType::none},
                       protocol::as_bytes(payload));
  SSM_ASSERT(frame.has_value());  // a payload of ours, never empty
  connection.socket.send_binary(std::move(*frame));
  if (connection.socket.queued_bytes() > options_.max_queued_bytes) {
    spdlog::warn("{}: the agent does not read its control channel", connection.instance_id);
    connection.socket.reset();
    gone(connection);
  }
}

// --- reports ------------------------------------------------------------------------------------

void ControlChannels::message(Connection& connection, const protocol::Frame& frame, bool is_text) {
  heard(connection);
  if (is_text) {
    return;
  }
  const auto view = protocol::parse(frame.bytes(), protocol::strict_message_rules);
  if (!view) {
    spdlog::warn("{}: message on the control channel refused: {}", connection.instance_id,
                 view.error().to_string());
    return;
  }
  //= CTL-026
  if (view->type == protocol::MessageType::agent_task_complete) {
    task_complete(connection, view->payload, view->message_id.to_string());
  }
}

//= CTL-016
//= CTL-017
void ControlChannels::task_complete(Connection& connection, protocol::Bytes payload,
                                    const std::string& message_id) {
  const auto complete = protocol::parse_agent_task_complete(payload);
  if (!complete) {
    spdlog::warn("{}: agent_task_complete refused: {}", connection.instance_id,
                 complete.error().to_string());
    return;
  }
  const Session* session = state_.sessions.find(complete->task_id);
  if (session != nullptr && session->target != connection.instance_id) {
    spdlog::warn("{}: agent_task_complete for session {} of {} ignored", connection.instance_id,
                 session->id, session->target);
    return;
  }
  // Acknowledged even if the session is forgotten, so that the agent stops.
  send(connection, protocol::MessageType::agent_task_acknowledge,
       serialize(
           protocol::AgentTaskAcknowledge{.message_id = message_id, .task_id = complete->task_id}));
  if (session != nullptr && handlers_.on_task_complete) {
    handlers_.on_task_complete(complete->task_id, to_outcome(complete->final_task_status),
                               complete->output);
  }
}

}  // namespace ssm::service
