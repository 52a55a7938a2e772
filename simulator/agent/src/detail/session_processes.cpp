#include "detail/session_processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "detail/unique_fd.hpp"

namespace ssm::agent::detail {
namespace {

/// The two fields of /proc/PID/stat that matter here (proc(5)):
///
///     4711 (name, with any bytes in it) S parent group session ...
struct ProcessStatus {
  char state = '?';
  pid_t session = 0;
};

std::optional<ProcessStatus> parse_status(std::string_view text) {
  // The name may hold parentheses, spaces and line feeds; what follows the last one holds none.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= text.size()) {
    return std::nullopt;
  }
  text.remove_prefix(name_end + 2);
  ProcessStatus status{.state = text.front()};
  for (int skipped = 0; skipped < 3; ++skipped) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) {
      return std::nullopt;
    }
    text.remove_prefix(space + 1);
  }
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), status.session);
  return parsed.ec == std::errc{} ? std::optional(status) : std::nullopt;
}

std::optional<ProcessStatus> read_status(int proc, pid_t pid) {
  const std::string path = std::to_string(pid) + "/stat";
  const UniqueFd file(::openat(proc, path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 512> text{};
  const ssize_t size = file.valid() ? ::read(file.value(), text.data(), text.size()) : -1;
  if (size <= 0) {
    return std::nullopt;
  }
  return parse_status(std::string_view(text.data(), static_cast<std::size_t>(size)));
}

bool alive_in(const std::optional<ProcessStatus>& status, pid_t session) {
  return status && status->session == session && status->state != 'Z' && status->state != 'X';
}

/// Through a descriptor opened before the session is looked up: a number that was used again in
/// between makes the descriptor dead, never the signal misdirected.
bool signal_member(int proc, pid_t pid, pid_t session, int signal) {
  if (!alive_in(read_status(proc, pid), session)) {
    return false;
  }
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid() || !alive_in(read_status(proc, pid), session)) {
    return false;
  }
  ::syscall(SYS_pidfd_send_signal, process.value(), signal, nullptr, 0);
  return true;
}

/// Signals all members and calls `seen` with each.
template <class Seen>
std::size_t for_each_member(pid_t session, int signal, Seen seen) {
  DIR* const proc = ::opendir("/proc");
  if (proc == nullptr) {
    return 0;
  }
  std::size_t count = 0;
  while (const dirent* const entry = ::readdir(proc)) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size() &&
        signal_member(::dirfd(proc), pid, session, signal)) {
      ++count;
      seen(pid);
    }
  }
  ::closedir(proc);
  return count;
}

}  // namespace

std::size_t signal_session(pid_t session, int signal) {
  return for_each_member(session, signal, [](pid_t) {});
}

void kill_session(pid_t session) {
  // Covers the leader and its group where /proc cannot be read.
  ::kill(-session, SIGKILL);
  // A process with SIGKILL pending cannot fork. So once a look finds none but those that have it,
  // no more can come; the second such look is for a process whose number is lower than its
  // parent's, and whose parent ended during the first.
  constexpr int quiet_looks_wanted = 2;
  constexpr int max_looks = 1000;
  std::set<pid_t> killed;
  int quiet_looks = 0;
  for (int look = 0; look < max_looks && quiet_looks < quiet_looks_wanted; ++look) {
    bool any_new = false;
    for_each_member(session, SIGKILL, [&](pid_t pid) { any_new |= killed.insert(pid).second; });
    quiet_looks = any_new ? 0 : quiet_looks + 1;
  }
}

}  // namespace ssm::agent::detail
