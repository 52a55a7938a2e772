#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "smux_fixture.hpp"
#include "ssm/protocol/port_agent.hpp"
#include "ssm/protocol/port_client.hpp"

/// What tests of port sessions share: one end and a time of its own, events and output as lines.

namespace ssm::test {

inline std::string_view name(protocol::PortCloseReason reason) {
  using enum protocol::PortCloseReason;
  switch (reason) {
    case ended:
      return "ended";
    case refused:
      return "refused";
    case busy:
      return "busy";
    case no_stream:
      return "no stream";
    case stalled:
      return "stalled";
    case peer_error:
      return "peer error";
    case dial_timeout:
      return "dial timeout";
    case session_ended:
      return "session ended";
  }
  return "?";
}

inline std::string describe(const protocol::PortEvent& event) {
  using namespace protocol;
  return std::visit(
      [](const auto& e) -> std::string {
        using Event = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<Event, PortDial>) {
          return "dial " + std::to_string(e.id);
        } else if constexpr (std::is_same_v<Event, PortReadable>) {
          return "readable " + std::to_string(e.id);
        } else if constexpr (std::is_same_v<Event, PortWritable>) {
          return "writable " + std::to_string(e.id);
        } else if constexpr (std::is_same_v<Event, PortClosed>) {
          return "close " + std::to_string(e.id) + ": " + std::string(name(e.reason));
        } else if constexpr (std::is_same_v<Event, PortDestinationRefused>) {
          return "destination refused";
        } else if constexpr (std::is_same_v<Event, PortReceivePossible>) {
          return "receive possible";
        } else if constexpr (std::is_same_v<Event, PortInputFinished>) {
          return "input finished";
        } else if constexpr (std::is_same_v<Event, PortTerminateByApi>) {
          return "terminate by api";
        } else {
          return "end " + std::to_string(e.exit_code) + ": " + e.text;
        }
      },
      event);
}

template <class End>
class PortScript {
 public:
  template <class Config>
  explicit PortScript(const Config& config) : end(config, protocol::Instant{}) {}

  std::size_t data(protocol::PortConnection id, std::string_view text) {
    return end.data(id, protocol::as_bytes(text), now);
  }
  bool receive(std::string_view hex) {
    return end.receive(protocol::PayloadType::output, from_hex(hex), now);
  }
  bool receive_text(std::string_view text) {
    return end.receive(protocol::PayloadType::output, protocol::as_bytes(text), now);
  }
  bool receive_flag(std::string_view hex) {
    return end.receive(protocol::PayloadType::flag, from_hex(hex), now);
  }
  std::string read(protocol::PortConnection id) {
    std::string text;
    while (!end.readable(id).empty()) {
      const std::string part(protocol::as_text(end.readable(id)));
      text += part;
      end.consumed(id, part.size(), now);
    }
    return text;
  }
  /// `flag 00000001`, `output 6162` or, for another type, its number.
  std::vector<std::string> output() {
    std::vector<std::string> lines;
    while (const auto output = end.poll_output(now)) {
      const std::string type = output->type == protocol::PayloadType::output ? "output"
                               : output->type == protocol::PayloadType::flag ? "flag"
                                                                             : "?";
      lines.push_back(type + " " + to_hex(output->data));
    }
    return lines;
  }
  std::vector<std::string> events() {
    std::vector<std::string> lines;
    while (const auto event = end.poll_event()) {
      lines.push_back(describe(*event));
    }
    return lines;
  }
  void advance(protocol::Duration by) {
    now += by;
    end.on_timer(now);
  }

  protocol::Instant now{};
  End end;
};

using ClientScript = PortScript<protocol::PortClient>;
using AgentScript = PortScript<protocol::PortAgent>;

inline protocol::PortClientConfig client_config(protocol::PortMode mode,
                                                std::string_view rules = "strict") {
  return {.choice = {.mode = mode, .local_port_forwarding = true},
          .rules = *protocol::find_port_client_rules(rules)};
}

inline protocol::PortAgentConfig agent_config(protocol::PortMode mode,
                                              std::string_view rules = "strict") {
  return {.choice = {.mode = mode, .local_port_forwarding = true},
          .rules = *protocol::find_port_agent_rules(rules)};
}

}  // namespace ssm::test
