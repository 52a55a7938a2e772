#include "ssm/client/port_forwarding.hpp"

#include <csignal>

#include "port_fixture.hpp"

namespace ssm::client {
namespace {

using protocol::PortCloseReason;
using protocol::PortMode;
using test::pattern;
using test::PortTest;
using test::StreamPeer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PortProperties, are_texts_and_anything_else_is_ignored) {
  const PortProperties properties = parse_port_properties(
      R"({"type":"LocalPortForwarding","portNumber":80,"localPortNumber":"4000","host":"h",)"
      R"("localConnectionType":"unix","localUnixSocket":"/x","more":{}})");
  EXPECT_TRUE(forwards_connections(properties));
  EXPECT_EQ(properties.port_number, "");
  EXPECT_EQ(properties.local_port_number, "4000");
  EXPECT_EQ(properties.host, "h");
  EXPECT_EQ(properties.local_connection_type, "unix");
  EXPECT_EQ(properties.local_unix_socket, "/x");
  EXPECT_FALSE(forwards_connections(parse_port_properties("null")));
  EXPECT_FALSE(forwards_connections(parse_port_properties(R"({"type":"localportforwarding"})")));
}

//= PORT-009
//= PORT-024
TEST_F(PortTest, multiplexes_with_a_recent_agent_on_a_free_loopback_port) {
  start_listening();
  EXPECT_EQ(watcher.mode, PortMode::mux);
  EXPECT_EQ(watcher.agent_version, "3.3.0.0");
  EXPECT_EQ(watcher.address->host, "127.0.0.1");
  EXPECT_GT(watcher.address->port, 0);
}

//= PORT-027
TEST_F(PortTest, refuses_connections_until_the_session_has_begun) {
  auto listener = net::StreamListener::bind(loop, {});
  ASSERT_TRUE(listener);
  const net::ListenAddress address = listener->address();
  start(R"({"portNumber":"80","type":"LocalPortForwarding"})", "3.3.0.0",
        {.listener = std::make_shared<net::StreamListener>(*std::move(listener))});
  peer->completes_handshake = false;
  ASSERT_TRUE(until([&] { return !peer->client_version.empty(); }));
  EXPECT_EQ(test::connect_to(address), -ECONNREFUSED);
  peer->complete_handshake();
  ASSERT_TRUE(until([&] { return watcher.address.has_value(); }));
  EXPECT_EQ(watcher.address->port, address.port);
  connect();
  EXPECT_TRUE(until([&] { return peer->destinations.size() == 1; }));
}

TEST_F(PortTest, carries_many_connections_at_once_without_mixing_them) {
  start_listening();
  peer->echoes = true;
  constexpr std::size_t count = 50;
  std::vector<std::string> sent;
  for (std::uint32_t i = 0; i < count; ++i) {
    sent.push_back(pattern(20'000 + i * 1'000, i));
    connect().write(sent.back());
  }
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(until([&] { return applications[i].received.size() >= sent[i].size(); })) << i;
    EXPECT_TRUE(applications[i].received == sent[i]) << i;
  }
  EXPECT_EQ(watcher.accepts, count);
  EXPECT_EQ(watcher.waiting, 0U);
}

//= MUX-033
TEST_F(PortTest, an_application_that_has_ended_its_input_gets_the_answer) {
  start_listening();
  StreamPeer& application = connect();
  application.write("request");
  ASSERT_TRUE(until([&] { return peer->destinations[1].received == "request"; }));
  application.socket.shutdown_write();
  ASSERT_TRUE(until([&] { return peer->destinations[1].received_all; }));
  EXPECT_FALSE(application.ended);
  peer->send(1, "answer");
  peer->end(1);
  ASSERT_TRUE(until([&] { return application.ended; }));
  EXPECT_EQ(application.received, "answer");
  EXPECT_TRUE(until([&] { return watcher.reasons.contains(1); }));
  EXPECT_EQ(watcher.reasons[1], PortCloseReason::ended);
}

//= MUX-033
TEST_F(PortTest, a_destination_that_has_ended_its_output_still_reads) {
  start_listening();
  StreamPeer& application = connect();
  ASSERT_TRUE(until([&] { return peer->destinations.size() == 1; }));
  peer->send(1, "greeting");
  peer->end(1);
  ASSERT_TRUE(until([&] { return application.ended; }));
  EXPECT_EQ(application.received, "greeting");
  application.write("late");
  ASSERT_TRUE(until([&] { return peer->destinations[1].received == "late"; }));
}

