#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ssm/protocol/agent_role.hpp"
#include "ssm/sim/end_node.hpp"

namespace ssm::sim {

/// The agent's session worker: an AgentRole and its driver.
class AgentNode final : public EndNode {
 public:
  AgentNode(World world, protocol::AgentConfig config, Application& application);

  void start();
  [[nodiscard]] const protocol::AgentRole& role() const { return role_; }

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
  void role_pong(Instant now) override { role_.pong_received(now); }
  void role_on_timer(Instant now) override { role_.on_timer(now); }
  void role_set_reading(bool reading, Instant now) override { role_.set_reading(reading, now); }
  std::optional<Instant> role_next_timeout() const override { return role_.next_timeout(); }
  bool role_can_send() const override { return program_started_ && role_.can_send(); }
  void role_send(const Chunk& chunk, Instant now) override;
  bool advance_once(Instant now) override;
  std::size_t role_unacknowledged() const override { return role_.unacknowledged(); }
  void application_finished(const Finished& finished, Instant now) override;
  void check(Verdicts& verdicts) override;

  void perform(const protocol::RequestDataChannel& output);
  void perform(const protocol::OpenConnection& output);
  void perform(const protocol::DropConnection& output);
  void perform(protocol::SendText& output);
  void perform(protocol::SendBinary& output);
  void perform(const protocol::SendPing& output);
  void perform(const protocol::DecryptDataKey& output);
  void handle(const protocol::AgentConnected& event);
  void handle(const protocol::InputReceived& event);
  void handle(const protocol::TerminalResized& event);
  void handle(const protocol::ChannelClosedByService& event);
  void handle(const protocol::OutputPossible& event);
  void handle(const protocol::AgentEnded& event);

  protocol::AgentProfile profile_;
  bool has_terminal_;
  protocol::AgentRole role_;
  SessionFacts facts_;
  Alarm program_alarm_;
  bool program_started_ = false;
};

}  // namespace ssm::sim
