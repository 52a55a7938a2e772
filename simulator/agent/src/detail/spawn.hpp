#pragma once

#include <sys/types.h>

#include "detail/unique_fd.hpp"
#include "ssm/agent/program_options.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::agent::detail {

struct SpawnedProgram {
  UniqueFd output;  ///< the terminal's master end, or of a pipe
  UniqueFd error;   ///< of its own pipe, if it has one
  pid_t pid = -1;
  UniqueFd pidfd;
};

/// Starts the program in a new pseudo terminal, which is its controlling one, and waits until it
/// was executed. Errors: the system's, with the failed step in the context.
[[nodiscard]] protocol::Result<SpawnedProgram> spawn_in_terminal(const ProgramOptions& options);

/// The same without a terminal: nothing to read on stdin, stdout and stderr into one pipe or one
/// each. The program leads a session of its own here, too.
[[nodiscard]] protocol::Result<SpawnedProgram> spawn_with_pipes(const ProgramOptions& options,
                                                                bool separate_error);

}  // namespace ssm::agent::detail
