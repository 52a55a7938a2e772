#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ssm::service {

/// Where the agent of an instance runs.
enum class AgentPlace {
  none,      ///< there is none, or it is not connected
  embedded,  ///< in this process
  remote     ///< on a control channel
};
/// `none`, `embedded`, `remote`.
[[nodiscard]] std::string_view name(AgentPlace place);

/// A node that sessions can be started on.
struct ManagedInstance {
  std::string id;
  /// Has an open control channel, or an embedded agent that runs.
  bool online = false;
  AgentPlace agent = AgentPlace::none;
  /// Profile of the embedded agent (`strict`, `agent-3.3`), also for whoever starts it; empty while
  /// the agent is a remote one.
  std::string agent_profile = "strict";
  std::string agent_version = "3.3.0.0";
  std::string platform_type = "Linux";
  std::string platform_name = "Debian GNU/Linux";
  std::string platform_version = "12";
  std::string computer_name{};
  std::string ip_address = "127.0.0.1";
  std::string name{};           ///< activation's default name, `mi-` only; may be empty
  std::string iam_role{};       ///< `mi-` only; may be empty
  std::string activation_id{};  ///< `mi-` only; may be empty
  std::map<std::string, std::string> tags{};
  std::optional<std::int64_t> registered_ms{};  ///< milliseconds since the Unix epoch
  std::int64_t last_ping_ms = 0;

  /// `ManagedInstance` for ids that begin with `mi-`, else `EC2Instance`.
  [[nodiscard]] std::string_view resource_type() const;
  /// `Online` or `ConnectionLost`.
  [[nodiscard]] std::string_view ping_status() const;
};

/// The instances of the service in the order they were added. References stay valid: instances are
/// never removed. Not thread-safe.
class InstanceRegistry {
 public:
  /// Replaces one of the same id.
  ManagedInstance& add(ManagedInstance instance);

  [[nodiscard]] ManagedInstance* find(std::string_view id);
  [[nodiscard]] const ManagedInstance* find(std::string_view id) const;

  /// Sets `online` and, when it comes or is online, the time of the last ping. False if unknown.
  bool set_online(std::string_view id, bool online, std::int64_t now_ms);
  [[nodiscard]] bool is_online(std::string_view id) const;

  [[nodiscard]] const std::deque<ManagedInstance>& all() const { return instances_; }

 private:
  std::deque<ManagedInstance> instances_;
  std::unordered_map<std::string_view, ManagedInstance*> by_id_;
};

/// i-123456789, i-0123456789abcdef0 and mi-0123456789abcdef0, online.
[[nodiscard]] std::vector<ManagedInstance> default_instances(std::int64_t now_ms);

}  // namespace ssm::service
