#include "ssm/protocol/role.hpp"

namespace ssm::protocol {

std::string_view name(ConnectionState state) {
  switch (state) {
    case ConnectionState::idle:
      return "idle";
    case ConnectionState::requesting:
      return "requesting";
    case ConnectionState::opening:
      return "opening";
    case ConnectionState::open:
      return "open";
    case ConnectionState::waiting:
      return "waiting";
    case ConnectionState::lost:
      return "lost";
    case ConnectionState::ended:
      return "ended";
  }
  return "unknown";
}

}  // namespace ssm::protocol
