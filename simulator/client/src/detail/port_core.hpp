#pragma once

#include <functional>

#include "ssm/client/session_client.hpp"
#include "ssm/protocol/port_client.hpp"

namespace ssm::client::detail {

/// A PortClient between its session and the application's connections: moves what it has to say to
/// the session while that takes it, arms its timer, hands out its events.
///
/// After any call on port() call pump().
class PortCore {
 public:
  /// `on_event` may call port() and pump(), and may end the session.
  PortCore(SessionHost& host, const protocol::PortClientConfig& config,
           std::function<void(protocol::PortEvent&)> on_event);

  [[nodiscard]] protocol::PortClient& port() { return port_; }
  [[nodiscard]] const protocol::PortClient& port() const { return port_; }

  [[nodiscard]] bool receive(protocol::PayloadType type, protocol::Bytes data);
  void pump();
  /// See SessionApplication::settled.
  void settled();
  /// The session is over: nothing more is sent.
  void stop();

 private:
  void arm_timer();

  SessionHost& host_;
  protocol::PortClient port_;
  std::function<void(protocol::PortEvent&)> on_event_;
  net::Timer timer_;
  bool pumping_ = false;
  bool again_ = false;
  bool stopped_ = false;
  bool unacknowledged_ = false;
};

/// How a client of that profile and version behaves in port sessions with that agent.
[[nodiscard]] protocol::PortClientConfig port_client_config(const protocol::ClientProfile& profile,
                                                            std::string_view type,
                                                            std::string_view agent_version);

}  // namespace ssm::client::detail
