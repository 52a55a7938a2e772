#include <gmock/gmock.h>

#include "port_peer.hpp"
#include "program_fixture.hpp"
#include "stream_peer.hpp"

namespace ssm::client {
namespace {

using test::json_answer;
using test::PortPeer;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

/// `ssmsim connect port`, `ssmsim connect ssh` and the plugin as processes of their own.
class PortProgram : public test::ProgramTest {
 protected:
  void run_plugin(const std::string& properties, const std::string& agent_version = "3.3.0.0",
                  std::string_view input = "") {
    peer.emplace(service, properties, agent_version);
    run({program("session-manager-plugin"), "AWS_SSM_START_SESSION_RESPONSE", "us-east-1",
         "StartSession", "", R"({"Target": "i-1"})", service.endpoint()},
        input,
        {"AWS_SSM_START_SESSION_RESPONSE=" + service.start_answer(), "AWS_ACCESS_KEY_ID=test",
         "AWS_SECRET_ACCESS_KEY=test"});
  }
  void run_connect(std::vector<std::string> arguments, const std::string& properties) {
    peer.emplace(service, properties);
    std::vector<std::string> all = {program("ssmsim"), "connect"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    all.insert(all.end(), {"--endpoint", service.endpoint(), "--target", "i-1"});
    run(all);
  }
  bool until_output(std::string_view text) {
    return until([&] { return output.find(text) != std::string::npos; });
  }
  /// The number between the two texts in the output.
  [[nodiscard]] std::uint16_t port_after(std::string_view text) const {
    const std::size_t at = output.find(text);
    return at == std::string::npos
               ? std::uint16_t{0}
               : static_cast<std::uint16_t>(std::stoi(output.substr(at + text.size())));
  }
  [[nodiscard]] test::StreamPeer& connect(std::uint16_t port) {
    const int fd = test::connect_to({.host = "127.0.0.1", .port = port});
    EXPECT_GE(fd, 0);
    application.emplace(net::StreamSocket::adopt(loop, fd));
    application->start([] {});
    return *application;
  }

  std::optional<PortPeer> peer;
  std::optional<test::StreamPeer> application;
};

constexpr const char* forwarding = R"({"portNumber":"80","type":"LocalPortForwarding"})";

//= PORT-025
//= PORT-055
TEST_F(PortProgram, plugin_says_what_the_official_one_says_with_a_multiplexer) {
  run_plugin(forwarding);
  ASSERT_TRUE(until_output("Waiting for connections...\n"));
  const std::uint16_t port = port_after("\nPort ");
  connect(port).write("x");
  ASSERT_TRUE(until([&] { return peer->destinations[1].received == "x"; }));
  peer->refuses = true;
  const int refused = test::connect_to({.host = "127.0.0.1", .port = port});
  ASSERT_TRUE(until_output("check SSM Agent logs.\n"));
  ::close(refused);
  child->send_signal(SIGINT);
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0);
  EXPECT_EQ(output, "\nStarting session with SessionId: test-1\nPort " + std::to_string(port) +
                        " opened for sessionId test-1.\nWaiting for connections...\n"
                        "\nConnection accepted for session [test-1]\n"
                        "\nConnection to destination port failed, check SSM Agent logs.\n"
                        "Terminate signal received, exiting.\n"
                        "\n\nExiting session with sessionId: test-1.\n\n");
  ASSERT_TRUE(peer->ended);
  EXPECT_EQ(peer->ended->reason, protocol::PortEndReason::terminated);
}

TEST_F(PortProgram, plugin_says_what_the_official_one_says_without_a_multiplexer) {
  run_plugin(forwarding, "3.0.196.0");
  ASSERT_TRUE(until_output("opened for sessionId test-1.\n"));
  connect(port_after("\nPort ")).write("x");
  ASSERT_TRUE(until_output("Connection accepted for session test-1.\n"));
  child->send_signal(SIGTSTP);
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0);
  EXPECT_THAT(output, EndsWith("Terminate signal received, exiting.\n\n\n"
                               "Exiting session with sessionId: test-1.\n\n"));
}

TEST_F(PortProgram, plugin_names_its_unix_socket) {
  const std::string path = ::testing::TempDir() + "ssm_plugin_" + std::to_string(::getpid());
  run_plugin(R"({"portNumber":"80","type":"LocalPortForwarding","localConnectionType":"unix",)"
             R"("localUnixSocket":")" +
             path + "\"}");
  ASSERT_TRUE(until_output("Unix socket " + path + " opened for sessionId test-1.\n"));
  child->send_signal(SIGTERM);
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0);
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

//= PORT-028
TEST_F(PortProgram, plugin_whose_port_is_in_use_says_so_and_terminates_the_session) {
  auto taken = net::StreamListener::bind(loop, {});
  ASSERT_TRUE(taken);
  ASSERT_TRUE(taken->listen([](net::StreamSocket) {}));
  const std::string port = std::to_string(taken->address().port);
  run_plugin(R"({"portNumber":"80","type":"LocalPortForwarding","localPortNumber":")" + port +
             "\"}");
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 1);
  EXPECT_THAT(output, EndsWith("\nCannot perform start session: listen tcp 127.0.0.1:" + port +
                               ": bind: address already in use\n"));
  EXPECT_THAT(service.operations(), ElementsAre("TerminateSession"));
}

