#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fake_service.hpp"
#include "loop_until.hpp"
#include "pty_fixture.hpp"
#include "ssm/agent/agent_session.hpp"
#include "ssm/agent/pty_program.hpp"
#include "ssm/agent/shell_environment.hpp"
#include "ssm/protocol/profile.hpp"

namespace ssm::test {

/// One session against a service played by the test; checks afterwards that nothing is left.
class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    profile_ = *protocol::find_agent_profile("strict");
    loop_.emplace();
    service_.emplace(*loop_);
    loop_until(*loop_, [] { return true; });
  }

  void TearDown() override {
    session_.reset();
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
    service_.reset();
    loop_.reset();
    EXPECT_EQ(open_descriptors(), descriptors_before_);
  }

  agent::AgentSessionOptions options(protocol::SessionDescription description = {}) const {
    return {.endpoint = service_->endpoint(),
            .session_id = "user-0123",
            .instance_id = "i-0123456789abcdef0",
            .profile = profile_,
            .description = std::move(description),
            .sign = sign_,
            .seed = 1};
  }

  void start(std::unique_ptr<agent::SessionProgram> program,
             protocol::SessionDescription description = {}) {
    session_ = std::make_unique<agent::AgentSession>(
        *loop_, options(std::move(description)), std::move(program),
        [this](protocol::AgentEnd reason, std::string text) {
          EXPECT_FALSE(end_) << "ended twice";
          end_ = reason;
          end_text_ = std::move(text);
          session_.reset();
        });
  }
  void start(std::vector<std::string> argv) {
    start(agent::make_pty_program(
        *loop_, {.pty = {.argv = std::move(argv),
                         .environment = agent::shell_environment(agent::own_environment()),
                         .directory = {},
                         .size = {},
                         .chunk_bytes = profile_.chunk_bytes,
                         .stop_grace = std::chrono::milliseconds(50)},
                 .shell_profile = shell_profile_,
                 .first_output_wait = profile_.first_output_wait,
                 .damages_replacement_character = profile_.damages_replacement_character}));
  }
  void start_script(const std::string& script) { start({"/bin/sh", "-c", script}); }

  bool until(const std::function<bool()>& condition) { return loop_until(*loop_, condition); }
  bool wait_for_output(std::string_view text) {
    return until([&] { return service_->output().find(text) != std::string::npos; });
  }
  bool wait_for_end() {
    return until([this] { return end_.has_value(); });
  }
  bool wait_for_connections(std::size_t count) {
    return until([&] { return service_->texts.size() == count; });
  }
  pid_t wait_for_pid() {
    EXPECT_TRUE(wait_for_output("\n"));
    return static_cast<pid_t>(std::stol("0" + service_->output()));
  }
  bool wait_until_gone(pid_t pid) {
    return until([pid] { return process_gone(pid); });
  }

  const std::size_t descriptors_before_ = open_descriptors();
  protocol::AgentProfile profile_;
  std::string shell_profile_;
  agent::RequestSigner sign_;
  std::optional<net::EventLoop> loop_;
  std::optional<FakeService> service_;
  std::unique_ptr<agent::AgentSession> session_;
  std::optional<protocol::AgentEnd> end_;
  std::string end_text_;
};

}  // namespace ssm::test
