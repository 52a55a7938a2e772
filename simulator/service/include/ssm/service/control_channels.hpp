#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "ssm/net/event_loop.hpp"
#include "ssm/net/http.hpp"
#include "ssm/net/http_server.hpp"
#include "ssm/net/websocket.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/open_control_channel.hpp"
#include "ssm/protocol/random.hpp"
#include "ssm/service/agent_dispatcher.hpp"
#include "ssm/service/mgs_api.hpp"
#include "ssm/service/service_state.hpp"

namespace ssm::service {

struct ControlChannelOptions {
  /// Agents send little; the reference limits its replies to 120,000 bytes.
  net::WebSocketOptions websocket{.max_message_bytes = std::size_t{256} * 1024};
  /// A connection must send its OpenControlChannel frame within this time.
  net::Duration open_limit = std::chrono::seconds(10);
  /// Agents ping every 54 s; one of which nothing is heard for this long is taken for gone.
  net::Duration silence_limit = std::chrono::seconds(150);
  /// Orders that an agent does not read; more of them end its channel.
  std::size_t max_queued_bytes = std::size_t{4} << 20U;
  /// Instances that agents may add to the registry.
  std::size_t max_instances = 20000;
};

struct ControlChannelHandlers {
  /// An agent reports the end of its part in a session of its own instance.
  std::function<void(const std::string& session_id, TaskOutcome outcome, const std::string& output)>
      on_task_complete = nullptr;
  /// The instance's control channel has gone, and the instance was marked offline.
  std::function<void(const std::string& instance_id)> on_gone = nullptr;
};

/// The control channels of agents in other processes: one WebSocket per instance, the newest one
/// counts (CTL-009). While it is open the instance is online, with the version that the agent told.
///
/// An instance that nobody configured is added when an agent with valid credentials, and the token
/// that these gave it, opens a channel for it.
///
/// On the loop's thread; one per server.
class ControlChannels final : public AgentDispatcher {
 public:
  /// Both references must outlive the object.
  ControlChannels(net::EventLoop& loop, ServiceState& state, ControlChannelOptions options,
                  ControlChannelHandlers handlers);
  ~ControlChannels() override;

  /// A WebSocket upgrade of `/v1/control-channel/<id>`. It must be signed.
  void handle_upgrade(const net::HttpRequest& request, net::Upgrade upgrade, const MgsApi& mgs);

  /// Nothing happens if the instance has no channel.
  void start_session(const AgentTask& task) override;
  void cancel_session(std::string_view target, std::string_view session_id) override;

  [[nodiscard]] bool connected(std::string_view instance_id) const;
  /// Drops the instance's channel without a close frame; its agent will be back. False if there is
  /// none.
  bool drop(std::string_view instance_id);

 private:
  struct Connection;

  void opened(net::WebSocket socket, std::string instance_id);
  void first_frame(Connection& connection, const protocol::Frame& frame, bool is_text);
  [[nodiscard]] bool accept(Connection& connection, const protocol::OpenControlChannel& open);
  void message(Connection& connection, const protocol::Frame& frame, bool is_text);
  void task_complete(Connection& connection, protocol::Bytes payload,
                     const std::string& message_id);
  void heard(Connection& connection);
  void refuse(Connection& connection, std::string_view reason);
  void send(Connection& connection, protocol::MessageType type, std::string_view payload);
  void ended(std::uint64_t id, const net::WebSocketEnd& end);
  /// The connection is no longer its instance's channel.
  void gone(Connection& connection);
  [[nodiscard]] Connection* find(std::string_view instance_id) const;

  net::EventLoop& loop_;
  ServiceState& state_;
  ControlChannelOptions options_;
  ControlChannelHandlers handlers_;
  protocol::Random random_;
  std::uint64_t next_id_ = 1;
  std::size_t added_instances_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::map<std::string, Connection*, std::less<>> by_instance_;
};

}  // namespace ssm::service
