#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/sim/network.hpp"
#include "ssm/sim/observer.hpp"

namespace ssm::sim {

/// Keeps what a user of connections is told, a line each, with the time in ms.
class RecordingUser final : public ConnectionUser {
 public:
  explicit RecordingUser(const Scheduler& scheduler) : scheduler_(scheduler) {}

  void opened(Connection& one) override { say(one, "opened"); }
  std::string refusal(Connection& /*one*/) override { return refuses; }
  void failed(Connection& one, const std::string& detail) override {
    say(one, "failed: " + detail);
  }
  void lost(Connection& one, const std::string& detail) override { say(one, "lost: " + detail); }
  void arrived(Connection& one, Packet packet) override {
    say(one, packet.kind == Packet::Kind::pong ? "pong" : "got " + packet.text);
  }
  void room(Connection& one) override { say(one, "room"); }

  std::string refuses;
  std::vector<std::string> lines;

 private:
  void say(const Connection& connection, const std::string& what) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(scheduler_.elapsed());
    lines.push_back(std::to_string(ms.count()) + " " + std::to_string(connection.number()) + " " +
                    what);
  }

  const Scheduler& scheduler_;
};

/// Keeps everything that an observer is shown, byte for byte.
class RecordingObserver final : public Observer {
 public:
  void message(const ObservedMessage& one) override {
    text += std::to_string(one.at.count()) + " " + std::to_string(one.connection) + " " +
            std::string(name(one.side)) + (one.received ? " received " : " sent ") +
            (one.text ? "text " : "binary ") + std::string(protocol::as_text(one.data)) + "\n";
    ++messages;
  }
  void connection_opened(Duration at, std::uint64_t connection, Side side) override {
    text += std::to_string(at.count()) + " opened " + std::to_string(connection) + " " +
            std::string(name(side)) + "\n";
  }
  void connection_closed(Duration at, std::uint64_t connection, Side side,
                         std::string_view detail) override {
    text += std::to_string(at.count()) + " closed " + std::to_string(connection) + " " +
            std::string(name(side)) + ": " + std::string(detail) + "\n";
  }
  void note(Duration at, std::string_view what) override {
    text += std::to_string(at.count()) + " note " + std::string(what) + "\n";
    notes.emplace_back(what);
  }

  std::string text;
  std::vector<std::string> notes;
  std::uint64_t messages = 0;
};

inline protocol::Frame message_of(protocol::MessageType type, std::int64_t sequence,
                                  std::string_view payload) {
  protocol::Random random(static_cast<std::uint64_t>(sequence) + 1);
  return *protocol::encode({.type = wire_name(type),
                            .created_date_ms = 1,
                            .sequence_number = sequence,
                            .message_id = protocol::Uuid::random_v4(random),
                            .payload_type = protocol::PayloadType::output},
                           protocol::as_bytes(payload));
}
inline protocol::Frame input_message(std::int64_t sequence) {
  return message_of(protocol::MessageType::input_stream_data, sequence, "x");
}
inline protocol::Frame output_message(std::int64_t sequence) {
  return message_of(protocol::MessageType::output_stream_data, sequence, "x");
}
/// Of a stream message of the other direction.
inline protocol::Frame acknowledgement(std::int64_t sequence) {
  const std::string payload = protocol::serialize(
      {.message_type = "any", .message_id = "any", .sequence_number = sequence});
  return message_of(protocol::MessageType::acknowledge, 0, payload);
}

}  // namespace ssm::sim
