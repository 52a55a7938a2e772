#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ssm/fault/engine.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/net/http.hpp"
#include "ssm/net/http_server.hpp"
#include "ssm/net/websocket.hpp"
#include "ssm/protocol/service_role.hpp"
#include "ssm/service/agent_dispatcher.hpp"
#include "ssm/service/mgs_api.hpp"
#include "ssm/service/service_state.hpp"
#include "ssm/service/session_events.hpp"

namespace ssm::service {

struct GatewayOptions {
  protocol::ServiceRules rules;
  net::WebSocketOptions websocket;
  /// A connection must send its OpenDataChannel frame within this time.
  net::Duration open_limit = std::chrono::seconds(10);
  /// Directory for one recording per session; empty: none.
  std::string record_directory;
  std::uint64_t max_recording_bytes = std::uint64_t{256} << 20U;
  bool unsafe_secrets = false;
  std::string program_version;
};

/// Joins the data-channel WebSockets of clients and agents: reads the first frame, checks its
/// token, and moves messages between the sockets and the session's protocol::ServiceRole. One per
/// server, on the loop's thread.
class Gateway final : public SessionEvents {
 public:
  /// All references must outlive the object. Without `agents` nobody is told of new sessions.
  /// Asserted: fault::executable_by(serve) for each action of the plan.
  Gateway(net::EventLoop& loop, ServiceState& state, GatewayOptions options, fault::Plan plan = {});
  ~Gateway() override;

  void set_agents(AgentDispatcher* agents) { agents_ = agents; }

  /// A WebSocket upgrade of any path; refuses what is not a data channel of a live session.
  void handle_upgrade(const net::HttpRequest& request, net::Upgrade upgrade, const MgsApi& mgs);

  /// An agent reports the end of its part (agent_task_complete). Idempotent (CTL-017).
  void task_complete(std::string_view session_id, TaskOutcome outcome, std::string_view output);

  void session_started(const Session& session, std::int64_t now_ms) override;
  void session_resumed(const Session& session, std::int64_t now_ms) override;
  void session_terminated(const Session& session, std::int64_t now_ms) override;

  /// Open data-channel connections, those that have not shown a token included.
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }
  /// Sessions that are running or still closing.
  [[nodiscard]] std::size_t session_count() const { return channels_.size(); }

 private:
  friend class DataChannel;
  struct Connection;

  void opened(net::WebSocket socket, std::string session_id);
  void first_frame(Connection& connection, const protocol::Frame& frame, bool is_text);
  void refuse(Connection& connection, std::string_view reason);
  void connection_ended(std::uint64_t id, const net::WebSocketEnd& end);
  void forget_channel(const std::string& session_id);
  [[nodiscard]] class DataChannel* find_channel(std::string_view session_id);

  net::EventLoop& loop_;
  ServiceState& state_;
  GatewayOptions options_;
  fault::Engine faults_;
  AgentDispatcher* agents_ = nullptr;
  std::uint64_t next_connection_id_ = 1;
  std::uint64_t next_session_ordinal_ = 1;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::unordered_map<std::string, std::unique_ptr<DataChannel>> channels_;
};

}  // namespace ssm::service
