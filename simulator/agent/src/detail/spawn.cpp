#include "detail/spawn.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/protocol/assert.hpp"

namespace ssm::agent::detail {
namespace {

using protocol::Error;
using protocol::Result;

Error system_error(int number, std::string context) {
  return Error(boost::system::error_code(number, boost::system::system_category()), 0,
               std::move(context));
}

/// What the child could not do; sent to the parent through a pipe that a successful exec closes.
enum class Step : int {
  session,
  controlling_terminal,
  descriptors,
  user,
  parent,
  directory,
  program,
};

struct ChildFailure {
  Step step;
  int error;
};

/// Everything the child needs, made before the fork: afterwards it may not allocate.
struct ChildPlan {
  const char* path;
  char* const* argv;
  char* const* environment;
  const char* directory;  ///< nullptr: stay
  /// For its descriptors 0 to 2.
  std::array<int, 3> standard;
  /// They are a terminal, which becomes the controlling one.
  bool terminal;
  const UserIdentity* user;  ///< nullptr: stay
  int failure_pipe;
  pid_t parent;
};

// The server may have threads, whose locks the child inherits in any state: from here to
// run_child's exec only async-signal-safe functions are called.

[[noreturn]] void fail(int pipe, Step step) {
  const ChildFailure failure{step, errno};
  // Smaller than PIPE_BUF, so written whole or not at all.
  [[maybe_unused]] const ssize_t written = ::write(pipe, &failure, sizeof failure);
  ::_exit(127);
}

void reset_signals() {
  struct sigaction by_default{};
  by_default.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    // Fails for SIGKILL, SIGSTOP and what the C library keeps for itself; none of them is ignored.
    ::sigaction(signal, &by_default, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Puts the standard descriptors on 0 to 2, the pipe on 3, and closes all else.
int arrange_descriptors(const std::array<int, 3>& standard, int pipe) {
  constexpr int pipe_place = 3;
  // Out of the way first: each may be among 0 to 3 already.
  std::array<int, 3> copies{};
  const int pipe_copy = ::fcntl(pipe, F_DUPFD, pipe_place + 1);
  for (std::size_t i = 0; i < copies.size(); ++i) {
    copies[i] = ::fcntl(standard[i], F_DUPFD, pipe_place + 1);
    if (copies[i] < 0 || pipe_copy < 0) {
      fail(pipe, Step::descriptors);
    }
  }
  for (std::size_t i = 0; i < copies.size(); ++i) {
    if (::dup2(copies[i], static_cast<int>(i)) < 0) {
      fail(pipe_copy, Step::descriptors);
    }
  }
  if (::dup3(pipe_copy, pipe_place, O_CLOEXEC) < 0 ||
      ::syscall(SYS_close_range, pipe_place + 1, ~0U, 0U) != 0) {
    fail(pipe_copy, Step::descriptors);
  }
  return pipe_place;
}

/// By system calls: the library's wrappers would tell the threads of a process that has none here.
void become(const UserIdentity& user, int pipe) {
  if (::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) != 0 ||
      ::syscall(SYS_setresgid, user.gid, user.gid, user.gid) != 0 ||
      ::syscall(SYS_setresuid, user.uid, user.uid, user.uid) != 0) {
    fail(pipe, Step::user);
  }
}

[[noreturn]] void run_child(const ChildPlan& plan) {
  reset_signals();
  if (::setsid() < 0) {
    fail(plan.failure_pipe, Step::session);
  }
  if (plan.terminal && ::ioctl(plan.standard[0], TIOCSCTTY, 0) != 0) {
    fail(plan.failure_pipe, Step::controlling_terminal);
  }
  const int pipe = arrange_descriptors(plan.standard, plan.failure_pipe);
  if (plan.user != nullptr) {
    become(*plan.user, pipe);  // before the next step, which a change of user undoes
  }
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    fail(pipe, Step::parent);
  }
  if (::getppid() != plan.parent) {
    ::_exit(127);  // it died before the line above
  }
  if (plan.directory != nullptr && ::chdir(plan.directory) != 0) {
    fail(pipe, Step::directory);
  }
  ::execve(plan.path, plan.argv, plan.environment);
  fail(pipe, Step::program);
}

// ------------------------------------------------------------------------------------------------

std::string_view value_of(const std::vector<std::string>& environment, std::string_view name) {
  for (const std::string& entry : environment) {
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return std::string_view(entry).substr(name.size() + 1);
    }
  }
  return {};
}

/// As execvp looks a program up. A name that is found nowhere is left as it is: exec then reports
/// why it does not work.
std::string find_program(const ProgramOptions& options) {
  const std::string& name = options.argv.front();
  if (name.empty() || name.find('/') != std::string::npos) {
    return name;
  }
  std::string_view path = value_of(options.environment, "PATH");
  if (path.empty()) {
    path = "/usr/local/bin:/usr/bin:/bin";
  }
  while (true) {
    const std::size_t end = path.find(':');
    const std::string_view folder = path.substr(0, end);
    std::string candidate = folder.empty() ? name : std::string(folder) + "/" + name;
    struct stat status{};
    if (::access(candidate.c_str(), X_OK) == 0 && ::stat(candidate.c_str(), &status) == 0 &&
        S_ISREG(status.st_mode)) {
      return candidate;
    }
    if (end == std::string_view::npos) {
      return name;
    }
    path.remove_prefix(end + 1);
  }
}

/// Pointers into `texts`, and a null pointer; valid as long as `texts` does not change.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    result.push_back(const_cast<char*>(text.c_str()));  // exec does not write to them
  }
  result.push_back(nullptr);
  return result;
}

