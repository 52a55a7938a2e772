#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "session_fixture.hpp"
#include "ssm/agent/embedded_agent.hpp"
#include "ssm/net/stream_listener.hpp"
#include "ssm/protocol/port_flag.hpp"

/// Sessions of each kind through an agent's data channel, against a service and a client played by
/// the test.

namespace ssm::agent {
namespace {

using protocol::AgentEnd;
using protocol::PayloadType;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class SessionKindsTest : public test::SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    service_->client_version = "1.2.677.0";
    listener_.emplace(net::StreamListener::bind(*loop_, {}).value());
    make_agent("strict");
  }
  void TearDown() override {
    agent_.reset();
    peer_ = {};
    listener_.reset();
    SessionTest::TearDown();
  }

  void make_agent(std::string_view profile) {
    agent_ = std::make_unique<EmbeddedAgent>(
        *loop_,
        AgentOptions{.endpoint = service_->endpoint(),
                     .instance_id = "i-1",
                     .profile = *protocol::find_agent_profile(profile),
                     .sign = {},
                     .seed = 1},
        [this](const std::string&, AgentEnd reason, const std::string& text) {
          end_ = reason;
          end_text_ = text;
        });
  }

  void start(const std::string& type, const std::string& properties) {
    agent_->start_session({.document_name = "d",
                           .document_content = R"({"schemaVersion":"1.0","sessionType":")" + type +
                                               R"(","properties":)" + properties + "}",
                           .session_id = "s-1",
                           .parameters = "null",
                           .run_as_user = {},
                           .session_owner = {}});
  }
  void start_command(const std::string& linux) {
    start("NonInteractiveCommands", R"({"linux":)" + linux + "}");
  }
  void start_port(const std::string& more = {}) {
    start("Port",
          R"({"portNumber":")" + std::to_string(listener_->address().port) + "\"" + more + "}");
  }

  /// The destination says back what it hears.
  void listen() {
    ASSERT_TRUE(listener_->listen([this](net::StreamSocket socket) {
      peer_ = std::move(socket);
      peer_.start(
          {.on_data =
               [this](protocol::Bytes data) {
                 heard_ += protocol::as_text(data);
                 peer_.request_write();
               },
           .on_end = [this] { peer_ended_ = true; },
           .on_error = [this](boost::system::error_code) { peer_ended_ = true; },
           .on_writable =
               [this] { said_ += peer_.write_some(protocol::as_bytes(heard_).subspan(said_)); }});
    }));
  }

  bool wait_for_handshake() {
    return until([this] { return !service_->received(PayloadType::handshake_complete).empty(); });
  }
  bool wait_for(PayloadType type, const std::string& text) {
    return until([&] { return service_->received(type).find(text) != std::string::npos; });
  }
  void send_flag(protocol::PortFlag flag) {
    const auto bytes = protocol::encode_port_flag(flag);
    service_->send_input(protocol::as_text(bytes), PayloadType::flag);
  }

  std::optional<net::StreamListener> listener_;
  std::unique_ptr<EmbeddedAgent> agent_;
  net::StreamSocket peer_;
  std::string heard_;
  std::size_t said_ = 0;
  bool peer_ended_ = false;
};

// --- ports --------------------------------------------------------------------------------------

TEST_F(SessionKindsTest, tells_the_client_a_ports_properties_and_carries_its_bytes) {
  listen();
  start_port(R"(,"unknown":"kept")");
  ASSERT_TRUE(wait_for_handshake());
  EXPECT_THAT(service_->received(PayloadType::handshake_request), HasSubstr(R"("unknown":"kept")"));
  service_->send_input("hello");
  ASSERT_TRUE(wait_for(PayloadType::output, "hello"));
  EXPECT_EQ(heard_, "hello");
}

TEST_F(SessionKindsTest, ends_an_ssh_session_with_its_destination) {
  listen();
  start_port();
  ASSERT_TRUE(wait_for_handshake());
  ASSERT_TRUE(until([this] { return peer_.open(); }));
  peer_.shutdown_write();
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::success);
}

