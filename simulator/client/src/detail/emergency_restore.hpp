#pragma once

#include <termios.h>

namespace ssm::client::detail {

/// What must be put back when the process dies without unwinding: terminal modes and file status
/// flags that are shared with other processes. A fixed table, so that signal handlers can run it.
///
/// `register_*` answers a slot for `forget_restore`, or -1 when the table is full (then only the
/// orderly ways restore). Registering installs the handlers where the disposition is the default.
[[nodiscard]] int register_termios(int fd, const termios& mode);
[[nodiscard]] int register_status_flags(int fd, int flags);
void forget_restore(int slot) noexcept;

/// tcsetattr that also works from the background, where it would stop the process.
/// Async-signal-safe.
void set_terminal_mode(int fd, int when, const termios& mode) noexcept;

}  // namespace ssm::client::detail
