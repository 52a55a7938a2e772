#pragma once

#include <cstdint>
#include <memory>

#include "ssm/client/session_client.hpp"

namespace ssm::client {

/// What happens at the end of the input.
enum class InputEnd : std::uint8_t {
  /// The remote side learns of it, as it would at the end of a file: an unfinished last line is
  /// ended, then end of transmission (0x04) is sent, and again from time to time while the session
  /// lasts, because a program that does not read its terminal at that moment never sees it.
  send_end_of_transmission,
  /// The client ends once all input was acknowledged (session-manager-plugin ends at once and
  /// loses what was not, SHELL-029).
  end_client,
};

struct ShellOptions {
  /// Descriptors of the caller; they stay its own and keep their flags.
  int input = 0;
  int output = 1;
  InputEnd input_end = InputEnd::send_end_of_transmission;
  /// SIGINT, SIGQUIT and SIGTSTP are bytes for the remote side (SHELL-008). Otherwise SIGINT and
  /// SIGQUIT end the client and SIGTSTP suspends it, with the terminal as it was before.
  bool signals_are_input = false;

  /// `end_client`: how long acknowledgements are waited for.
  net::Duration acknowledgement_limit = std::chrono::seconds(5);
  /// `send_end_of_transmission`: first repetition; later ones wait twice as long, up to 8 times.
  net::Duration end_of_transmission_interval = std::chrono::seconds(1);
};

/// Standard_Stream, InteractiveCommands and NonInteractiveCommands.
[[nodiscard]] bool is_shell(std::string_view session_type);

/// A shell session in a terminal, or between pipes.
///
/// Output goes to `output` unchanged, whatever its payload type (SHELL-006, SHELL-007); when that
/// is slow, the connection is read more slowly. Input is read only as fast as the session takes it,
/// and waits while a lost connection is resumed. The terminal is raw while the session lasts;
/// `~.` typed after Enter leaves (BUG-037).
[[nodiscard]] std::unique_ptr<SessionApplication> make_shell(
    const protocol::SessionStarted& started, SessionHost& host, const ShellOptions& options);

}  // namespace ssm::client
