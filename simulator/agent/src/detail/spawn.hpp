#pragma once

#include <sys/types.h>

#include "detail/unique_fd.hpp"
#include "ssm/agent/pty_process.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::agent::detail {

struct SpawnedProgram {
  UniqueFd terminal;  ///< the master end
  pid_t pid = -1;
  UniqueFd pidfd;
};

/// Starts the program of `options` in a new pseudo terminal and waits until it was executed.
/// Errors: the system's, with the failed step in the context.
[[nodiscard]] protocol::Result<SpawnedProgram> spawn_in_terminal(const PtyOptions& options);

}  // namespace ssm::agent::detail
