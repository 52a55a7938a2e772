#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

extern char** environ;

namespace ssm::test {

/// Descriptors that a child gets as its standard streams; they stay the caller's.
struct ChildStreams {
  int input = -1;
  int output = -1;
  int error = -1;
};

/// A program of the build in a process (and session) of its own, killed when this object goes.
/// Of the environment it gets PATH and what is given: no AWS_* of the machine, no home. Where its
/// input is a terminal, that is its controlling one.
class ChildProcess {
 public:
  ChildProcess(const std::vector<std::string>& arguments, ChildStreams streams,
               std::vector<std::string> environment = {})
      : pid_(spawn(arguments, streams, std::move(environment))) {}
  ~ChildProcess() {
    if (!status_) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void send_signal(int signal) const { kill(pid_, signal); }

  /// True once it has ended.
  bool ended() {
    if (!status_) {
      int status = 0;
      if (waitpid(pid_, &status, WNOHANG | WUNTRACED) == pid_) {
        if (WIFSTOPPED(status)) {
          stopped_ = true;
        } else {
          status_ = status;
        }
      }
    }
    return status_.has_value();
  }
  /// True once it was stopped by a job-control signal.
  bool stopped() {
    ended();
    return stopped_;
  }
  /// Exit status, or minus the signal it died of.
  [[nodiscard]] int status() const {
    if (!status_) {
      ADD_FAILURE() << "still running";
      return -1000;
    }
    return WIFEXITED(*status_) ? WEXITSTATUS(*status_) : -WTERMSIG(*status_);
  }

 private:
  static pid_t spawn(const std::vector<std::string>& arguments, ChildStreams streams,
                     std::vector<std::string> environment) {
    environment.emplace_back("PATH=/usr/bin:/bin");
    environment.emplace_back("HOME=/nonexistent");
    // What a sanitizer or a coverage run needs reaches the child too.
    for (char** variable = environ; *variable != nullptr; ++variable) {
      const std::string_view text(*variable);
      if (text.starts_with("ASAN_") || text.starts_with("UBSAN_") || text.starts_with("TSAN_") ||
          text.starts_with("LLVM_PROFILE")) {
        environment.emplace_back(text);
      }
    }
    const auto pointers = [](const std::vector<std::string>& texts) {
      std::vector<char*> result;
      result.reserve(texts.size() + 1);
      for (const std::string& text : texts) {
        result.push_back(const_cast<char*>(text.c_str()));
      }
      result.push_back(nullptr);
      return result;
    };
    const std::vector<char*> argv = pointers(arguments);
    const std::vector<char*> envp = pointers(environment);
    const pid_t child = fork();
    if (child == 0) {
      // Only async-signal-safe calls from here on.
      for (int signal = 1; signal < 32; ++signal) {
        std::signal(signal, SIG_DFL);
      }
      setsid();
      dup2(streams.input, STDIN_FILENO);
      dup2(streams.output, STDOUT_FILENO);
      dup2(streams.error, STDERR_FILENO);
      ioctl(STDIN_FILENO, TIOCSCTTY, 0);
      execve(argv[0], argv.data(), envp.data());
      _exit(127);
    }
    EXPECT_GT(child, 0);
    return child;
  }

  pid_t pid_;
  std::optional<int> status_;
  bool stopped_ = false;
};

}  // namespace ssm::test