TEST_F(SessionKindsTest, ends_a_port_session_by_the_clients_flag_without_a_word) {
  listen();
  start_port(R"(,"type":"LocalPortForwarding")");
  ASSERT_TRUE(wait_for_handshake());
  send_flag(protocol::PortFlag::terminate_session);
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::success);
  EXPECT_THAT(service_->states(), ElementsAre("Connected"));
}

TEST_F(SessionKindsTest, fails_at_once_when_its_only_destination_refuses) {
  start_port();
  ASSERT_TRUE(wait_for_handshake());
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::failed);
  EXPECT_THAT(end_text_, StartsWith("Unable to connect to specified port: dial tcp 127.0.0.1:"));
}

TEST_F(SessionKindsTest, fails_unusable_properties_after_telling_them) {
  start("Port", R"({"portNumber":22})");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::failed);
  EXPECT_THAT(end_text_, StartsWith("Unable to remarshal session properties."));
  EXPECT_THAT(service_->received(PayloadType::handshake_request), HasSubstr(R"("portNumber":22)"));
}

TEST_F(SessionKindsTest, fails_a_forbidden_host) {
  start("Port", R"({"portNumber":"80","host":"169.254.169.254","type":"LocalPortForwarding"})");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_text_, "Forwarding to IP address 169.254.169.254 is forbidden.");
}

TEST_F(SessionKindsTest, an_old_agent_carries_raw_bytes_for_a_new_client) {
  make_agent("agent-2.3");
  listen();
  start_port(R"(,"type":"LocalPortForwarding")");
  ASSERT_TRUE(wait_for_handshake());
  service_->send_input("raw");
  EXPECT_TRUE(wait_for(PayloadType::output, "raw"));
}

TEST_F(SessionKindsTest, closes_the_destination_when_the_session_is_cancelled) {
  listen();
  start_port();
  ASSERT_TRUE(wait_for_handshake());
  ASSERT_TRUE(until([this] { return peer_.open(); }));
  service_->close_channel();
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::cancelled);
  EXPECT_TRUE(until([this] { return peer_ended_; }));
}

// --- commands -----------------------------------------------------------------------------------

TEST_F(SessionKindsTest, sends_both_streams_of_a_command_and_its_exit_code) {
  start_command(
      R"({"commands":"sh -c 'echo out; echo err >&2; exit 3'","separateOutputStream":true})");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::success);
  EXPECT_EQ(service_->received(PayloadType::output), "out\n");
  EXPECT_EQ(service_->received(PayloadType::std_err), "err\n");
  EXPECT_EQ(service_->received(PayloadType::exit_code), "EXIT_CODE: 3");
  EXPECT_THAT(service_->states(), ElementsAre("Connected", "Terminating"));
}

TEST_F(SessionKindsTest, interrupts_a_command_at_the_clients_request) {
  start_command(
      R"({"commands":"sh -c 'trap \"exit 9\" INT; echo ready; while :; do sleep 0.01; done'",
          "separateOutputStream":"true"})");
  ASSERT_TRUE(wait_for(PayloadType::output, "ready"));
  service_->send_input("\x03");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(service_->received(PayloadType::exit_code), "EXIT_CODE: 9");
}

TEST_F(SessionKindsTest, kills_a_cancelled_command_that_ignores_the_hangup) {
  start_command(
      R"({"commands":"sh -c 'trap \"\" HUP; echo $$; while :; do sleep 1000; done'",
          "separateOutputStream":true})");
  ASSERT_TRUE(wait_for(PayloadType::output, "\n"));
  const auto command = static_cast<pid_t>(std::stol(service_->received(PayloadType::output)));
  agent_->cancel_session("s-1");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::cancelled);
  EXPECT_TRUE(test::process_gone(command));
}

TEST_F(SessionKindsTest, reports_a_command_that_does_not_exist) {
  start_command(R"({"commands":"no-such-command","separateOutputStream":true})");
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(end_, AgentEnd::failed);
  EXPECT_THAT(service_->received(PayloadType::std_err), HasSubstr("executable file not found"));
  EXPECT_EQ(service_->received(PayloadType::exit_code), "EXIT_CODE: 1");
}

}  // namespace
}  // namespace ssm::agent
