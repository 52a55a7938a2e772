#include "ssm/agent/port_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop_until.hpp"
#include "pty_fixture.hpp"
#include "silent_listener.hpp"
#include "ssm/net/stream_listener.hpp"
#include "ssm/protocol/port_client.hpp"

namespace ssm::agent {
namespace {

using net::EventLoop;
using protocol::Bytes;
using protocol::PayloadType;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view forwarding = "LocalPortForwarding";
constexpr std::string_view new_client = "1.2.677.0";
constexpr std::string_view old_client = "1.1.0.0";

/// A destination's connection: keeps what it reads.
struct Served {
  net::StreamSocket socket;
  std::string received;
  std::string unsent;
  std::size_t sent = 0;  ///< of `unsent`
  bool ended = false;
  bool broken = false;
  bool reading = true;

  [[nodiscard]] bool done() const { return sent == unsent.size(); }
};

/// The program between a PortClient and real servers on loopback, without a data channel.
class PortProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    test::loop_until(loop_, [] { return true; });
    descriptors_before_ = test::open_descriptors();
    listener_.emplace(net::StreamListener::bind(loop_, {}).value());
  }
  void TearDown() override {
    program_.reset();
    served_.clear();
    listener_.reset();
    // Closed connections may linger for what the other side still sends.
    EXPECT_TRUE(until([this] { return test::open_descriptors() <= descriptors_before_; }));
  }

  void listen() {
    ASSERT_TRUE(listener_->listen([this](net::StreamSocket socket) { accept(std::move(socket)); }));
  }

  void accept(net::StreamSocket socket) {
    served_.push_back(std::make_unique<Served>());
    Served& served = *served_.back();
    served.socket = std::move(socket);
    served.socket.start({.room = [&served] { return served.reading ? std::size_t{65536} : 0; },
                         .on_data =
                             [this, &served](Bytes data) {
                               served.received += protocol::as_text(data);
                               if (echo_) {
                                 write(served, protocol::as_text(data));
                               }
                             },
                         .on_end =
                             [this, &served] {
                               served.ended = true;
                               if (echo_ && served.done()) {
                                 served.socket.shutdown_write();
                               }
                             },
                         .on_error = [&served](boost::system::error_code) { served.broken = true; },
                         .on_writable =
                             [&served] {
                               served.sent += served.socket.write_some(
                                   protocol::as_bytes(served.unsent).subspan(served.sent));
                               if (served.done() && served.ended) {
                                 served.socket.shutdown_write();
                               }
                             }});
  }
  static void write(Served& served, std::string_view text) {
    served.unsent += text;
    served.socket.request_write();
  }

  PortProgramOptions options(std::string_view type, std::string port) {
    return {.plan = {.host = {}, .port = std::move(port), .type = std::string(type)}};
  }
  PortProgramOptions options(std::string_view type) {
    return options(type, std::to_string(listener_->address().port));
  }

  void start(PortProgramOptions program, std::string_view client_version = new_client) {
    const net::Instant now = EventLoop::now();
    auto choice = protocol::choose_client_port_mode(program.plan.type, "3.3.1142.0");
    if (client_version == old_client && choice.mode == protocol::PortMode::mux) {
      choice.mode = protocol::PortMode::basic;
    }
    client_.emplace(protocol::PortClientConfig{.choice = choice, .rules = {}}, now);
    program_ = make_port_program(loop_, std::move(program));
    const auto started = program_->start({.client_version = std::string(client_version)},
                                         [this] { changes_ = true; });
    ASSERT_TRUE(started);
  }

  /// Carries everything between the client and the program.
  void carry() {
    const net::Instant now = EventLoop::now();
    bool more = true;
    while (more) {
      more = false;
      while (const auto event = client_->poll_event()) {
        handle(*event, now);
        more = true;
      }
      while (const auto output = client_->poll_output(now)) {
        const auto frame = protocol::Frame::copy_of(output->data);
        to_program_.emplace_back(output->type, protocol::FrameSlice(frame, frame.bytes()));
        more = true;
      }
      while (!to_program_.empty() && program_->takes_input()) {
        program_->receive(to_program_.front().first, to_program_.front().second);
        to_program_.pop_front();
        more = true;
      }
      if (to_program_.empty()) {
        client_->all_acknowledged(now);
      }
      program_->set_output_possible(client_->ready_to_receive());
      while (client_->ready_to_receive()) {
        const auto output = program_->poll_output(now);
        if (!output) {
          break;
        }
        flags_ += output->type == PayloadType::flag ? 1 : 0;
        largest_ = std::max(largest_, output->data.size());
        EXPECT_TRUE(client_->receive(output->type, output->data, now));
        more = true;
      }
    }
  }

