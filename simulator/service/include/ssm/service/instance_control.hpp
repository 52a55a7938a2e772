#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ssm::service {

/// What can be done to an agent from outside, `POST /_ssmsim/v1/instances/{id}/{action}`.
enum class AgentAction {
  stop,     ///< ends its sessions in order, then is offline
  start,    ///< after stop and crash
  crash,    ///< is gone at once: connections vanish, programs are killed, nothing is reported
  restart,  ///< crash and start
  stall,    ///< reads and writes nothing any more, its connections half open
  resume,   ///< after stall
  offline,  ///< loses its control channel; its sessions go on
  online,   ///< after offline
};
/// `stop` and so on.
[[nodiscard]] std::string_view name(AgentAction action);
/// The reverse; nullopt for any other text.
[[nodiscard]] std::optional<AgentAction> parse_agent_action(std::string_view text);

/// Commands agents and knows their state. Called on the loop's thread.
class InstanceControl {
 public:
  InstanceControl() = default;
  InstanceControl(const InstanceControl&) = delete;
  InstanceControl& operator=(const InstanceControl&) = delete;
  virtual ~InstanceControl() = default;

  /// `running`, `stalled`, `stopping`, `stopped`, `crashed` or `offline`.
  [[nodiscard]] virtual std::string_view agent_state(std::string_view instance_id) const = 0;
  /// Carries the action out, or says for people why that is not possible now; then nothing has
  /// changed. The instance exists.
  [[nodiscard]] virtual std::optional<std::string> command(std::string_view instance_id,
                                                           AgentAction action) = 0;
};

}  // namespace ssm::service
