#include "ssm/client/stream_forwarding.hpp"

#include <fcntl.h>

#include <csignal>

#include "port_fixture.hpp"
#include "ssm/client/standard_stream.hpp"
#include "ssm/net/descriptor.hpp"

namespace ssm::client {
namespace {

using test::pattern;
using ::testing::Contains;
using ::testing::ElementsAre;

/// A program's stdin and stdout, as pipes, over a session of AWS-StartSSHSession.
class StreamForwardingTest : public test::PortTest {
 protected:
  StreamForwardingTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    input_read_ = ends[0];
    input_write_.emplace(loop, ends[1]);
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    output_read_.emplace(loop, ends[0]);
    output_write_ = ends[1];
  }
  ~StreamForwardingTest() override {
    session.reset();
    close(input_read_);
    close(output_write_);
  }

  void start_stream(net::Duration quiet_limit = std::chrono::hours(1)) {
    peer.emplace(service, R"({"portNumber":"22"})");
    const StreamForwardingOptions options{
        .input = input_read_, .output = output_write_, .quiet_limit = quiet_limit};
    start_session([options](const protocol::SessionStarted& started, SessionHost& host) {
      return make_stream_forwarding(started, host, options);
    });
    ASSERT_TRUE(until([&] { return peer->destinations.size() == 1; }));
  }
  void write(std::string_view text) { input_write_->write(protocol::as_bytes(text)); }
  void end_input() {
    ASSERT_TRUE(until([&] { return input_write_->queued_bytes() == 0; }));
    input_write_.reset();
  }
  void read_output() {
    output_read_->start_reading(
        65536, [this](protocol::Bytes bytes) { output += protocol::as_text(bytes); },
        [](boost::system::error_code) {});
  }
  void stop_reading() { output_read_.reset(); }
  [[nodiscard]] const std::string& received() { return peer->destinations[1].received; }

  std::string output;

 private:
  int input_read_ = -1;
  int output_write_ = -1;
  std::optional<net::Descriptor> input_write_;
  std::optional<net::Descriptor> output_read_;
};

//= SSH-004
TEST_F(StreamForwardingTest, carries_every_byte_value_both_ways) {
  start_stream();
  read_output();
  peer->echoes = true;
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
  }
  write(all);
  EXPECT_TRUE(until([&] { return output == all; }));
}

//= SSH-005
TEST_F(StreamForwardingTest, a_lone_line_feed_stays_one) {
  start_stream();
  write("\n");
  EXPECT_TRUE(until([&] { return received() == "\n"; }));
}

//= SSH-006
TEST_F(StreamForwardingTest, the_servers_first_words_come_before_any_input) {
  start_stream();
  peer->send(1, "SSH-2.0-test\r\n");
  read_output();
  EXPECT_TRUE(until([&] { return output == "SSH-2.0-test\r\n"; }));
}

//= PORT-041
TEST_F(StreamForwardingTest, flags_are_no_data) {
  start_stream();
  read_output();
  service.send_output(std::string("\0\0\0\3", 4), protocol::PayloadType::flag);
  peer->send(1, "x");
  ASSERT_TRUE(until([&] { return !output.empty(); }));
  EXPECT_EQ(output, "x");
}

TEST_F(StreamForwardingTest, bulk_arrives_whole_both_ways) {
  start_stream();
  read_output();
  peer->echoes = true;
  const std::string sent = pattern(5'000'000, 5);
  write(sent);
  ASSERT_TRUE(until([&] { return output.size() == sent.size(); }));
  EXPECT_TRUE(output == sent);
}

TEST_F(StreamForwardingTest, an_output_that_is_not_read_makes_the_other_side_wait) {
  start_stream();
  peer->send(1, pattern(30'000'000, 6));
  ASSERT_TRUE(until([&] { return service.congested(); }));
  EXPECT_LT(service.acknowledged, 2'000U);
  read_output();
  ASSERT_TRUE(until([&] { return output.size() == 30'000'000; }));
  EXPECT_TRUE(output == pattern(30'000'000, 6));
}

//= SSH-008
//= SSH-009
TEST_F(StreamForwardingTest, after_the_end_of_the_input_the_answer_still_comes) {
  start_stream();
  read_output();
  write("request");
  end_input();
  ASSERT_TRUE(until([&] { return received() == "request"; }));
  peer->send(1, "answer");
  ASSERT_TRUE(until([&] { return output == "answer"; }));
  EXPECT_FALSE(outcome);
  peer->end(1);
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::channel_closed);
}

TEST_F(StreamForwardingTest, after_the_end_of_the_input_silence_ends_the_session) {
  start_stream(std::chrono::milliseconds(20));
  read_output();
  write("request");
  end_input();
  ASSERT_TRUE(until([&] { return !service.calls.empty(); }));
  EXPECT_THAT(service.operations(), ElementsAre("TerminateSession"));
  EXPECT_EQ(received(), "request");
  service.close_channel("");
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::channel_closed);
}

//= SSH-015
TEST_F(StreamForwardingTest, a_reader_that_has_gone_ends_the_client_without_any_output) {
  start_stream();
  stop_reading();
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::left);
}

//= SSH-010
TEST_F(StreamForwardingTest, what_came_before_the_end_is_written_first) {
  start_stream();
  const std::string bulk = pattern(300'000, 8);
  peer->send(1, bulk);
  peer->end(1);
  ASSERT_TRUE(until([&] { return peer->ended.has_value(); }));
  read_output();
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  ASSERT_TRUE(until([&] { return output.size() == bulk.size(); }));
  EXPECT_TRUE(output == bulk);
}

//= SSH-021
TEST_F(StreamForwardingTest, a_cut_connection_loses_nothing) {
  start_stream();
  write("before ");
  ASSERT_TRUE(until([&] { return received() == "before "; }));
  service.cut();
  write("during ");
  ASSERT_TRUE(until([&] { return service.texts.size() == 2; }));
  write("after");
  EXPECT_TRUE(until([&] { return received() == "before during after"; }));
}

//= SSH-025
TEST_F(StreamForwardingTest, a_signal_ends_the_client) {
  start_stream();
  std::raise(SIGINT);
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::stopped);
  EXPECT_EQ(outcome->signal, SIGINT);
}

TEST_F(StreamForwardingTest, sessions_for_listeners_are_not_for_streams) {
  peer.emplace(service, R"({"portNumber":"22","type":"LocalPortForwarding"})");
  start_session([](const protocol::SessionStarted& started, SessionHost& host) {
    return make_stream_forwarding(started, host, {});
  });
  ASSERT_TRUE(until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->end, SessionEnd::unsupported_session_type);
}

}  // namespace
}  // namespace ssm::client