//= SSH-001
//= SSH-002
TEST_F(PortProgram, plugin_without_a_forwarding_type_is_the_connection_itself) {
  run_plugin(R"({"portNumber":"22"})", "3.3.0.0", "client");
  ASSERT_TRUE(until([&] { return peer->destinations[1].received == "client"; }));
  peer->send(1, "SSH-2.0-server\r\n");
  peer->end(1);
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0);
  EXPECT_EQ(output,
            "\nStarting session with SessionId: test-1\nSSH-2.0-server\r\n"
            "\n\nExiting session with sessionId: test-1.\n\n");
}

//= PORT-073
TEST_F(PortProgram, plugin_says_why_the_service_closed_the_session) {
  run_plugin(forwarding);
  ASSERT_TRUE(until_output("Waiting for connections...\n"));
  service.close_channel("idle for too long");
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0);
  EXPECT_THAT(output, EndsWith("\n\nSessionId: test-1 : idle for too long\n\n"));
}

TEST_F(PortProgram, connect_port_asks_for_the_documents_by_the_host) {
  run_connect({"port", "-L", "0:localhost:80"}, forwarding);
  ASSERT_TRUE(until_output("listening on 127.0.0.1:"));
  EXPECT_EQ(service.calls[0].request.body,
            R"({"Target":"i-1","DocumentName":"AWS-StartPortForwardingSession",)"
            R"("Parameters":{"portNumber":["80"]}})");
  child->send_signal(SIGINT);
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0);
  EXPECT_THAT(output, EndsWith(", to localhost:80 of i-1 (session test-1)\n"));
  EXPECT_THAT(errors, HasSubstr("0 connections, 0 refused, 0 broken, 0 open; 0 B sent"));
  // The agent has acknowledged the end: no API call is needed.
  EXPECT_THAT(service.operations(), ElementsAre("StartSession"));
}

TEST_F(PortProgram, connect_port_reaches_other_hosts_from_the_target) {
  run_connect({"port", "-L", "0:db.internal:5432", "--quiet"}, forwarding);
  ASSERT_TRUE(until_output("listening on 127.0.0.1:"));
  EXPECT_EQ(service.calls[0].request.body,
            R"({"Target":"i-1","DocumentName":"AWS-StartPortForwardingSessionToRemoteHost",)"
            R"("Parameters":{"host":["db.internal"],"portNumber":["5432"]}})");
  child->send_signal(SIGTERM);
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(errors, "");
}

TEST_F(PortProgram, connect_port_with_a_port_in_use_starts_no_session) {
  auto taken = net::StreamListener::bind(loop, {});
  ASSERT_TRUE(taken);
  ASSERT_TRUE(taken->listen([](net::StreamSocket) {}));
  const std::string port = std::to_string(taken->address().port);
  run_connect({"port", "-L", port + ":localhost:80"}, forwarding);
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 3);
  EXPECT_THAT(errors, AllOf(HasSubstr("cannot listen on 127.0.0.1:" + port),
                            HasSubstr("No session was started")));
  EXPECT_THAT(service.operations(), IsEmpty());
}

TEST_F(PortProgram, connect_port_ends_with_the_session_and_says_why) {
  run_connect({"port", "-L", "0:localhost:80"}, forwarding);
  ASSERT_TRUE(until_output("listening on "));
  service.close_channel("idle for too long");
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 3);
  EXPECT_THAT(errors, HasSubstr("session test-1 was closed: idle for too long"));
}

TEST_F(PortProgram, connect_port_does_not_take_another_kind_of_session) {
  run_connect({"port", "-L", "0:localhost:22"}, R"({"portNumber":"22"})");
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 3);
  EXPECT_THAT(errors, HasSubstr("this is a session of type 'Port', which this command is not for"));
  EXPECT_THAT(service.operations(), ElementsAre("StartSession", "TerminateSession"));
}

//= SSH-003
TEST_F(PortProgram, connect_ssh_writes_nothing_else_to_stdout) {
  run_connect({"ssh", "--port", "2222"}, R"({"portNumber":"2222"})");
  ASSERT_TRUE(until([&] { return peer->destinations.size() == 1; }));
  EXPECT_EQ(service.calls[0].request.body,
            R"({"Target":"i-1","DocumentName":"AWS-StartSSHSession",)"
            R"("Parameters":{"portNumber":["2222"]}})");
  service.cut();
  ASSERT_TRUE(until([&] { return service.texts.size() == 2; }));
  peer->send(1, "banner\r\n");
  peer->end(1);
  ASSERT_TRUE(until_ended());
  EXPECT_EQ(child->status(), 0);
  EXPECT_EQ(output, "banner\r\n");
  EXPECT_THAT(errors, AllOf(StartsWith("ssmsim: connection lost ("),
                            HasSubstr("\nssmsim: connection resumed\n")));
}

TEST_F(PortProgram, wrong_usage_is_status_2) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"port", "-L", "80:localhost:80"}, "--target is required"},
      {{"port", "--target", "i"}, "expected at least one -L"},
      {{"port", "--target", "i", "-L", "x"}, "'x' is no port number"},
      {{"port", "--target", "i", "-L", "8080"}, "--document-name has to"},
      {{"ssh"}, "--target is required"},
      {{"exec"}, "--target is required"},
      {{"exec", "--target", "i"}, "expected a command"},
  };
  for (const auto& [arguments, expected] : cases) {
    std::vector<std::string> all = {program("ssmsim"), "connect"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    output.clear();
    errors.clear();
    run(all);
    ASSERT_TRUE(until_ended());
    EXPECT_EQ(child->status(), 2) << errors;
    EXPECT_THAT(errors, AllOf(HasSubstr(expected), HasSubstr("--help")));
  }
}

}  // namespace
}  // namespace ssm::client