//= MUX-034
TEST_F(PortTest, a_reset_of_one_application_ends_its_stream_and_no_other) {
  start_listening();
  StreamPeer& first = connect();
  StreamPeer& second = connect();
  ASSERT_TRUE(until([&] { return peer->destinations.size() == 2; }));
  first.socket.reset();
  ASSERT_TRUE(until([&] { return peer->destinations[1].received_all; }));
  second.write("still here");
  EXPECT_TRUE(until([&] { return peer->destinations[2].received == "still here"; }));
}

//= MUX-037
TEST_F(PortTest, a_refused_connection_is_closed_and_the_others_live) {
  start_listening();
  StreamPeer& good = connect();
  ASSERT_TRUE(until([&] { return peer->destinations.size() == 1; }));
  peer->refuses = true;
  StreamPeer& refused = connect();
  ASSERT_TRUE(until([&] { return refused.ended || refused.error; }));
  EXPECT_EQ(watcher.reasons[2], PortCloseReason::refused);
  EXPECT_EQ(watcher.refusals, 1U);
  good.write("x");
  EXPECT_TRUE(until([&] { return peer->destinations[1].received == "x"; }));
}

//= PORT-042
TEST_F(PortTest, a_reader_that_stops_does_not_stop_the_others) {
  start_listening();
  StreamPeer& stopped = connect();
  StreamPeer& other = connect();
  ASSERT_TRUE(until([&] { return peer->destinations.size() == 2; }));
  stopped.room = 0;
  const std::string bulk = pattern(10'000'000, 1);
  peer->send(1, bulk);
  peer->send(2, "quick");
  EXPECT_TRUE(until([&] { return other.received == "quick"; }));
  EXPECT_EQ(stopped.received, "");
  stopped.room = 65536;
  stopped.socket.resume_reading();
  ASSERT_TRUE(until([&] { return stopped.received.size() == bulk.size(); }));
  EXPECT_TRUE(stopped.received == bulk);
}

TEST_F(PortTest, a_destination_that_does_not_read_makes_the_application_wait) {
  start_listening();
  service.acknowledges = false;
  StreamPeer& application = connect();
  application.write(std::string(50'000'000, 'x'));
  ASSERT_TRUE(until([&] { return service.messages.size() >= 1000; }));
  // The window of unacknowledged messages and what the sockets hold, nothing more.
  EXPECT_GT(application.unsent.size(), 30'000'000U);
}

TEST_F(PortTest, bulk_in_both_directions_arrives_whole) {
  start_listening();
  peer->echoes = true;
  StreamPeer& application = connect();
  const std::string sent = pattern(20'000'000, 7);
  application.write(sent);
  ASSERT_TRUE(until([&] { return application.unsent.empty(); }));
  application.socket.shutdown_write();
  ASSERT_TRUE(until([&] { return application.ended; }));
  EXPECT_TRUE(application.received == sent);
}

//= PORT-032
TEST_F(PortTest, with_an_old_agent_connections_are_served_one_after_the_other) {
  start_listening("3.0.196.0");
  EXPECT_EQ(watcher.mode, PortMode::basic);
  StreamPeer& first = connect();
  first.write("first");
  ASSERT_TRUE(until([&] { return peer->destinations[1].received == "first"; }));
  StreamPeer& second = connect();
  second.write("second");
  ASSERT_TRUE(until([&] { return watcher.accepts == 2; }));
  EXPECT_EQ(watcher.waiting, 1U);
  peer->send(1, "answer");
  ASSERT_TRUE(until([&] { return first.received == "answer"; }));
  first.socket.close();
  ASSERT_TRUE(until([&] { return peer->destinations.size() == 2; }));
  EXPECT_TRUE(until([&] { return peer->destinations.rbegin()->second.received == "second"; }));
  EXPECT_EQ(peer->destinations[1].received, "first");
}

//= PORT-026
TEST_F(PortTest, listens_on_the_unix_socket_that_the_properties_name) {
  const std::string path = ::testing::TempDir() + "ssm_port_" + std::to_string(::getpid());
  start(R"({"portNumber":"80","type":"LocalPortForwarding","localConnectionType":"unix",)"
        R"("localUnixSocket":")" +
        path + "\"}");
  ASSERT_TRUE(until([&] { return watcher.address.has_value(); }));
  EXPECT_EQ(watcher.address->path, path);
  connect().write("x");
  EXPECT_TRUE(until([&] { return peer->destinations[1].received == "x"; }));
  session.reset();
  //= PORT-029
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

//= PORT-028
TEST_F(PortTest, a_local_port_in_use_ends_the_session_and_says_so) {
  auto taken = net::StreamListener::bind(loop, {});
  ASSERT_TRUE(taken);
  ASSERT_TRUE(taken->listen([](net::StreamSocket) {}));
  const std::string port = std::to_string(taken->address().port);
  start(R"({"portNumber":"80","type":"LocalPortForwarding","localPortNumber":")" + port + "\"}");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::local_failure);
  EXPECT_EQ(outcome->text, "listen tcp 127.0.0.1:" + port + ": bind: address already in use");
}

