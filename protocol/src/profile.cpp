#include "ssm/protocol/profile.hpp"

#include <algorithm>

namespace ssm::protocol {
namespace {

template <class Profile>
const Profile* find_by_name(std::span<const Profile> profiles, std::string_view name) {
  const auto found = std::ranges::find(profiles, name, &Profile::name);
  return found == profiles.end() ? nullptr : &*found;
}

}  // namespace

const ClientProfile* find_client_profile(std::string_view name) {
  return find_by_name(client_profiles(), name);
}

const AgentProfile* find_agent_profile(std::string_view name) {
  return find_by_name(agent_profiles(), name);
}

}  // namespace ssm::protocol
