#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ssm/net/event_loop.hpp"
#include "ssm/net/websocket.hpp"
#include "ssm/protocol/service_role.hpp"
#include "ssm/service/gateway.hpp"

namespace ssm::service {

/// One data-channel WebSocket, from its upgrade to its end. Owned by the gateway; its socket's
/// callbacks refer to it, so it stays where it is.
struct Gateway::Connection {
  Connection(std::uint64_t connection_id, net::WebSocket open_socket, std::string session,
             net::EventLoop& loop)
      : id(connection_id),
        socket(std::move(open_socket)),
        session_id(std::move(session)),
        open_timer(loop) {}

  std::uint64_t id;
  net::WebSocket socket;
  std::string session_id;
  net::Timer open_timer;
  /// Set while the connection is an end of a session.
  DataChannel* channel = nullptr;
  protocol::Side side = protocol::Side::client;
  /// Of this side in the session, from 1.
  std::uint32_t number = 0;
  bool refused = false;
};

}  // namespace ssm::service
