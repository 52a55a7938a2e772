#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detail/session_processes.hpp"
#include "loop_until.hpp"
#include "ssm/agent/pty_process.hpp"
#include "ssm/agent/shell_environment.hpp"
#include "ssm/protocol/bytes.hpp"

namespace ssm::test {

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Neither running nor stopped. A dead process that its parent has not waited for counts as gone:
/// orphans belong to the init process.
inline bool process_gone(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  return name_end == std::string::npos || line.substr(name_end + 2, 1) == "Z" ||
         line.substr(name_end + 2, 1) == "X";
}

/// Runs programs in pseudo terminals, and checks after each test that nothing of them is left.
class PtyTest : public testing::Test {
 protected:
  void SetUp() override {
    loop_until(loop_, [] { return true; });
    net::Timer(loop_).arm(net::EventLoop::now(), [] {});
    descriptors_before_ = open_descriptors();
  }

  void TearDown() override {
    program_.reset();
    EXPECT_EQ(open_descriptors(), descriptors_before_);
    if (session_ != 0) {
      EXPECT_TRUE(
          loop_until(loop_, [this] { return agent::detail::signal_session(session_, 0) == 0; }));
    }
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }

  agent::ProgramOptions options(std::vector<std::string> argv) const {
    return {.argv = std::move(argv),
            .environment = agent::shell_environment(agent::own_environment()),
            .directory = {},
            .size = {},
            .chunk_bytes = 1024,
            .stop_grace = grace_};
  }

  void start(const agent::ProgramOptions& program) {
    auto started =
        agent::PtyProcess::start(loop_, program,
                                 {.on_output = [this](protocol::Bytes bytes) { receive(bytes); },
                                  .on_input_drained = [this] { ++drained_; },
                                  .on_end =
                                      [this](agent::ExitStatus status) {
                                        end_ = status;
                                        session_ = program_->pid();
                                        program_.reset();
                                      }});
    ASSERT_TRUE(started) << started.error().to_string();
    program_ = std::move(*started);
    session_ = program_->pid();
  }

  void start_script(const std::string& script) { start(options({"/bin/sh", "-c", script})); }

  virtual void receive(protocol::Bytes bytes) { output_ += protocol::as_text(bytes); }

  bool wait_for_end() {
    return loop_until(loop_, [this] { return end_.has_value(); });
  }
  bool wait_for_output(std::string_view text) {
    return loop_until(loop_, [this, text] { return output_.find(text) != std::string::npos; });
  }
  /// The program has written a whole line with a process id.
  pid_t wait_for_pid() {
    EXPECT_TRUE(wait_for_output("\n")) << output_;
    return static_cast<pid_t>(std::stol("0" + output_));
  }
  bool wait_until_gone(pid_t pid) {
    return loop_until(loop_, [pid] { return process_gone(pid); });
  }
  /// The error text of a start that must fail.
  std::string start_error(const agent::ProgramOptions& program) {
    const auto started = agent::PtyProcess::start(
        loop_, program,
        {.on_output = [](protocol::Bytes) {}, .on_input_drained = {}, .on_end = [](auto) {}});
    return started ? "started" : started.error().to_string();
  }

  net::Duration grace_ = std::chrono::milliseconds(50);
  net::EventLoop loop_;
  std::unique_ptr<agent::PtyProcess> program_;
  std::string output_;
  int drained_ = 0;
  std::optional<agent::ExitStatus> end_;
  pid_t session_ = 0;
  std::size_t descriptors_before_ = 0;
};

}  // namespace ssm::test
