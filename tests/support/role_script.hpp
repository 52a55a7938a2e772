#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/agent_role.hpp"
#include "ssm/protocol/agent_session_state.hpp"
#include "ssm/protocol/client_role.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/service_role.hpp"

/// Playbooks for roles: every output and event is described as one short line, so that a test
/// states the whole expected conversation and nothing can be left over unnoticed.

namespace ssm::test {

using Lines = std::vector<std::string>;

/// Virtual time: milliseconds since the start of the test.
[[nodiscard]] inline protocol::Instant at_ms(std::int64_t ms) {
  return protocol::Instant(std::chrono::milliseconds(ms));
}

[[nodiscard]] inline std::string quoted(protocol::Bytes bytes) {
  std::string text = "'";
  for (const std::byte byte : bytes) {
    const auto character = std::to_integer<unsigned char>(byte);
    if (character == '\n') {
      text += "\\n";
    } else if (character == '\r') {
      text += "\\r";
    } else {
      text += static_cast<char>(character);
    }
  }
  return text + "'";
}

/// A message as a peer would send it.
struct Message {
  protocol::MessageType type = protocol::MessageType::output_stream_data;
  std::int64_t sequence = 0;
  std::string payload = "x";
  protocol::PayloadType payload_type = protocol::PayloadType::output;
  std::uint64_t created_date_ms = 1;
};
[[nodiscard]] inline protocol::Frame frame_of(const Message& message) {
  protocol::Random random(static_cast<std::uint64_t>(message.sequence) + 1);
  return protocol::encode_form({.type = protocol::wire_name(message.type),
                                .created_date_ms = message.created_date_ms,
                                .sequence_number = message.sequence,
                                .flags = 0,
                                .message_id = protocol::Uuid::random_v4(random),
                                .payload_type = message.payload_type},
                               protocol::as_bytes(message.payload), {.allow_empty_payload = true})
      .value();
}
[[nodiscard]] inline protocol::Frame output_frame(std::int64_t sequence, std::string payload) {
  return frame_of({.sequence = sequence, .payload = std::move(payload)});
}
[[nodiscard]] inline protocol::Frame input_frame(std::int64_t sequence, std::string payload) {
  return frame_of({.type = protocol::MessageType::input_stream_data,
                   .sequence = sequence,
                   .payload = std::move(payload)});
}
[[nodiscard]] inline protocol::Frame ack_frame(std::int64_t sequence) {
  return frame_of({.type = protocol::MessageType::acknowledge,
                   .payload = protocol::serialize(protocol::Acknowledge{
                       .message_type = "ignored",
                       .message_id = "ignored",
                       .sequence_number = sequence,
                       .is_sequential = true,
                   }),
                   .payload_type = protocol::PayloadType::none});
}
[[nodiscard]] inline protocol::Frame control_frame(protocol::MessageType type,
                                                   std::string payload) {
  return frame_of(
      {.type = type, .payload = std::move(payload), .payload_type = protocol::PayloadType::none});
}

/// `ack 3`, `input 0 output 'ls\r'`, `output 0 output 'hi' SYN`, `agent_session_state Connected`.
[[nodiscard]] inline std::string describe(const protocol::Frame& frame) {
  const auto view = protocol::parse(frame.bytes(), protocol::pedantic_message_rules);
  if (!view) {
    // Empty service messages have nothing to take a digest of that a pedantic reader would miss.
    return "invalid: " + view.error().to_string();
  }
  std::string text;
  switch (view->type) {
    case protocol::MessageType::acknowledge:
      return "ack " + std::to_string(protocol::parse_acknowledge(view->payload)->sequence_number);
    case protocol::MessageType::agent_session_state:
      return "agent_session_state " +
             protocol::parse_agent_session_state(view->payload)->session_state;
    case protocol::MessageType::input_stream_data:
    case protocol::MessageType::output_stream_data:
      text = view->type == protocol::MessageType::input_stream_data ? "input " : "output ";
      text += std::to_string(view->sequence_number) + " ";
      text += std::string(protocol::name(view->payload_type())) + " " + quoted(view->payload);
      return view->flags == protocol::flag_syn ? text + " SYN" : text;
    default:
      return std::string(view->type_text);
  }
}

[[nodiscard]] inline std::string describe(const protocol::OpenConnection& o) {
  return o.url.empty() ? "open" : "open " + o.url;
}
[[nodiscard]] inline std::string describe(const protocol::DropConnection&) {
  return "drop";
}
[[nodiscard]] inline std::string describe(const protocol::SendText& o) {
  return o.text.find("TokenValue") != std::string::npos ? "token frame" : "text " + o.text;
}
[[nodiscard]] inline std::string describe(const protocol::SendBinary& o) {
  return describe(o.frame);
}
[[nodiscard]] inline std::string describe(const protocol::SendPing&) {
  return "ping";
}
[[nodiscard]] inline std::string describe(const protocol::RequestResume&) {
  return "call ResumeSession";
}
[[nodiscard]] inline std::string describe(const protocol::RequestTerminate&) {
  return "call TerminateSession";
}
[[nodiscard]] inline std::string describe(const protocol::GenerateDataKey& o) {
  std::string text = "call GenerateDataKey " + o.key_id;
  for (const auto& [name, value] : o.context.entries()) {
    text += " " + std::string(name) + "=" + std::string(value);
  }
  return text;
}
[[nodiscard]] inline std::string describe(const protocol::DecryptDataKey& o) {
  std::string text = "call Decrypt " + o.key_id + " " + quoted(o.ciphertext);
  for (const auto& [name, value] : o.context.entries()) {
    text += " " + std::string(name) + "=" + std::string(value);
  }
  return text;
}
[[nodiscard]] inline std::string describe(const protocol::RequestDataChannel&) {
  return "call CreateDataChannel";
}
[[nodiscard]] inline std::string describe(const protocol::Deliver& o) {
  return "to " + std::string(protocol::name(o.to)) + ": " + describe(o.message);
}
[[nodiscard]] inline std::string describe(const protocol::CloseSide& o) {
  std::string text = "close " + std::string(protocol::name(o.side));
  text += o.code == 0 ? "" : " " + std::to_string(o.code);
  return o.reason.empty() ? text : text + " " + o.reason;
}

[[nodiscard]] inline std::string describe(const protocol::SessionStarted& e) {
  return "* started " + e.session_type;
}
[[nodiscard]] inline std::string describe(const protocol::OutputReceived& e) {
  return "* " + std::string(protocol::name(e.type)) + " " + quoted(e.data.bytes());
}
[[nodiscard]] inline std::string describe(const protocol::CustomerMessage& e) {
  return "* customer message " + e.text;
}
[[nodiscard]] inline std::string describe(const protocol::ConnectionInterrupted& e) {
  return "* interrupted " + e.detail;
}
[[nodiscard]] inline std::string describe(const protocol::ConnectionRestored&) {
  return "* restored";
}
[[nodiscard]] inline std::string describe(const protocol::InputPossible&) {
  return "* input possible";
}
[[nodiscard]] inline std::string describe(const protocol::ClientEnded& e) {
  return "* ended " + std::string(protocol::name(e.reason)) + (e.text.empty() ? "" : ": " + e.text);
}
[[nodiscard]] inline std::string describe(const protocol::AgentConnected&) {
  return "* connected";
}
[[nodiscard]] inline std::string describe(const protocol::InputReceived& e) {
  return "* " + std::string(protocol::name(e.type)) + " " + quoted(e.data.bytes());
}
[[nodiscard]] inline std::string describe(const protocol::TerminalResized& e) {
  return "* size " + std::to_string(e.size.cols) + "x" + std::to_string(e.size.rows);
}
[[nodiscard]] inline std::string describe(const protocol::ChannelClosedByService& e) {
  return "* channel closed" + (e.text.empty() ? "" : ": " + e.text);
}
[[nodiscard]] inline std::string describe(const protocol::OutputPossible&) {
  return "* output possible";
}
[[nodiscard]] inline std::string describe(const protocol::AgentEnded& e) {
  return "* ended " + std::string(protocol::name(e.reason)) + (e.text.empty() ? "" : ": " + e.text);
}
[[nodiscard]] inline std::string describe(const protocol::StatusChanged& e) {
  static constexpr std::string_view names[] = {"connecting", "connected", "disconnected"};
  return "* " + std::string(names[static_cast<std::size_t>(e.status)]);
}
[[nodiscard]] inline std::string describe(const protocol::ServiceEnded& e) {
  return std::string(e.failed ? "* failed" : "* over") + (e.text.empty() ? "" : ": " + e.text);
}
[[nodiscard]] inline std::string describe(const protocol::MessageRefused& e) {
  return "* refused from " + std::string(protocol::name(e.from)) + ": " + e.error.code.message();
}

/// Everything the role has to say: outputs in order, then events in order.
template <class Role>
[[nodiscard]] Lines drain(Role& role) {
  Lines lines;
  const auto add = [&lines](const auto& value) { lines.push_back(describe(value)); };
  while (auto output = role.poll_output()) {
    std::visit(add, *output);
  }
  while (auto event = role.poll_event()) {
    std::visit(add, *event);
  }
  return lines;
}

/// Runs the role's own timers up to `until`, as a driver would, and returns what it said, each
/// timer's lines preceded by its time: `@200`.
template <class Role>
[[nodiscard]] Lines run_until(Role& role, protocol::Instant until) {
  Lines lines;
  while (const auto next = role.next_timeout()) {
    if (*next > until) {
      break;
    }
    role.on_timer(*next);
    const Lines said = drain(role);
    if (!said.empty()) {
      lines.push_back("@" + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(
                                               next->time_since_epoch())
                                               .count()));
      lines.insert(lines.end(), said.begin(), said.end());
    }
  }
  return lines;
}

}  // namespace ssm::test
