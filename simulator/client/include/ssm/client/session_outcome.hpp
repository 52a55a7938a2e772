#pragma once

#include <cstdint>
#include <string>

namespace ssm::client {

/// Why a session is over for this client.
enum class SessionEnd : std::uint8_t {
  channel_closed,            ///< by the service; `text` is its Output, empty for a normal end
  timed_out,                 ///< ResumeSession answered that the session is over
  unreachable,               ///< the first connection could not be opened
  resume_exhausted,          ///< the lost connection could not be opened again
  unknown_session_type,      ///< the handshake ended without a session type
  unsupported_session_type,  ///< not one that is wanted here; `text` is the type
  input_lost,                ///< profile only: input while there was no connection
  stalled,                   ///< the other side does not answer any more; `text` says how
  left,                      ///< by the user: `~.` typed on a terminal, or a signal to a forwarding
  input_ended,               ///< there is no more input, and all of it was acknowledged
  output_failed,             ///< the output cannot be written; `text` says why
  local_failure,             ///< something on this side, a port in use; `text` says what
  protocol_failure,          ///< the other side broke the rules of the session; `text` says which
  stopped,                   ///< by the signal `signal`
};

struct SessionOutcome {
  SessionEnd end = SessionEnd::channel_closed;
  std::string text = {};
  int signal = 0;
  /// `left`: the agent has acknowledged that it is to end the session.
  bool terminated = false;
};

}  // namespace ssm::client
