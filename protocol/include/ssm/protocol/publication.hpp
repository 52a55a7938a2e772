#pragma once

namespace ssm::protocol {

/// Whether an agent may put stream data on the wire: pause_publication and start_publication, and
/// everything else that ends a pause (data-channel.md 4.8, FLOW-001 to FLOW-009).
class Publication {
 public:
  /// Each returns true when this call ended a pause.
  bool on_pause() {
    paused_ = true;
    return false;
  }
  bool on_start() { return end_pause(); }
  bool on_input() { return end_pause(); }        ///< any input_stream_data, duplicates included
  bool on_acknowledge() { return end_pause(); }  ///< any acknowledge, even a malformed one
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