struct Terminal {
  UniqueFd master;
  UniqueFd slave;
};

Result<Terminal> open_terminal(WindowSize size) {
  Terminal terminal;
  terminal.master = UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.master.valid()) {
    return system_error(errno, "cannot open a pseudo terminal");
  }
  if (::grantpt(terminal.master.value()) != 0 || ::unlockpt(terminal.master.value()) != 0) {
    return system_error(errno, "cannot unlock a pseudo terminal");
  }
  // Not by its name: /dev/pts may be another mount than the master's.
  terminal.slave =
      UniqueFd(::ioctl(terminal.master.value(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.slave.valid()) {
    return system_error(errno, "cannot open the other end of a pseudo terminal");
  }
  winsize window{};
  window.ws_col = size.columns;
  window.ws_row = size.rows;
  if (::ioctl(terminal.master.value(), TIOCSWINSZ, &window) != 0) {
    return system_error(errno, "cannot set the size of a pseudo terminal");
  }
  return terminal;
}

std::string describe(const ChildFailure& failure, const ProgramOptions& options) {
  switch (failure.step) {
    case Step::session:
      return "cannot make a new session (setsid)";
    case Step::controlling_terminal:
      return "cannot take the controlling terminal (TIOCSCTTY)";
    case Step::descriptors:
      return "cannot arrange the program's descriptors";
    case Step::user:
      return "cannot become user " + options.user->name;
    case Step::parent:
      return "cannot ask for the parent's death (PR_SET_PDEATHSIG)";
    case Step::directory:
      return "cannot change to directory " + options.directory;
    case Step::program:
      break;
  }
  return "cannot start " + options.argv.front();
}

/// Forks with all signals blocked, so that no handler of ours runs in the child.
pid_t fork_child(const ChildPlan& plan) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) {
    run_child(plan);
  }
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

/// Nothing when the program was executed.
std::optional<ChildFailure> await_exec(int pipe) {
  ChildFailure failure{};
  while (true) {
    const ssize_t count = ::read(pipe, &failure, sizeof failure);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count != static_cast<ssize_t>(sizeof failure)) {
      return std::nullopt;
    }
    return failure;
  }
}

void wait_for(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<SpawnedProgram> spawn(const ProgramOptions& options, const std::array<int, 3>& standard,
                             bool terminal) {
  SSM_ASSERT(!options.argv.empty());
  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
    return system_error(errno, "cannot make a pipe");
  }
  const UniqueFd failure_reader(pipe_ends[0]);
  UniqueFd failure_writer(pipe_ends[1]);

  const std::string path = find_program(options);
  const std::vector<char*> argv = pointers(options.argv);
  const std::vector<char*> environment = pointers(options.environment);
  const ChildPlan plan{
      .path = path.c_str(),
      .argv = argv.data(),
      .environment = environment.data(),
      .directory = options.directory.empty() ? nullptr : options.directory.c_str(),
      .standard = standard,
      .terminal = terminal,
      .user = options.user && options.user->uid != ::geteuid() ? &*options.user : nullptr,
      .failure_pipe = failure_writer.value(),
      .parent = ::getpid(),
  };
  SpawnedProgram program;
  program.pid = fork_child(plan);
  if (program.pid < 0) {
    return system_error(errno, "cannot start a process");
  }
  failure_writer.reset();
  if (const std::optional<ChildFailure> failure = await_exec(failure_reader.value())) {
    wait_for(program.pid);
    return system_error(failure->error, describe(*failure, options));
  }
  program.pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, program.pid, 0)));
  if (!program.pidfd.valid()) {
    const int error = errno;
    ::kill(program.pid, SIGKILL);
    wait_for(program.pid);
    return system_error(error, "cannot watch a process (pidfd_open)");
  }
  return program;
}

}  // namespace

Result<SpawnedProgram> spawn_in_terminal(const ProgramOptions& options) {
  Result<Terminal> terminal = open_terminal(options.size);
  if (!terminal) {
    return terminal.error();
  }
  const int slave = terminal->slave.value();
  if (options.user) {
    // Programs open their terminal by its name, too. Fails when there is no need for it.
    [[maybe_unused]] const int changed = ::fchown(slave, options.user->uid, options.user->gid);
  }
  Result<SpawnedProgram> program = spawn(options, {slave, slave, slave}, true);
  if (program) {
    program->output = std::move(terminal->master);
  }
  return program;
}

Result<SpawnedProgram> spawn_with_pipes(const ProgramOptions& options, bool separate_error) {
  const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::array<int, 2> output{};
  std::array<int, 2> error{};
  if (!nothing.valid() || ::pipe2(output.data(), O_CLOEXEC) != 0) {
    return system_error(errno, "cannot make a pipe");
  }
  UniqueFd output_reader(output[0]);
  const UniqueFd output_writer(output[1]);
  if (separate_error && ::pipe2(error.data(), O_CLOEXEC) != 0) {
    return system_error(errno, "cannot make a pipe");
  }
  UniqueFd error_reader(separate_error ? error[0] : -1);
  const UniqueFd error_writer(separate_error ? error[1] : -1);
  const int error_end = separate_error ? error_writer.value() : output_writer.value();
  Result<SpawnedProgram> program =
      spawn(options, {nothing.value(), output_writer.value(), error_end}, false);
  if (program) {
    program->output = std::move(output_reader);
    program->error = std::move(error_reader);
  }
  return program;
}

}  // namespace ssm::agent::detail
