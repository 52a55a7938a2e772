#include "ssm/client/standard_stream.hpp"

#include "detail/emergency_restore.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace ssm::client {
namespace {

/// Pipes, and terminals but for the master side of a pty, whose device makes a new pty when it is
/// opened. Other devices may do more than that, and a regular file would begin at its start.
bool may_reopen(int fd) {
  struct stat status{};
  if (fstat(fd, &status) != 0) {
    return false;
  }
  int pty_number = 0;
  return S_ISFIFO(status.st_mode) || (isatty(fd) == 1 && ioctl(fd, TIOCGPTN, &pty_number) != 0);
}

/// An open file of our own, or -1.
int reopen(int fd, StreamUse use) {
  if (!may_reopen(fd)) {
    return -1;
  }
  const std::string path = fmt::format("/proc/self/fd/{}", fd);
  const int direction = use == StreamUse::reading ? O_RDONLY : O_WRONLY;
  return open(path.c_str(), direction | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

int duplicate(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy >= 0) {
    return copy;
  }
  // Started with the stream closed: reads end at once, writes go nowhere.
  const int null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_device < 0) {
    throw std::system_error(errno, std::generic_category(), "cannot open /dev/null");
  }
  return null_device;
}

}  // namespace

StandardStream::StandardStream(net::EventLoop& loop, int fd, StreamUse use)
    : original_(fd), descriptor_([&] {
        const int own = reopen(fd, use);
        if (own >= 0) {
          return net::Descriptor(loop, own);
        }
        flags_ = fcntl(fd, F_GETFL);
        if (flags_ >= 0) {
          slot_ = detail::register_status_flags(fd, flags_);
        }
        return net::Descriptor(loop, duplicate(fd));
      }()) {}

StandardStream::~StandardStream() {
  if (flags_ >= 0) {
    fcntl(original_, F_SETFL, flags_);
    detail::forget_restore(slot_);
  }
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count > 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (count < 0 && errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace ssm::client
