#include "ssm/service/gateway.hpp"

#include <utility>

#include "data_channel.hpp"
#include "gateway_connection.hpp"
#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/open_data_channel.hpp"
#include "ssm/service/documents.hpp"

namespace ssm::service {
namespace {

constexpr std::uint16_t policy_violation = 1008;
constexpr std::size_t max_first_frame_bytes = std::size_t{16} * 1024;

net::HttpResponse plain(unsigned status, std::string text) {
  return {.status = status,
          .headers = {{"Content-Type", "text/plain"}},
          .body = std::move(text) + "\n"};
}

}  // namespace

Gateway::Gateway(net::EventLoop& loop, ServiceState& state, GatewayOptions options,
                 fault::Plan plan)
    : loop_(loop), state_(state), options_(std::move(options)), faults_(std::move(plan)) {
  for (const fault::Rule& rule : faults_.rules()) {
    SSM_ASSERT(fault::executable_by(fault::Driver::serve, rule.action));
  }
}

Gateway::~Gateway() = default;

// --- connections
// ----------------------------------------------------------------------------------

void Gateway::handle_upgrade(const net::HttpRequest& request, net::Upgrade upgrade,
                             const MgsApi& mgs) {
  const std::optional<std::string> session_id = data_channel_session(request.path());
  if (!session_id) {
    upgrade.refuse(plain(404,
                         "No WebSocket is served here. Data channels are at "
                         "/v1/data-channel/{session id}."));
    return;
  }
  //= AUTH-027
  const auto identity = mgs.check_upgrade(request, net::EventLoop::unix_ms());
  if (!identity) {
    upgrade.refuse(mgs.refusal(identity.error()));
    return;
  }
  //= CTL-015
  const Session* session = state_.sessions.find(*session_id);
  if (session == nullptr) {
    upgrade.refuse(plain(404, "There is no session " + *session_id + "."));
    return;
  }
  if (is_ended(session->status) &&
      !state_.sessions.takes_client(*session_id, net::EventLoop::unix_ms())) {
    upgrade.refuse(plain(410, "Session is already terminated: " + *session_id + "."));
    return;
  }
  upgrade.accept(options_.websocket, [this, id = *session_id](net::WebSocket socket) {
    opened(std::move(socket), id);
  });
}

void Gateway::opened(net::WebSocket socket, std::string session_id) {
  const std::uint64_t id = next_connection_id_++;
  auto owned = std::make_unique<Connection>(id, std::move(socket), std::move(session_id), loop_);
  Connection& connection = *owned;
  connections_.emplace(id, std::move(owned));
  connection.open_timer.arm(net::EventLoop::now() + options_.open_limit, [this, &connection] {
    refuse(connection, "no OpenDataChannel frame arrived in time");
  });
  connection.socket.start({
      .on_message =
          [this, &connection](protocol::Frame frame, bool is_text) {
            if (connection.channel != nullptr) {
              connection.channel->message(connection, std::move(frame), is_text);
            } else {
              first_frame(connection, frame, is_text);
            }
          },
      .on_end = [this, id](const net::WebSocketEnd& end) { connection_ended(id, end); },
      .on_writable =
          [&connection] {
            if (connection.channel != nullptr) {
              connection.channel->writable(connection);
            }
          },
      .on_ping = {},
      .on_pong = {},
  });
}

void Gateway::first_frame(Connection& connection, const protocol::Frame& frame, bool is_text) {
  if (connection.refused) {
    return;
  }
  connection.open_timer.cancel();
  //= TRANS-007
  if (!is_text || frame.size() > max_first_frame_bytes) {
    refuse(connection, "the first frame must be a text frame with OpenDataChannelInput");
    return;
  }
  const auto open = protocol::parse_open_data_channel(frame.bytes());
  if (!open) {
    refuse(connection, "the first frame is not an OpenDataChannelInput");
    return;
  }
  const bool is_agent = open->client_instance_id.has_value();
  const std::int64_t now_ms = net::EventLoop::unix_ms();
  const Session* session = state_.sessions.find(connection.session_id);
  //= CTL-014
  if (is_agent && session != nullptr && *open->client_instance_id != session->target) {
    refuse(connection, "ClientInstanceId is not the session's target");
    return;
  }
  //= AUTH-028
  const TokenVerdict verdict =
      is_agent
          ? state_.sessions.accept_agent_token(connection.session_id, open->token_value, now_ms)
          : state_.sessions.accept_client_token(connection.session_id, open->token_value, now_ms);
  DataChannel* channel = find_channel(connection.session_id);
  if (verdict != TokenVerdict::ok || channel == nullptr) {
    refuse(connection, "the token is refused: " + std::string(to_text(verdict)));
    return;
  }
  channel->attach(is_agent ? protocol::Side::agent : protocol::Side::client, connection, frame);
}

void Gateway::refuse(Connection& connection, std::string_view reason) {
  connection.refused = true;
  connection.open_timer.cancel();
  connection.socket.close(policy_violation, reason);
}

void Gateway::connection_ended(std::uint64_t id, const net::WebSocketEnd& end) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) {
    return;
  }
  const std::unique_ptr<Connection> connection = std::move(found->second);
  connections_.erase(found);
  if (connection->channel != nullptr) {
    connection->channel->connection_ended(*connection, end);
  }
}

// --- sessions
// -------------------------------------------------------------------------------------

void Gateway::session_started(const Session& session, std::int64_t /*now_ms*/) {
  auto channel = std::make_unique<DataChannel>(*this, session, next_session_ordinal_++);
  DataChannel& started = *channel;
  channels_.emplace(session.id, std::move(channel));
  started.start();
  //= SVC-018
  if (agents_ != nullptr) {
    const SessionDocument* document = state_.documents.find(session.document_name);
    SSM_ASSERT(document != nullptr);  // StartSession found it in this very call
    agents_->start_session(
        {.target = session.target, .task = make_session_task(session, *document)});
  }
}

void Gateway::session_resumed(const Session& /*session*/, std::int64_t /*now_ms*/) {
  // The new token is in the store; the old connection is replaced when the new one shows it.
}

void Gateway::session_terminated(const Session& session, std::int64_t /*now_ms*/) {
  //= SVC-030
  if (DataChannel* channel = find_channel(session.id)) {
    channel->terminate({}, false);
  }
}

void Gateway::task_complete(std::string_view session_id, TaskOutcome outcome,
                            std::string_view output) {
  //= CTL-017
  if (DataChannel* channel = find_channel(session_id)) {
    channel->task_complete(outcome, output);
  }
}

DataChannel* Gateway::find_channel(std::string_view session_id) {
  const auto found = channels_.find(std::string(session_id));
  return found == channels_.end() ? nullptr : found->second.get();
}

void Gateway::forget_channel(const std::string& session_id) {
  // Later, because the channel is the one that calls.
  loop_.post([this, session_id] { channels_.erase(session_id); });
}

}  // namespace ssm::service
