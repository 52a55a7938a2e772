#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ssm/protocol/client_role.hpp"
#include "ssm/sim/end_node.hpp"

namespace ssm::sim {

/// The client process of a session: a ClientRole and its driver.
class ClientNode final : public EndNode {
 public:
  /// One that began its session terminates it when it cannot go on with it; one that joined leaves
  /// it to others.
  enum class Began : bool { no, yes };
  ClientNode(World world, protocol::ClientConfig config, Application& application, Began began);

  void start();
  [[nodiscard]] const protocol::ClientRole& role() const { return role_; }

 private:
  void role_connection_opened(Instant now) override { role_.connection_opened(now); }
  void role_connection_failed(const std::string& detail, Instant now) override {
    role_.connection_failed(detail, now);
  }
  void role_connection_lost(const std::string& detail, Instant now) override {
    role_.connection_lost(detail, now);
  }
  void role_receive(const protocol::Frame& frame, Instant now) override {
    role_.receive(frame, now);
  }
  void role_pong(Instant now) override;
  void role_on_timer(Instant now) override { role_.on_timer(now); }
  void role_set_reading(bool reading, Instant now) override { role_.set_reading(reading, now); }
  std::optional<Instant> role_next_timeout() const override { return role_.next_timeout(); }
  bool role_can_send() const override { return role_.can_send(); }
  void role_send(const Chunk& chunk, Instant now) override;
  bool advance_once(Instant now) override;
  std::size_t role_unacknowledged() const override { return role_.unacknowledged(); }
  void application_finished(const Finished& finished, Instant now) override;
  void input_ended(Instant now) override { role_.finish_input(now); }
  void check(Verdicts& verdicts) override;

  void perform(const protocol::OpenConnection& output);
  void perform(const protocol::DropConnection& output);
  void perform(protocol::SendText& output);
  void perform(protocol::SendBinary& output);
  void perform(const protocol::SendPing& output);
  void perform(const protocol::RequestResume& output);
  void perform(const protocol::RequestTerminate& output);
  void perform(const protocol::GenerateDataKey& output);
  void handle(const protocol::SessionStarted& event);
  void handle(const protocol::OutputReceived& event);
  void handle(const protocol::CustomerMessage& event);
  void handle(const protocol::ConnectionInterrupted& event);
  void handle(const protocol::ConnectionRestored& event);
  void handle(const protocol::InputPossible& event);
  void handle(const protocol::ClientEnded& event);

  Began began_;
  protocol::ClientProfile profile_;
  protocol::ClientRole role_;
};

}  // namespace ssm::sim
