#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ssm/client/session_driver.hpp"

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
  /// Progress for people: connection lost, resumed. May be empty.
  std::function<void(std::string_view)> note;

  /// `end_client`: how long acknowledgements are waited for.
  net::Duration acknowledgement_limit = std::chrono::seconds(5);
  /// `send_end_of_transmission`: first repetition; later ones wait twice as long, up to 8 times.
  net::Duration end_of_transmission_interval = std::chrono::seconds(1);
};

enum class ShellEnd : std::uint8_t {
  channel_closed,            ///< by the service; `text` is its Output, empty for a normal end
  timed_out,                 ///< ResumeSession answered that the session is over
  unreachable,               ///< the first connection could not be opened
  resume_exhausted,          ///< the lost connection could not be opened again
  unknown_session_type,      ///< the handshake ended without a session type
  unsupported_session_type,  ///< not a shell; `text` is the type
  input_lost,                ///< profile only: input while there was no connection
  stalled,                   ///< the other side does not answer any more; `text` says how
  left,                      ///< by the user, with `~.` typed on a terminal
  input_ended,               ///< InputEnd::end_client
  output_failed,             ///< the output cannot be written; `text` says why
  stopped,                   ///< by the signal `signal`
};

struct ShellOutcome {
  ShellEnd end = ShellEnd::channel_closed;
  std::string text;
  int signal = 0;
};

/// A shell session in a terminal, or between pipes: Standard_Stream, InteractiveCommands and
/// NonInteractiveCommands.
///
/// Output goes to `output` unchanged, whatever its payload type (SHELL-006, SHELL-007); when that
/// is slow, the connection is read more slowly. Input is read only as fast as the session takes it,
/// and waits while a lost connection is resumed. The terminal is raw while the session lasts;
/// `~.` typed after Enter leaves (BUG-037).
///
/// The caller ignores SIGPIPE. `on_end` is called from the loop, once, when all output is written
/// and the terminal is as before. Not after this object was destroyed, which ends everything.
class ShellClient {
 public:
  ShellClient(net::EventLoop& loop, const protocol::ClientConfig& config, SessionApi api,
              ShellOptions options, std::function<void(ShellOutcome)> on_end);
  ~ShellClient();
  ShellClient(const ShellClient&) = delete;
  ShellClient& operator=(const ShellClient&) = delete;

  void start();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ssm::client
