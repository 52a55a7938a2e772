#include "ssm/service/instances.hpp"

#include <utility>

namespace ssm::service {

std::string_view name(AgentPlace place) {
  switch (place) {
    case AgentPlace::none:
      return "none";
    case AgentPlace::embedded:
      return "embedded";
    case AgentPlace::remote:
      return "remote";
  }
  return {};
}

std::string_view ManagedInstance::resource_type() const {
  return id.starts_with("mi-") ? "ManagedInstance" : "EC2Instance";
}

std::string_view ManagedInstance::ping_status() const {
  return online ? "Online" : "ConnectionLost";
}

ManagedInstance& InstanceRegistry::add(ManagedInstance instance) {
  if (ManagedInstance* known = find(instance.id)) {
    by_id_.erase(known->id);  // its key is a view of the id that is about to be overwritten
    *known = std::move(instance);
    by_id_.emplace(known->id, known);
    return *known;
  }
  ManagedInstance& added = instances_.emplace_back(std::move(instance));
  by_id_.emplace(added.id, &added);
  return added;
}

ManagedInstance* InstanceRegistry::find(std::string_view id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

const ManagedInstance* InstanceRegistry::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

bool InstanceRegistry::set_online(std::string_view id, bool online, std::int64_t now_ms) {
  ManagedInstance* instance = find(id);
  if (instance == nullptr) {
    return false;
  }
  instance->online = online;
  if (online) {
    instance->last_ping_ms = now_ms;
  }
  return true;
}

bool InstanceRegistry::is_online(std::string_view id) const {
  const ManagedInstance* instance = find(id);
  return instance != nullptr && instance->online;
}

std::vector<ManagedInstance> default_instances(std::int64_t now_ms) {
  std::vector<ManagedInstance> instances;
  for (const std::string_view id : {"i-123456789", "i-0123456789abcdef0", "mi-0123456789abcdef0"}) {
    ManagedInstance& instance = instances.emplace_back();
    instance.id = id;
    instance.online = true;
    instance.computer_name = instance.id + ".ssmsim.test";
    instance.last_ping_ms = now_ms;
    if (instance.resource_type() == "ManagedInstance") {
      instance.registered_ms = now_ms;
      instance.iam_role = "SSMServiceRole";
      instance.activation_id = "11111111-2222-3333-4444-555555555555";
    }
  }
  return instances;
}

}  // namespace ssm::service