  void handle(const protocol::PortEvent& event, net::Instant now) {
    if (const auto* const readable = std::get_if<protocol::PortReadable>(&event)) {
      read(readable->id, now);
    } else if (const auto* const closed = std::get_if<protocol::PortClosed>(&event)) {
      closed_[closed->id] = closed->reason;
    } else if (const auto* const writable = std::get_if<protocol::PortWritable>(&event)) {
      write_more(writable->id, now);
    }
  }
  void read(protocol::PortConnection id, net::Instant now) {
    for (Bytes bytes = client_->readable(id); !bytes.empty(); bytes = client_->readable(id)) {
      local_[id] += protocol::as_text(bytes);
      client_->consumed(id, bytes.size(), now);
    }
  }
  void write_more(protocol::PortConnection id, net::Instant now) {
    std::string& unsent = local_unsent_[id];
    const std::size_t count = client_->data(id, protocol::as_bytes(unsent), now);
    unsent.erase(0, count);
    if (unsent.empty() && local_eof_[id]) {
      client_->eof(id, now);
    }
  }

  void open(protocol::PortConnection id) { client_->connection_accepted(id, EventLoop::now()); }
  void send(protocol::PortConnection id, std::string_view text, bool then_eof = false) {
    local_unsent_[id] += text;
    local_eof_[id] = then_eof;
    write_more(id, EventLoop::now());
  }

  bool until(const std::function<bool()>& condition) {
    return test::loop_until(loop_, [&] {
      if (program_ && client_) {
        carry();
      }
      return condition();
    });
  }
  bool wait_for_end() {
    return until([this] { return program_->ended().has_value(); });
  }

  EventLoop loop_;
  std::optional<net::StreamListener> listener_;
  std::vector<std::unique_ptr<Served>> served_;
  bool echo_ = true;
  std::optional<protocol::PortClient> client_;
  std::unique_ptr<SessionProgram> program_;
  bool changes_ = false;
  std::deque<std::pair<PayloadType, protocol::FrameSlice>> to_program_;
  std::map<protocol::PortConnection, std::string> local_;
  std::map<protocol::PortConnection, std::string> local_unsent_;
  std::map<protocol::PortConnection, bool> local_eof_;
  std::map<protocol::PortConnection, protocol::PortCloseReason> closed_;
  int flags_ = 0;
  std::size_t largest_ = 0;
  std::size_t descriptors_before_ = 0;
};

std::string pattern(std::size_t size) {
  std::string text;
  text.reserve(size);
  for (std::size_t i = 0; text.size() < size; ++i) {
    text.push_back(static_cast<char>((i * 7 + i / 251) & 0xFFU));
  }
  return text;
}

// --- multiplexed --------------------------------------------------------------------------------

