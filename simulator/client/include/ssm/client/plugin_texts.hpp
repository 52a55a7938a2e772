#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "ssm/client/port_forwarding.hpp"
#include "ssm/client/session_outcome.hpp"

namespace ssm::client {

/// What session-manager-plugin prints on stdout before it connects
/// (session-manager-plugin src/sessionmanagerplugin/session/session.go).
[[nodiscard]] std::string start_text(std::string_view session_id);

/// What it prints on stdout for each end that it knows (CLOSE-001, CLOSE-002, RESUME-003,
/// SHELL-029); the ends at which it hangs or crashes have a text of the same form.
[[nodiscard]] std::string end_text(const SessionOutcome& outcome, std::string_view session_id);

/// What it prints on stdout about a forwarding's connections (PORT-025; session-manager-plugin
/// src/sessionmanagerplugin/session/portsession/muxportforwarding.go, basicportforwarding.go).
class PluginPortTexts final : public PortWatcher {
 public:
  PluginPortTexts(std::string session_id, std::function<void(std::string_view)> print)
      : session_id_(std::move(session_id)), print_(std::move(print)) {}

  void listening(const net::ListenAddress& address, protocol::PortMode mode,
                 std::string_view agent_version) override;
  void accepted(std::uint64_t number, bool waits) override;
  void destination_refused() override;
  void terminating() override;

 private:
  std::string session_id_;
  std::function<void(std::string_view)> print_;
  protocol::PortMode mode_ = protocol::PortMode::mux;
};

}  // namespace ssm::client
