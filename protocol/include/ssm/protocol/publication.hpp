#pragma once

namespace ssm::protocol {

/// Whether an agent may put stream data on the wire: pause_publication and start_publication, and
/// everything else that ends a pause (amazon-ssm-agent
/// `agent/session/datachannel/datachannel.go`). Acknowledgements and agent_session_state are sent
/// during a pause all the same (FLOW-009). A client has no such state (FLOW-005).
class Publication {
 public:
  /// Each returns true when this call ended a pause.
  //= FLOW-001
  bool on_pause() {
    paused_ = true;
    return false;
  }
  //= FLOW-002
  bool on_start() { return end_pause(); }
  /// Any input_stream_data, duplicates included.
  //= FLOW-003
  bool on_input() { return end_pause(); }
  /// Any acknowledge, even one that cannot be read.
  //= ACK-013
  bool on_acknowledge() { return end_pause(); }
  //= FLOW-008
  bool on_reconnect() { return end_pause(); }

  [[nodiscard]] bool paused() const { return paused_; }

 private:
  bool end_pause() {
    const bool was_paused = paused_;
    paused_ = false;
    return was_paused;
  }
  bool paused_ = false;
};

}  // namespace ssm::protocol
