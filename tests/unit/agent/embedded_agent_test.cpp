#include "ssm/agent/embedded_agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "session_fixture.hpp"

namespace ssm::agent {
namespace {

using protocol::AgentEnd;
using testing::HasSubstr;

class EmbeddedAgentTest : public test::SessionTest {
 protected:
  struct End {
    std::string session_id;
    AgentEnd reason;
    std::string text;
  };

  void SetUp() override {
    SessionTest::SetUp();
    agent_ = std::make_unique<EmbeddedAgent>(
        *loop_,
        AgentOptions{.endpoint = service_->endpoint(),
                     .instance_id = "i-1",
                     .profile = profile_,
                     .shell = {"/bin/sh", "-c", "echo $$; read line"},
                     .sign = {},
                     .seed = 1},
        [this](const std::string& id, AgentEnd reason, const std::string& text) {
          ends_.push_back({id, reason, text});
        });
  }
  void TearDown() override {
    agent_.reset();
    SessionTest::TearDown();
  }

  static protocol::SessionTask task(const std::string& session_id,
                                    const std::string& type = "Standard_Stream",
                                    const std::string& rest = {}) {
    return {
        .document_name = "Doc",
        .document_content = R"({"schemaVersion":"1.0","sessionType":")" + type + "\"" + rest + "}",
        .session_id = session_id,
        .parameters = "{}",
        .run_as_user = {},
        .session_owner = {}};
  }

  std::unique_ptr<EmbeddedAgent> agent_;
  std::vector<End> ends_;
};

TEST_F(EmbeddedAgentTest, runs_a_session_and_forgets_it_at_its_end) {
  agent_->start_session(task("s-1"));
  EXPECT_EQ(agent_->sessions(), 1U);
  ASSERT_TRUE(wait_for_output("\n"));
  service_->send_input("\n");
  ASSERT_TRUE(until([this] { return !ends_.empty(); }));
  EXPECT_EQ(ends_[0].session_id, "s-1");
  EXPECT_EQ(ends_[0].reason, AgentEnd::success);
  EXPECT_EQ(agent_->sessions(), 0U);
}

TEST_F(EmbeddedAgentTest, cancels_a_session_by_its_id) {
  agent_->start_session(task("s-1"));
  const pid_t program = wait_for_pid();
  agent_->cancel_session("unknown");
  agent_->cancel_session("s-1");
  ASSERT_TRUE(until([this] { return !ends_.empty(); }));
  EXPECT_EQ(ends_[0].reason, AgentEnd::cancelled);
  EXPECT_TRUE(test::process_gone(program));
}

TEST_F(EmbeddedAgentTest, ignores_a_task_that_comes_twice) {
  agent_->start_session(task("s-1"));
  agent_->start_session(task("s-1"));
  ASSERT_TRUE(wait_for_output("\n"));
  EXPECT_EQ(agent_->sessions(), 1U);
  EXPECT_EQ(service_->requests.size(), 1U);
}

TEST_F(EmbeddedAgentTest, fails_a_session_of_a_type_it_does_not_know) {
  agent_->start_session(task("s-1", "Nope"));
  EXPECT_TRUE(ends_.empty());
  ASSERT_TRUE(until([this] { return !ends_.empty(); }));
  EXPECT_EQ(ends_[0].reason, AgentEnd::failed);
  EXPECT_THAT(ends_[0].text, HasSubstr("Plugin with name Nope is not supported"));
  EXPECT_TRUE(service_->requests.empty());
}

TEST_F(EmbeddedAgentTest, runs_an_interactive_command_through_a_shell_in_a_terminal) {
  agent_->start_session(
      task("s-1", "InteractiveCommands",
           R"(,"properties":{"linux":{"commands":"echo a'b  c' | cat; test -t 0 && echo tty"}})"));
  ASSERT_TRUE(until([this] { return !ends_.empty(); }));
  EXPECT_EQ(ends_[0].reason, AgentEnd::success);
  EXPECT_EQ(service_->output(), "ab  c\r\ntty\r\n");
}

TEST_F(EmbeddedAgentTest, fails_a_task_that_cannot_be_read) {
  protocol::SessionTask broken = task("s-1");
  broken.document_content = "{";
  agent_->start_session(broken);
  ASSERT_TRUE(until([this] { return !ends_.empty(); }));
  EXPECT_EQ(ends_[0].reason, AgentEnd::failed);
  EXPECT_THAT(ends_[0].text, HasSubstr("The session task cannot be read"));
  EXPECT_TRUE(service_->requests.empty());
}

TEST_F(EmbeddedAgentTest, fails_a_session_for_a_user_that_does_not_exist) {
  agent_->start_session(
      task("s-1", "Standard_Stream",
           R"(,"inputs":{"runAsEnabled":true,"runAsDefaultUser":"no-such-user"})"));
  ASSERT_TRUE(until([this] { return !ends_.empty(); }));
  EXPECT_EQ(ends_[0].reason, AgentEnd::failed);
  EXPECT_EQ(ends_[0].text,
            "Unable to start shell: failed to start pty since RunAs user no-such-user does not "
            "exist");
}

TEST_F(EmbeddedAgentTest, fails_a_session_for_no_user_and_for_root) {
  agent_->start_session(task("s-1", "Standard_Stream", R"(,"inputs":{"runAsEnabled":true})"));
  ASSERT_TRUE(until([this] { return ends_.size() == 1; }));
  EXPECT_EQ(ends_[0].text, "Unable to start shell: please set the RunAs default user");
  agent_->start_session(task("s-2", "Standard_Stream",
                             R"(,"inputs":{"runAsEnabled":true,"runAsDefaultUser":"root"})"));
  ASSERT_TRUE(until([this] { return ends_.size() == 2; }));
  EXPECT_EQ(ends_[1].text, "Unable to start shell: invalid uid and gid");
}

TEST_F(EmbeddedAgentTest, runs_a_command_as_another_user) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root can become another user";
  }
  agent_->start_session(task("s-1", "InteractiveCommands",
                             R"(,"inputs":{"runAsEnabled":true,"runAsDefaultUser":"daemon"},
              "properties":{"linux":{"commands":"id -un; echo $HOME; test -w $(tty) && echo own"}})"));
  ASSERT_TRUE(until([this] { return !ends_.empty(); }));
  EXPECT_EQ(service_->output(), "daemon\r\n/usr/sbin\r\nown\r\n");
}

TEST_F(EmbeddedAgentTest, elevated_commands_run_as_the_agents_user) {
  agent_->start_session(task("s-1", "InteractiveCommands",
                             R"(,"inputs":{"runAsEnabled":true,"runAsDefaultUser":"no-such-user"},
              "properties":{"linux":{"commands":"id -u","runAsElevated":true}})"));
  ASSERT_TRUE(until([this] { return !ends_.empty(); }));
  EXPECT_EQ(service_->output(), std::to_string(::geteuid()) + "\r\n");
}

TEST_F(EmbeddedAgentTest, kills_its_sessions_when_destroyed) {
  agent_->start_session(task("s-1"));
  const pid_t program = wait_for_pid();
  agent_.reset();
  EXPECT_TRUE(test::process_gone(program));
  EXPECT_TRUE(ends_.empty());
}

}  // namespace
}  // namespace ssm::agent
