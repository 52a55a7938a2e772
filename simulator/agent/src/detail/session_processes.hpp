#pragma once

#include <sys/types.h>

#include <cstddef>

namespace ssm::agent::detail {

/// Sends `signal` to every process of the session that is not dead yet, and returns how many there
/// were. Looks through /proc; processes of other users may be hidden or refuse the signal.
///
/// The leader must not have been reaped: only then the session's number is surely still its own.
std::size_t signal_session(pid_t session, int signal);

/// SIGKILL to every process of the session, also to those that are born meanwhile.
void kill_session(pid_t session);

}  // namespace ssm::agent::detail
