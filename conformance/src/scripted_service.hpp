#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client_command.hpp"
#include "ssm/net/http_server.hpp"
#include "ssm/net/websocket.hpp"
#include "ssm/protocol/error.hpp"
#include "ssm/service/mgs_api.hpp"
#include "ssm/service/router.hpp"
#include "ssm/service/service_state.hpp"
#include "ssm/service/session_events.hpp"
#include "ssm/service/ssm_api.hpp"

namespace ssm::conformance {

/// The service as one client sees it: the real API with its defaults, one prepared session, and
/// one data channel whose messages the case writes by hand. The client may use the prepared session
/// or start its own. On the loop's thread; callbacks come from the loop.
class ScriptedService final : public service::SessionEvents {
 public:
  struct Handlers {
    /// The client opened its data channel with a good token.
    std::function<void()> on_open;
    /// It was refused, for people.
    std::function<void(std::string why)> on_refused;
    std::function<void(protocol::Frame message, bool is_text)> on_message;
    std::function<void(const net::WebSocketEnd& end)> on_end;
    /// An API call that concerns the session, for the transcript.
    std::function<void(std::string_view operation)> on_call;
  };

  ScriptedService(net::EventLoop& loop, Handlers handlers);
  ~ScriptedService() override;

  /// Error: the system's, if no loopback port can be listened on.
  [[nodiscard]] protocol::Result<> start();
  [[nodiscard]] const SessionForClient& session() const { return session_; }
  void send(protocol::Frame message) { socket_.send_binary(std::move(message)); }

  void session_started(const service::Session& session, std::int64_t now_ms) override;
  void session_resumed(const service::Session& session, std::int64_t now_ms) override;
  void session_terminated(const service::Session& session, std::int64_t now_ms) override;

 private:
  void prepare_session();
  void upgrade_requested(const net::HttpRequest& request, net::Upgrade upgrade);
  void accepted(net::WebSocket socket, std::string session_id);
  void first_frame(const protocol::Frame& frame);
  void refuse(std::string why);

  net::EventLoop& loop_;
  Handlers handlers_;
  service::ServiceState state_;
  service::SsmApi ssm_;
  service::MgsApi mgs_;
  service::Router router_;
  std::optional<net::HttpServer> http_;
  net::WebSocket socket_;
  std::string socket_session_;
  bool has_socket_ = false;
  bool open_ = false;
  SessionForClient session_;
};

}  // namespace ssm::conformance
