#include "ssm/client/terminal.hpp"

#include "detail/emergency_restore.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace ssm::client {
namespace {

constexpr std::uint32_t columns_without_terminal = 300;
constexpr std::uint32_t rows_without_terminal = 100;

/// One byte at a time, unchanged, without echo and without signals.
termios raw_mode(termios mode, OutputProcessing output) {
  mode.c_iflag |= IGNPAR;
  mode.c_iflag &= ~static_cast<tcflag_t>(ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXANY | IXOFF);
  mode.c_lflag &= ~static_cast<tcflag_t>(ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHONL | IEXTEN);
  if (output == OutputProcessing::off) {
    mode.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  }
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  return mode;
}

}  // namespace

Terminal::Terminal(int fd) : fd_(fd), is_terminal_(isatty(fd) == 1) {}

Terminal::~Terminal() {
  leave();
}

void Terminal::enter(OutputProcessing output) {
  if (!is_terminal_) {
    return;
  }
  if (!has_saved_) {
    if (tcgetattr(fd_, &saved_) != 0) {
      return;
    }
    has_saved_ = true;
  }
  if (slot_ < 0) {
    // Before the change: a signal in between restores what is still there.
    slot_ = detail::register_termios(fd_, saved_);
  }
  const termios mode = raw_mode(saved_, output);
  while (tcsetattr(fd_, TCSADRAIN, &mode) != 0 && errno == EINTR) {
  }
}

void Terminal::leave() noexcept {
  if (slot_ >= 0) {
    detail::set_terminal_mode(fd_, TCSADRAIN, saved_);
    detail::forget_restore(std::exchange(slot_, -1));
  }
}

protocol::TerminalSize terminal_size(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    return {.cols = size.ws_col, .rows = size.ws_row};
  }
  //= SHELL-003
  return {.cols = columns_without_terminal, .rows = rows_without_terminal};
}

}  // namespace ssm::client
