#include "ssm/client/plugin_texts.hpp"

#include <fmt/format.h>

namespace ssm::client {
namespace {

std::string cannot(std::string_view reason) {
  return fmt::format("Cannot perform start session: {}\n", reason);
}

}  // namespace

std::string start_text(std::string_view session_id) {
  return fmt::format("\nStarting session with SessionId: {}\n", session_id);
}

std::string end_text(const SessionOutcome& outcome, std::string_view session_id) {
  switch (outcome.end) {
    case SessionEnd::channel_closed:
      //= CLOSE-001
      //= CLOSE-002
      //= CLOSE-008
      return outcome.text.empty()
                 ? fmt::format("\n\nExiting session with sessionId: {}.\n\n", session_id)
                 : fmt::format("\n\nSessionId: {} : {}\n\n", session_id, outcome.text);
    case SessionEnd::timed_out:
      //= RESUME-003
      return fmt::format("Session: {} timed out.\n", session_id);
    case SessionEnd::unreachable:
      return cannot(fmt::format("the data channel cannot be opened: {}", outcome.text));
    case SessionEnd::resume_exhausted:
      return cannot(
          fmt::format("the connection was lost and could not be resumed: {}", outcome.text));
    case SessionEnd::unknown_session_type:
      return cannot("unable to determine SessionType");
    case SessionEnd::unsupported_session_type:
      return cannot(fmt::format("sessions of type '{}' are not supported here", outcome.text));
    case SessionEnd::stalled:
    case SessionEnd::input_lost:
      return cannot(outcome.text);
    case SessionEnd::input_ended:
      //= SHELL-029
      return cannot("EOF");
    case SessionEnd::output_failed:
      return cannot(fmt::format("output cannot be written: {}", outcome.text));
    case SessionEnd::local_failure:
    case SessionEnd::protocol_failure:
      return cannot(outcome.text);
    case SessionEnd::left:
      return fmt::format("\n\nExiting session with sessionId: {}.\n\n", session_id);
    case SessionEnd::stopped:
      return {};
  }
  return {};
}

//= PORT-025
void PluginPortTexts::listening(const net::ListenAddress& address, protocol::PortMode mode,
                                std::string_view /*agent_version*/) {
  mode_ = mode;
  print_(address.path.empty()
             ? fmt::format("Port {} opened for sessionId {}.\n", address.port, session_id_)
             : fmt::format("Unix socket {} opened for sessionId {}.\n", address.path, session_id_));
  if (mode == protocol::PortMode::mux) {
    print_("Waiting for connections...\n");
  }
}

void PluginPortTexts::accepted(std::uint64_t number, bool /*waits*/) {
  if (number == 1) {
    print_(mode_ == protocol::PortMode::mux
               ? fmt::format("\nConnection accepted for session [{}]\n", session_id_)
               : fmt::format("Connection accepted for session {}.\n", session_id_));
  }
}

void PluginPortTexts::destination_refused() {
  print_("\nConnection to destination port failed, check SSM Agent logs.\n");
}

void PluginPortTexts::terminating() {
  print_("Terminate signal received, exiting.\n");
}

}  // namespace ssm::client
