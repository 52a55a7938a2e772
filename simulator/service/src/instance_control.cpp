#include "ssm/service/instance_control.hpp"

#include <array>
#include <utility>

namespace ssm::service {
namespace {

constexpr std::array<std::pair<AgentAction, std::string_view>, 8> names = {{
    {AgentAction::stop, "stop"},
    {AgentAction::start, "start"},
    {AgentAction::crash, "crash"},
    {AgentAction::restart, "restart"},
    {AgentAction::stall, "stall"},
    {AgentAction::resume, "resume"},
    {AgentAction::offline, "offline"},
    {AgentAction::online, "online"},
}};

}  // namespace

std::string_view name(AgentAction action) {
  for (const auto& [value, text] : names) {
    if (value == action) {
      return text;
    }
  }
  return {};
}

std::optional<AgentAction> parse_agent_action(std::string_view text) {
  for (const auto& [value, known] : names) {
    if (known == text) {
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace ssm::service
