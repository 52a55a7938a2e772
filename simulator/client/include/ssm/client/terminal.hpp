#pragma once

#include <termios.h>

#include <cstdint>

#include "ssm/protocol/terminal_size.hpp"

namespace ssm::client {

/// What the terminal does with the bytes that the session shows.
enum class OutputProcessing : std::uint8_t {
  /// Nothing: the remote pty has done it (a shell, an interactive command).
  off,
  /// Line feeds begin a new line: there is no remote pty (NonInteractiveCommands).
  on,
};

/// Puts a terminal into raw mode, in which every key is a byte for the remote side (^C is 0x03 and
/// sends no signal), and puts it back.
///
/// The saved mode comes back with `leave`, with the destructor, at `exit`, and, as far as a signal
/// handler can, when the process dies of SIGHUP, SIGINT, SIGQUIT, SIGTERM, an abort or a crash
/// (terminate and uncaught exceptions included). Signals that somebody handles or ignores are left
/// alone. Only SIGKILL leaves a raw terminal behind.
///
/// Does nothing where `fd` is no terminal. `fd` must stay open while this object lives; one object
/// for each terminal. Not thread-safe.
class Terminal {
 public:
  explicit Terminal(int fd);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Raw mode; also after `leave`, and to apply it anew after a job-control stop, from which
  /// shells return with a mode of their own. In the background this stops the process (SIGTTOU)
  /// until it is in the foreground.
  void enter(OutputProcessing output);
  /// The mode before the first `enter`.
  void leave() noexcept;

  [[nodiscard]] bool raw() const { return slot_ >= 0; }

 private:
  int fd_;
  bool is_terminal_;
  bool has_saved_ = false;
  termios saved_{};
  int slot_ = -1;
};

/// Size of the terminal behind `fd`; 300 x 100 when it is none (SHELL-003) or does not know.
[[nodiscard]] protocol::TerminalSize terminal_size(int fd);

}  // namespace ssm::client
