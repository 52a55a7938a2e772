#pragma once

#include <functional>
#include <string>
#include <utility>

#include "fake_service.hpp"
#include "ssm/protocol/handshake.hpp"

namespace ssm::test {

/// Makes the agent behind `service` lead the handshake of a session of that type, then call
/// `on_started`.
inline void lead_handshake(FakeService& service, std::string type,
                           std::function<void()> on_started = nullptr) {
  service.on_text = [&service, type = std::move(type)] {
    protocol::HandshakeRequest request{.agent_version = "3.3.0.0", .requested_actions = {}};
    request.requested_actions.push_back(
        {.action_type = std::string(protocol::action_session_type),
         .parameters = protocol::SessionTypeParameters{type, "null"}});
    service.send_output(serialize(request), protocol::PayloadType::handshake_request);
    service.on_text = nullptr;
  };
  service.on_stream = [&service,
                       on_started = std::move(on_started)](const FakeService::Message& message) {
    if (message.type == protocol::PayloadType::handshake_response) {
      service.send_output(serialize(protocol::HandshakeComplete{}),
                          protocol::PayloadType::handshake_complete);
      if (on_started) {
        on_started();
      }
    }
  };
}

}  // namespace ssm::test
