#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <string>

namespace ssm::test {

/// Both sides of a pseudo terminal.
struct PtyPair {
  int master = -1;
  int slave = -1;

  PtyPair() {
    EXPECT_EQ(openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
    fcntl(master, F_SETFD, FD_CLOEXEC);
    fcntl(slave, F_SETFD, FD_CLOEXEC);
  }
  ~PtyPair() {
    close(master);
    close(slave);
  }
  PtyPair(const PtyPair&) = delete;
  PtyPair& operator=(const PtyPair&) = delete;

  [[nodiscard]] termios mode() const {
    termios mode{};
    EXPECT_EQ(tcgetattr(slave, &mode), 0);
    return mode;
  }
  [[nodiscard]] bool cooked() const {
    const termios now = mode();
    return (now.c_lflag & ECHO) != 0 && (now.c_lflag & ICANON) != 0 && (now.c_lflag & ISIG) != 0 &&
           (now.c_oflag & OPOST) != 0 && (now.c_iflag & ICRNL) != 0;
  }
  [[nodiscard]] bool raw() const {
    const termios now = mode();
    return (now.c_lflag & (ECHO | ICANON | ISIG)) == 0 && (now.c_iflag & ICRNL) == 0;
  }
  void resize(unsigned short cols, unsigned short rows) const {
    const winsize size{.ws_row = rows, .ws_col = cols, .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
  }
};

}  // namespace ssm::test