TEST_F(PortProgramTest, carries_many_connections_at_once) {
  listen();
  start(options(forwarding));
  const std::string data = pattern(300'000);
  for (protocol::PortConnection id = 1; id <= 20; ++id) {
    open(id);
    send(id, data, true);
  }
  ASSERT_TRUE(until([this] { return closed_.size() == 20; }));
  for (protocol::PortConnection id = 1; id <= 20; ++id) {
    EXPECT_TRUE(local_[id] == data) << id;
    EXPECT_EQ(closed_[id], protocol::PortCloseReason::ended);
  }
  EXPECT_LE(largest_, 1024U);
  EXPECT_FALSE(program_->ended());
}

TEST_F(PortProgramTest, dials_only_when_a_connection_is_opened_if_multiplexed) {
  listen();
  start(options(forwarding));
  ASSERT_TRUE(until([this] { return program_->takes_input(); }));
  EXPECT_TRUE(served_.empty());
  open(1);
  EXPECT_TRUE(until([this] { return served_.size() == 1; }));
}

TEST_F(PortProgramTest, keeps_the_other_direction_open_after_a_half_close) {
  listen();
  echo_ = false;
  start(options(forwarding));
  open(1);
  send(1, "question", true);
  ASSERT_TRUE(until([this] { return !served_.empty() && served_[0]->ended; }));
  EXPECT_EQ(served_[0]->received, "question");
  write(*served_[0], "answer");
  ASSERT_TRUE(until([this] { return local_[1] == "answer"; }));
  served_[0]->socket.shutdown_write();
  EXPECT_TRUE(until([this] { return closed_.contains(1); }));
}

TEST_F(PortProgramTest, tells_a_refused_connection_with_a_flag_and_goes_on) {
  start(options(forwarding));
  open(1);
  ASSERT_TRUE(until([this] { return closed_.contains(1); }));
  EXPECT_EQ(closed_[1], protocol::PortCloseReason::refused);
  EXPECT_EQ(flags_, 1);
  EXPECT_FALSE(program_->ended());
  listen();
  open(2);
  send(2, "hello");
  EXPECT_TRUE(until([this] { return local_[2] == "hello"; }));
}

TEST_F(PortProgramTest, gives_up_a_destination_that_never_answers) {
  const test::SilentListener silent;
  ASSERT_TRUE(silent.ok());
  PortProgramOptions program = options(forwarding, std::to_string(silent.port()));
  program.rules.dial_limit = std::chrono::milliseconds(50);
  start(program);
  open(1);
  ASSERT_TRUE(until([this] { return closed_.contains(1); }));
  EXPECT_EQ(closed_[1], protocol::PortCloseReason::refused);
}

TEST_F(PortProgramTest, a_destination_that_does_not_read_stops_only_its_own_connection) {
  listen();
  start(options(forwarding));
  open(1);
  ASSERT_TRUE(until([this] { return served_.size() == 1; }));
  served_[0]->reading = false;
  const std::string much = pattern(std::size_t{8} * 1024 * 1024);
  send(1, much, true);
  open(2);
  send(2, "quick", true);
  ASSERT_TRUE(until([this] { return closed_.contains(2); }));
  EXPECT_EQ(local_[2], "quick");
}

TEST_F(PortProgramTest, reads_no_more_of_a_destination_than_the_client_takes) {
  listen();
  echo_ = false;
  start(options(forwarding));
  open(1);
  ASSERT_TRUE(until([this] { return served_.size() == 1; }));
  write(*served_[0], pattern(std::size_t{24} * 1024 * 1024));
  // Nothing is polled, so nothing may be taken beyond what the buffers hold.
  std::size_t before = 0;
  std::size_t now = served_[0]->sent;
  while (before != now) {
    before = now;
    int looks = 0;
    ASSERT_TRUE(test::loop_until(loop_, [&] { return ++looks > 50; }));
    now = served_[0]->sent;
  }
  EXPECT_LT(now, std::size_t{16} * 1024 * 1024);
  EXPECT_TRUE(until([this] { return local_[1].size() == std::size_t{24} * 1024 * 1024; }));
}

TEST_F(PortProgramTest, closes_all_connections_when_the_client_ends_the_session) {
  listen();
  start(options(forwarding));
  open(1);
  send(1, "x");
  ASSERT_TRUE(until([this] { return local_[1] == "x"; }));
  client_->terminate(EventLoop::now());
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::dismissed);
  EXPECT_TRUE(until([this] { return served_[0]->ended || served_[0]->broken; }));
}

TEST_F(PortProgramTest, closes_all_connections_when_stopped) {
  listen();
  start(options(forwarding));
  open(1);
  ASSERT_TRUE(until([this] { return served_.size() == 1; }));
  program_->stop();
  ASSERT_TRUE(program_->ended());
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::cancelled);
  EXPECT_TRUE(until([this] { return served_[0]->ended || served_[0]->broken; }));
}

TEST_F(PortProgramTest, fails_when_the_client_breaks_the_rules_of_the_multiplexer) {
  start(options(forwarding));
  const auto frame = protocol::Frame::copy_of(protocol::as_bytes("GET / HTTP/1.1\r\n"));
  ASSERT_TRUE(until([this] { return program_->takes_input(); }));
  program_->receive(PayloadType::output, protocol::FrameSlice(frame, frame.bytes()));
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::failed);
}

// --- one connection at a time -------------------------------------------------------------------

TEST_F(PortProgramTest, dials_at_once_and_ends_with_the_destination_without_a_type) {
  listen();
  echo_ = false;
  start(options(""));
  open(1);
  ASSERT_TRUE(until([this] { return served_.size() == 1; }));
  const std::string data = pattern(std::size_t{1} << 20U);
  write(*served_[0], data);
  ASSERT_TRUE(until([this] { return served_[0]->done(); }));
  served_[0]->socket.shutdown_write();
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::finished);
  EXPECT_TRUE(local_[1] == data) << local_[1].size();
}

TEST_F(PortProgramTest, fails_when_the_destination_resets_without_a_type) {
  listen();
  start(options(""));
  ASSERT_TRUE(until([this] { return served_.size() == 1; }));
  served_[0]->socket.reset();
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::failed);
}

TEST_F(PortProgramTest, fails_at_once_when_the_destination_refuses) {
  start(options(forwarding), old_client);
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::failed);
  EXPECT_EQ(program_->ended()->text, "Unable to connect to specified port: dial tcp 127.0.0.1:" +
                                         std::to_string(listener_->address().port) +
                                         ": connect: connection refused");
  EXPECT_EQ(flags_, 0);
}

TEST_F(PortProgramTest, fails_when_the_only_destination_never_answers) {
  const test::SilentListener silent;
  ASSERT_TRUE(silent.ok());
  PortProgramOptions program = options("", std::to_string(silent.port()));
  program.rules.dial_limit = std::chrono::milliseconds(50);
  start(program);
  EXPECT_FALSE(program_->takes_input());
  ASSERT_TRUE(wait_for_end());
  EXPECT_THAT(program_->ended()->text, HasSubstr("i/o timeout"));
}

