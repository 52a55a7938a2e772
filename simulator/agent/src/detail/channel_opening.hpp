#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "ssm/agent/data_channel_request.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/net/http_client.hpp"
#include "ssm/net/websocket.hpp"
#include "ssm/protocol/role.hpp"

/// What the drivers of an agent's two kinds of channel, data and control, have in common: both ask
/// for a token, open a WebSocket and send on it. `Machine` is the role that decides.

namespace ssm::agent::detail {

/// For the REST call; amazon-ssm-agent `agent/session/service/service.go`.
inline constexpr net::Duration request_timeout = std::chrono::seconds(15);

template <class Machine>
void give_token(Machine& machine, const protocol::Result<net::HttpResponse>& answer) {
  const net::Instant now = net::EventLoop::now();
  if (!answer) {
    machine.channel_refused(answer.error().to_string(), now);
  } else if (const protocol::Result<std::string> token = token_from_answer(*answer); token) {
    machine.channel_created(*token, now);
  } else {
    machine.channel_refused(token.error().context, now);
  }
}

/// `take(socket)` when it opened; otherwise the machine is told.
template <class Machine, class Take>
void give_connection(Machine& machine, protocol::Result<net::WebSocket> opened, const Take& take) {
  if (opened) {
    take(std::move(*opened));
  } else {
    machine.connection_failed(opened.error().to_string(), net::EventLoop::now());
  }
}

inline void send(std::optional<net::WebSocket>& socket, const protocol::SendText& request) {
  if (socket) {
    socket->send_text(request.text);
  }
}

inline void send(std::optional<net::WebSocket>& socket, const protocol::SendBinary& request) {
  if (socket) {
    socket->send_binary(request.frame);
  }
}

inline void send(std::optional<net::WebSocket>& socket, const protocol::SendPing& /*request*/) {
  if (socket) {
    socket->send_ping("keepalive");
  }
}

}  // namespace ssm::agent::detail