TEST_F(PortTest, a_local_port_that_is_none_is_an_error) {
  start(R"({"portNumber":"80","type":"LocalPortForwarding","localPortNumber":"99999"})");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->text, "listen tcp: address 99999: invalid port");
}

TEST_F(PortTest, other_port_sessions_are_not_for_listeners) {
  start(R"({"portNumber":"22"})");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::unsupported_session_type);
  EXPECT_EQ(outcome->text, "Port");
}

//= PORT-050
TEST_F(PortTest, what_came_before_the_end_of_the_session_is_delivered) {
  start_listening();
  StreamPeer& application = connect();
  ASSERT_TRUE(until([&] { return peer->destinations.size() == 1; }));
  application.room = 0;
  const std::string bulk = pattern(5'000'000, 3);
  peer->send(1, bulk);
  service.close_channel("idle for too long");
  ASSERT_TRUE(until([&] { return !service.connected() || service.ends > 0; }));
  EXPECT_FALSE(outcome);
  application.room = 65536;
  application.socket.resume_reading();
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::channel_closed);
  EXPECT_EQ(outcome->text, "idle for too long");
  ASSERT_TRUE(until([&] { return application.ended; }));
  EXPECT_TRUE(application.received == bulk);
  EXPECT_LT(test::connect_to(*watcher.address), 0);
}

class PortSignals : public PortTest, public ::testing::WithParamInterface<int> {};

//= PORT-002
//= PORT-056
TEST_P(PortSignals, end_the_session_at_the_agent_and_all_connections) {
  start_listening();
  StreamPeer& application = connect();
  ASSERT_TRUE(until([&] { return peer->destinations.size() == 1; }));
  std::raise(GetParam());
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::left);
  EXPECT_TRUE(outcome->terminated);
  EXPECT_TRUE(watcher.terminated);
  ASSERT_TRUE(until([&] { return application.error || application.ended; }));
  ASSERT_TRUE(peer->ended);
  EXPECT_EQ(peer->ended->reason, protocol::PortEndReason::terminated);
  ASSERT_TRUE(watcher.totals);
  EXPECT_EQ(watcher.totals->connections, 1U);
  EXPECT_LT(test::connect_to(*watcher.address), 0);
}

INSTANTIATE_TEST_SUITE_P(Signals, PortSignals, ::testing::Values(SIGINT, SIGTERM, SIGHUP, SIGQUIT));

//= PORT-003
//= PORT-057
TEST_F(PortTest, an_agent_too_old_for_the_flag_is_ended_by_the_api) {
  start_listening("2.3.722.0");
  std::raise(SIGINT);
  ASSERT_TRUE(until([&] { return !service.calls.empty(); }));
  EXPECT_THAT(service.operations(), ElementsAre("TerminateSession"));
  service.close_channel("");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  for (const auto& message : service.messages) {
    EXPECT_NE(message.type, protocol::PayloadType::flag);
  }
}

TEST_F(PortTest, a_second_signal_does_not_wait_for_the_agent) {
  start_listening();
  service.acknowledges = false;
  service.on_stream = nullptr;
  std::raise(SIGINT);
  ASSERT_TRUE(until([&] { return watcher.terminated; }));
  std::raise(SIGINT);
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::left);
  EXPECT_FALSE(outcome->terminated);
}

//= PORT-074
//= PORT-075
TEST_F(PortTest, a_cut_connection_is_resumed_and_the_transfer_goes_on) {
  start_listening();
  StreamPeer& application = connect();
  application.write("before ");
  ASSERT_TRUE(until([&] { return peer->destinations[1].received == "before "; }));
  service.cut();
  application.write("during ");
  ASSERT_TRUE(until([&] { return service.texts.size() == 2; }));
  application.write("after");
  EXPECT_TRUE(until([&] { return peer->destinations[1].received == "before during after"; }));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("connection lost"), "connection resumed"));
}

//= MUX-023
//= MUX-066
TEST_F(PortTest, an_agent_that_breaks_the_multiplexer_ends_the_session_with_the_reason) {
  start_listening();
  StreamPeer& application = connect();
  ASSERT_TRUE(until([&] { return peer->destinations.size() == 1; }));
  service.send_output("not a frame of the multiplexer");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::protocol_failure);
  EXPECT_THAT(outcome->text, HasSubstr("version"));
  EXPECT_TRUE(until([&] { return application.error || application.ended; }));
}

}  // namespace
}  // namespace ssm::client