TEST_F(PortProgramTest, dials_again_for_the_next_connection_of_an_old_client) {
  listen();
  start(options(forwarding), old_client);
  open(1);
  send(1, "first");
  ASSERT_TRUE(until([this] { return local_[1] == "first"; }));
  send(1, "", true);
  ASSERT_TRUE(until([this] { return served_[0]->ended; }));
  open(2);
  send(2, "second");
  ASSERT_TRUE(until([this] { return served_.size() == 2 && served_[1]->received == "second"; }));
  EXPECT_EQ(served_[0]->received, "first");
}

TEST_F(PortProgramTest, of_an_agent_before_multiplexing_carries_raw_bytes) {
  listen();
  PortProgramOptions program =
      port_program_options(options(forwarding).plan, *protocol::find_agent_profile("agent-3.0"));
  EXPECT_FALSE(program.multiplexes);
  start(program);
  // Its client would have seen its version and use no multiplexer either.
  client_.emplace(
      protocol::PortClientConfig{
          .choice = protocol::choose_client_port_mode(forwarding, "3.0.161.0"), .rules = {}},
      EventLoop::now());
  open(1);
  send(1, "raw");
  EXPECT_TRUE(until([this] { return local_[1] == "raw"; }));
}

TEST_F(PortProgramTest, holds_a_slow_destinations_input_back) {
  listen();
  start(options(""));
  open(1);
  ASSERT_TRUE(until([this] { return served_.size() == 1; }));
  served_[0]->reading = false;
  send(1, pattern(std::size_t{24} * 1024 * 1024));
  ASSERT_TRUE(until([this] { return !program_->takes_input(); }));
  served_[0]->reading = true;
  echo_ = false;
  served_[0]->socket.resume_reading();
  EXPECT_TRUE(
      until([this] { return served_[0]->received.size() == std::size_t{24} * 1024 * 1024; }));
}

// --- hosts and ports ----------------------------------------------------------------------------

TEST_F(PortProgramTest, reaches_a_named_host) {
  listen();
  PortProgramOptions program = options(forwarding);
  program.plan.host = "localhost";
  start(program);
  open(1);
  send(1, "x");
  EXPECT_TRUE(until([this] { return local_[1] == "x"; }));
}

TEST_F(PortProgramTest, refuses_each_denied_host_in_every_spelling) {
  std::vector<std::string> hosts = default_denied_addresses();
  hosts.insert(hosts.end(), {"::ffff:169.254.169.254", "FD00:EC2::254", "fd00:ec2:0:0::123"});
  for (const std::string& host : hosts) {
    PortProgramOptions program = options(forwarding, "80");
    program.plan.host = host;
    start(program);
    ASSERT_TRUE(wait_for_end());
    EXPECT_EQ(program_->ended()->kind, ProgramEnd::Kind::failed);
    EXPECT_EQ(program_->ended()->text, "Forwarding to IP address " + host + " is forbidden.");
  }
}

TEST_F(PortProgramTest, refuses_a_name_with_a_denied_address) {
  PortProgramOptions program = options(forwarding);
  program.plan.host = "localhost";
  program.denied_addresses = {"127.0.0.1", "::1"};
  start(program);
  ASSERT_TRUE(wait_for_end());
  EXPECT_EQ(program_->ended()->text, "Forwarding to IP address localhost is forbidden.");
}

TEST_F(PortProgramTest, denies_nothing_without_a_host) {
  listen();
  PortProgramOptions program = options(forwarding);
  program.denied_addresses = {"127.0.0.1", "::1"};
  start(program);
  open(1);
  send(1, "x");
  EXPECT_TRUE(until([this] { return local_[1] == "x"; }));
}

TEST_F(PortProgramTest, fails_when_the_host_is_unknown) {
  PortProgramOptions program = options(forwarding);
  program.plan.host = "nx.invalid";
  start(program);
  ASSERT_TRUE(wait_for_end());
  EXPECT_THAT(program_->ended()->text, StartsWith("lookup nx.invalid: "));
}

TEST_F(PortProgramTest, fails_with_a_port_that_is_none) {
  for (const auto& [port, text] :
       {std::pair("65536", "dial tcp: address 65536: invalid port"),
        std::pair("-1", "dial tcp: lookup tcp/-1: unknown port"),
        std::pair("no such", "dial tcp: lookup tcp/no such: unknown port")}) {
    start(options("", port));
    ASSERT_TRUE(wait_for_end());
    EXPECT_EQ(program_->ended()->text, std::string("Unable to connect to specified port: ") + text);
  }
}

}  // namespace
}  // namespace ssm::agent
