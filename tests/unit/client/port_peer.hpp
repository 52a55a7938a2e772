#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "fake_service.hpp"
#include "ssm/protocol/handshake.hpp"
#include "ssm/protocol/port_agent.hpp"

namespace ssm::test {

/// The agent's end of a port session behind a FakeService: handshake, PortAgent, and destinations
/// in memory that the test plays.
class PortPeer {
 public:
  struct Destination {
    std::string received;
    bool received_all = false;  ///< the application has ended its writing side
    bool closed = false;
    bool reads = true;
    std::string unsent;
    bool ends = false;  ///< after `unsent`
  };

  PortPeer(FakeService& service, std::string properties, std::string agent_version = "3.3.0.0")
      : service_(service),
        properties_(std::move(properties)),
        agent_version_(std::move(agent_version)) {
    service_.on_text = [this] {
      if (!std::exchange(asked_, true)) {
        ask();
      }
    };
    service_.on_stream = [this](const FakeService::Message& message) { on_stream(message); };
  }

  // What it does.
  bool completes_handshake = true;
  bool refuses = false;
  /// Destinations echo what they receive, and its end.
  bool echoes = false;

  // What was seen.
  std::map<protocol::PortConnection, Destination> destinations;
  std::string client_version;
  std::optional<protocol::PortEnded> ended;
  bool started = false;

  void complete_handshake(std::string message = {}) {
    service_.send_output(serialize(protocol::HandshakeComplete{
                             .time_to_complete = 1, .customer_message = std::move(message)}),
                         protocol::PayloadType::handshake_complete);
    started = true;
    const auto parsed_type =
        properties_.find("LocalPortForwarding") != std::string::npos ? "LocalPortForwarding" : "";
    const auto choice = protocol::choose_agent_port_mode(parsed_type, client_version);
    const bool multiplexes = agent_version_ > "3.0.196.0";
    protocol::PortAgentConfig config{.choice = choice, .rules = {}};
    if (!multiplexes) {
      config.choice.mode = protocol::PortMode::basic;
    }
    port.emplace(config, net::EventLoop::now());
    pump();
  }
  void send(protocol::PortConnection id, std::string_view text) {
    destinations[id].unsent += text;
    pump();
  }
  void end(protocol::PortConnection id) {
    destinations[id].ends = true;
    pump();
  }
  void reset(protocol::PortConnection id) {
    port->reset(id, net::EventLoop::now());
    destinations[id].closed = true;
    pump();
  }
  void pump() {
    bool progress = true;
    while (port && progress) {
      progress = false;
      const net::Instant now = net::EventLoop::now();
      while (const auto event = port->poll_event()) {
        progress = true;
        handle(*event, now);
      }
      for (auto& [id, destination] : destinations) {
        progress = serve(id, destination, now) || progress;
      }
      while (const auto output = port->poll_output(now)) {
        progress = true;
        service_.send_output(protocol::as_text(output->data), output->type);
      }
    }
  }

  std::optional<protocol::PortAgent> port;

 private:
  void ask() {
    protocol::HandshakeRequest request{.agent_version = agent_version_, .requested_actions = {}};
    request.requested_actions.push_back(
        {.action_type = std::string(protocol::action_session_type),
         .parameters = protocol::SessionTypeParameters{"Port", properties_}});
    service_.send_output(serialize(request), protocol::PayloadType::handshake_request);
  }

  void on_stream(const FakeService::Message& message) {
    if (!seen_.insert(message.sequence).second) {
      return;
    }
    if (message.type == protocol::PayloadType::handshake_response) {
      const auto response = protocol::parse_handshake_response(protocol::as_bytes(message.payload));
      ASSERT_TRUE(response);
      client_version = response->client_version;
      if (completes_handshake) {
        complete_handshake();
      }
    } else if (port) {
      EXPECT_TRUE(
          port->receive(message.type, protocol::as_bytes(message.payload), net::EventLoop::now()));
      pump();
    }
  }

  void handle(const protocol::PortEvent& event, net::Instant now) {
    if (const auto* dial = std::get_if<protocol::PortDial>(&event)) {
      if (refuses) {
        port->dial_failed(dial->id, "connection refused", now);
      } else {
        destinations[dial->id];
        port->dialed(dial->id, now);
      }
    } else if (const auto* closed = std::get_if<protocol::PortClosed>(&event)) {
      destinations[closed->id].closed = true;
    } else if (const auto* end = std::get_if<protocol::PortEnded>(&event)) {
      ended = *end;
      service_.close_channel(end->text);
    }
  }

  bool serve(protocol::PortConnection id, Destination& destination, net::Instant now) {
    bool progress = false;
    while (destination.reads && !port->readable(id).empty()) {
      const std::string part(protocol::as_text(port->readable(id)));
      destination.received += part;
      destination.unsent += echoes ? part : "";
      port->consumed(id, part.size(), now);
      progress = true;
    }
    if (!destination.closed && port->readable(id).empty() && port->read_ended(id) &&
        !std::exchange(destination.received_all, true)) {
      destination.ends = destination.ends || echoes;
      progress = true;
    }
    if (!destination.closed && !destination.unsent.empty() && port->room(id) > 0) {
      const std::size_t count =
          port->data(id,
                     protocol::as_bytes(destination.unsent)
                         .first(std::min(port->room(id), destination.unsent.size())),
                     now);
      destination.unsent.erase(0, count);
      progress = progress || count > 0;
    }
    if (!destination.closed && destination.ends && destination.unsent.empty() &&
        told_ends_.insert(id).second) {
      port->eof(id, now);
      progress = true;
    }
    return progress;
  }

  FakeService& service_;
  std::string properties_;
  std::string agent_version_;
  bool asked_ = false;
  std::set<std::int64_t> seen_;
  std::set<protocol::PortConnection> told_ends_;
};

}  // namespace ssm::test
