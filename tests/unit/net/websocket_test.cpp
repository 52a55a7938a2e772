#include "ssm/net/websocket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "websocket_fixture.hpp"

namespace ssm::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST_F(WebSocketTest, answers_the_upgrade_with_connection_upgrade_alone) {
  connect_raw();
  EXPECT_THAT(response, HasSubstr("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nConnection: upgrade\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nUpgrade: websocket\r\n"));
  // The example of RFC 6455 section 1.3.
  EXPECT_THAT(response, HasSubstr("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_THAT(response, Not(HasSubstr("Extensions")));
  EXPECT_EQ(upgrade_seen.target, "/v1/data-channel/s-1?role=x%20y");
}

TEST_F(WebSocketTest, carries_binary_and_text_both_ways) {
  connect_pair();
  client.send("from client");
  client.socket.send_text("text \xC3\xA4");
  server.send("from server");
  run_until([&] { return server.messages.size() == 2 && client.messages.size() == 1; });
  EXPECT_THAT(server.messages, ElementsAre("from client", "text \xC3\xA4"));
  EXPECT_THAT(server.texts, ElementsAre(false, true));
  EXPECT_THAT(client.messages, ElementsAre("from server"));
}

TEST_F(WebSocketTest, keeps_messages_of_every_length_form_apart) {
  connect_pair();
  const std::vector<std::size_t> sizes{0, 1, 7, 8, 125, 126, 127, 65535, 65536, 1'000'000};
  for (const std::size_t size : sizes) {
    client.send(std::string(size, 'c'));
    server.send(std::string(size, 's'));
  }
  run_until([&] {
    return server.messages.size() == sizes.size() && client.messages.size() == sizes.size();
  });
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_TRUE(server.messages[i] == std::string(sizes[i], 'c')) << sizes[i];
    EXPECT_TRUE(client.messages[i] == std::string(sizes[i], 's')) << sizes[i];
  }
}

TEST_F(WebSocketTest, many_messages_arrive_in_order) {
  connect_pair();
  constexpr int count = 5000;
  for (int i = 0; i < count; ++i) {
    client.send(std::to_string(i));
  }
  run_until([&] { return server.messages.size() == count; });
  for (int i = 0; i < count; ++i) {
    ASSERT_EQ(server.messages[static_cast<std::size_t>(i)], std::to_string(i));
  }
}

TEST_F(WebSocketTest, the_client_sends_target_and_host_as_given_and_offers_nothing) {
  connect_pair();
  EXPECT_EQ(upgrade_seen.target, "/pair?a=b");
  EXPECT_EQ(upgrade_seen.header("Host"), "127.0.0.1:" + std::to_string(http->port()));
  EXPECT_FALSE(upgrade_seen.header("Sec-WebSocket-Protocol"));
  EXPECT_FALSE(upgrade_seen.header("Sec-WebSocket-Extensions"));
  EXPECT_EQ(client.socket.remote(), "127.0.0.1:" + std::to_string(http->port()));
}

TEST_F(WebSocketTest, reassembles_fragments_with_a_ping_between_them) {
  connect_raw();
  raw->send(RawFrame{.opcode = 1, .payload = "one ", .final = false}.bytes());
  raw->send(RawFrame{.opcode = 9, .payload = "between"}.bytes());
  raw->send(RawFrame{.opcode = 0, .payload = "", .final = false}.bytes());
  raw->send(RawFrame{.opcode = 0, .payload = "message"}.bytes());
  raw->send(RawFrame{.opcode = 2, .payload = "next"}.bytes());
  run_until([&] { return server.messages.size() == 2; });
  EXPECT_THAT(server.messages, ElementsAre("one message", "next"));
  EXPECT_THAT(server.texts, ElementsAre(true, false));
  EXPECT_THAT(server.pings, ElementsAre("between"));
}

TEST_F(WebSocketTest, reads_frames_that_come_byte_by_byte) {
  connect_raw();
  const std::string bytes = RawFrame{.opcode = 2, .payload = std::string(300, 'p')}.bytes() +
                            RawFrame{.opcode = 9, .payload = "x"}.bytes();
  std::size_t sent = 0;
  std::function<void()> next = [&] {
    if (sent < bytes.size()) {
      raw->send(bytes.substr(sent++, 1));
      loop.post(next);
    }
  };
  next();
  run_until([&] { return !server.pings.empty(); });
  EXPECT_THAT(server.messages, ElementsAre(std::string(300, 'p')));
}

TEST_F(WebSocketTest, messages_sent_together_with_the_upgrade_request_are_not_lost) {
  listen();
  raw.emplace(loop, connect_to(http->port()), [this] { check(); });
  raw->send(std::string(upgrade_request) + RawFrame{.opcode = 1, .payload = "early"}.bytes());
  run_until([&] { return !server.messages.empty(); });
  EXPECT_THAT(server.messages, ElementsAre("early"));
}

TEST_F(WebSocketTest, nothing_is_read_before_start) {
  start_server = false;
  connect_raw();
  raw->send(RawFrame{.opcode = 1, .payload = "a"}.bytes());
  loop.post([this] { check(); });
  start(server);
  run_until([&] { return !server.messages.empty(); });
  EXPECT_THAT(server.messages, ElementsAre("a"));
}

TEST_F(WebSocketTest, answers_pings_and_reports_pings_and_pongs) {
  connect_pair();
  client.socket.send_ping("keepalive");
  server.socket.send_ping("");
  run_until([&] { return !client.pongs.empty() && !server.pongs.empty(); });
  EXPECT_THAT(server.pings, ElementsAre("keepalive"));
  EXPECT_THAT(client.pongs, ElementsAre("keepalive"));
  EXPECT_THAT(client.pings, ElementsAre(""));
  EXPECT_THAT(server.pongs, ElementsAre(""));
}

TEST_F(WebSocketTest, a_ping_keeps_its_place_between_messages) {
  connect_raw();
  server.send("a");
  server.socket.send_ping("p");
  server.send("b");
  const std::string expected = server_frame(2, "a") + server_frame(9, "p") + server_frame(2, "b");
  run_until([&] { return raw->received.size() >= expected.size(); });
  EXPECT_EQ(raw->received, expected);
}

TEST_F(WebSocketTest, a_flood_of_pings_to_a_peer_that_does_not_read_is_bounded) {
  connect_raw();
  raw->pause();
  const std::string ping = RawFrame{.opcode = 9, .payload = std::string(125, 'p')}.bytes();
  constexpr int count = 200'000;
  std::string flood;
  for (int i = 0; i < count; ++i) {
    flood += ping;
  }
  raw->send(flood);
  run_until([&] { return server.pings.size() == count; });
  EXPECT_LT(server.socket.queued_bytes(), 200'000U);
  raw->resume();
  raw->send(RawFrame{.opcode = 9, .payload = "last"}.bytes());
  run_until([&] { return raw->has(server_frame(10, "last")); });
}

// --- how connections end

TEST_F(WebSocketTest, reports_and_echoes_the_peers_close_code) {
  connect_raw();
  raw->send(RawFrame{.opcode = 8, .payload = close_bytes(4001, "why")}.bytes());
  run_until([&] { return server.end && raw->end; });
  EXPECT_EQ(server.end->code, 4001);
  EXPECT_EQ(server.end->reason, "why");
  EXPECT_EQ(raw->received, server_frame(8, close_bytes(4001)));
  EXPECT_FALSE(*raw->end);
}

TEST_F(WebSocketTest, a_close_frame_without_a_code_is_1005) {
  connect_raw();
  raw->send(RawFrame{.opcode = 8, .payload = ""}.bytes());
  run_until([&] { return server.end && raw->end; });
  EXPECT_EQ(server.end->code, 1005);
  EXPECT_EQ(raw->received, server_frame(8, ""));
}

TEST_F(WebSocketTest, what_is_queued_leaves_before_the_echoed_close) {
  connect_raw();
  server.send("queued");
  raw->send(RawFrame{.opcode = 8, .payload = close_bytes(1000)}.bytes());
  run_until([&] { return raw->end.has_value(); });
  EXPECT_EQ(raw->received, server_frame(2, "queued") + server_frame(8, close_bytes(1000)));
}

TEST_F(WebSocketTest, a_connection_that_ends_without_a_close_frame_is_1006) {
  connect_raw();
  raw->close();
  run_until([&] { return server.end.has_value(); });
  EXPECT_EQ(server.end->code, 1006);
  EXPECT_EQ(server.end->detail, "connection closed without a close frame");
}

TEST_F(WebSocketTest, a_reset_connection_is_1006) {
  connect_raw();
  raw->reset();
  run_until([&] { return server.end.has_value(); });
  EXPECT_EQ(server.end->code, 1006);
  EXPECT_EQ(server.end->detail, "connection reset by peer");
}

TEST_F(WebSocketTest, a_reset_is_noticed_by_sending_while_paused) {
  connect_raw();
  server.socket.pause_reading();
  raw->reset();
  // The reset has arrived when this write fails or the next one does.
  Timer again(loop);
  std::function<void()> send = [&] {
    server.send("x");
    again.arm(EventLoop::now(), send);
  };
  send();
  run_until([&] { return server.end.has_value(); });
  EXPECT_EQ(server.end->code, 1006);
}

TEST_F(WebSocketTest, close_sends_what_is_queued_and_the_code_and_ends_with_0) {
  connect_raw();
  server.send("queued");
  server.socket.close(4002, "bye");
  EXPECT_FALSE(server.socket.open());
  const std::string expected =
      server_frame(2, "queued") + server_frame(8, close_bytes(4002, "bye"));
  run_until([&] { return raw->received.size() >= expected.size(); });
  EXPECT_EQ(raw->received, expected);
  EXPECT_FALSE(server.end);
  raw->send(RawFrame{.opcode = 2, .payload = "late"}.bytes());
  raw->send(RawFrame{.opcode = 8, .payload = close_bytes(4002)}.bytes());
  run_until([&] { return server.end && raw->end; });
  EXPECT_EQ(server.end->code, 0);
  EXPECT_THAT(server.messages, SizeIs(0));
  EXPECT_FALSE(*raw->end);
}

TEST_F(WebSocketTest, close_reaches_our_own_client) {
  connect_pair();
  server.socket.close(1001, std::string(200, 'r'));
  run_until([&] { return server.end && client.end; });
  EXPECT_EQ(server.end->code, 0);
  EXPECT_EQ(client.end->code, 1001);
  EXPECT_EQ(client.end->reason, std::string(123, 'r'));
}

TEST_F(WebSocketTest, drop_sends_what_is_queued_and_no_close_frame) {
  connect_raw();
  const std::string big(3'000'000, 'b');
  server.send(big);
  server.send("last");
  server.socket.drop();
  server.send("ignored");
  run_until([&] { return server.end && raw->end; });
  EXPECT_EQ(server.end->code, 0);
  EXPECT_TRUE(raw->received == server_frame(2, big) + server_frame(2, "last"));
  EXPECT_FALSE(*raw->end) << "FIN expected, not a reset";
}

TEST_F(WebSocketTest, drop_goes_on_after_the_handle_was_destroyed) {
  connect_raw();
  const std::string big(3'000'000, 'b');
  server.send(big);
  server.socket.drop();
  server.socket = WebSocket{};
  run_until([&] { return raw->end.has_value(); });
  EXPECT_TRUE(raw->received == server_frame(2, big));
  EXPECT_FALSE(server.end);
}

TEST_F(WebSocketTest, drop_delivers_although_unread_input_is_left) {
  connect_raw();
  server.socket.pause_reading();
  raw->send(RawFrame{.opcode = 2, .payload = std::string(100'000, 'u')}.bytes());
  server.send("last");
  server.socket.drop();
  run_until([&] { return raw->end.has_value(); });
  EXPECT_EQ(raw->received, server_frame(2, "last"));
  EXPECT_FALSE(*raw->end);
}

TEST_F(WebSocketTest, reset_is_a_tcp_reset) {
  connect_raw();
  server.socket.reset();
  EXPECT_FALSE(server.end) << "on_end came from inside the call";
  run_until([&] { return server.end && raw->end; });
  EXPECT_EQ(server.end->code, 0);
  EXPECT_EQ(raw->end->value(), ECONNRESET);
}

TEST_F(WebSocketTest, destroying_the_handle_ends_tcp_without_a_close_frame) {
  connect_raw();
  server.socket = WebSocket{};
  run_until([&] { return raw->end.has_value(); });
  EXPECT_EQ(raw->received, "");
  EXPECT_FALSE(server.end);
}

// --- violations

struct Violation {
  std::string name;
  std::string bytes;
  std::uint16_t code;
  std::string detail;
};

class WebSocketViolationTest : public WebSocketTest,
                               public ::testing::WithParamInterface<Violation> {};

TEST_P(WebSocketViolationTest, is_answered_with_its_close_code) {
  connect_raw({.max_message_bytes = 1000});
  raw->send(GetParam().bytes);
  run_until([&] { return server.end && raw->end; });
  EXPECT_EQ(server.end->code, GetParam().code);
  EXPECT_THAT(server.end->detail, HasSubstr(GetParam().detail));
  EXPECT_THAT(raw->received, ::testing::StartsWith(server_frame(
                                 8, close_bytes(GetParam().code, server.end->detail))));
  EXPECT_FALSE(*raw->end) << "the close frame must not be destroyed by a reset";
  EXPECT_THAT(server.messages, SizeIs(0));
}

INSTANTIATE_TEST_SUITE_P(
    All, WebSocketViolationTest,
    ::testing::Values(
        Violation{"reserved_bit", RawFrame{.payload = "x", .reserved = 4}.bytes(), 1002,
                  "reserved bit"},
        Violation{"unknown_opcode", RawFrame{.opcode = 3, .payload = "x"}.bytes(), 1002,
                  "opcode 3"},
        Violation{"unmasked", RawFrame{.payload = "x", .masked = false}.bytes(), 1002,
                  "not masked"},
        Violation{"long_control", RawFrame{.opcode = 9, .payload = std::string(126, 'x')}.bytes(),
                  1002, "more than 125"},
        Violation{"fragmented_control",
                  RawFrame{.opcode = 9, .payload = "x", .final = false}.bytes(), 1002,
                  "fragmented"},
        Violation{"stray_continuation", RawFrame{.opcode = 0, .payload = "x"}.bytes(), 1002,
                  "without a message"},
        Violation{
            "message_in_message",
            RawFrame{.payload = "x", .final = false}.bytes() + RawFrame{.payload = "y"}.bytes(),
            1002, "inside a fragmented"},
        Violation{"invalid_text", RawFrame{.opcode = 1, .payload = "a\xFF"}.bytes(), 1007,
                  "not valid UTF-8"},
        Violation{"surrogate_in_text", RawFrame{.opcode = 1, .payload = "\xED\xA0\x80"}.bytes(),
                  1007, "not valid UTF-8"},
        Violation{"too_large", RawFrame{.payload = std::string(1001, 'x')}.bytes(), 1009,
                  "larger than 1000 bytes"},
        Violation{"too_large_by_its_header", RawFrame{.length = std::uint64_t{1} << 62U}.bytes(),
                  1009, "larger than 1000 bytes"},
        Violation{"too_large_in_fragments",
                  RawFrame{.payload = std::string(600, 'x'), .final = false}.bytes() +
                      RawFrame{.opcode = 0, .payload = std::string(600, 'x')}.bytes(),
                  1009, "larger than 1000 bytes"},
        Violation{"length_with_highest_bit", RawFrame{.length = std::uint64_t{1} << 63U}.bytes(),
                  1002, "highest bit"},
        Violation{"length_not_shortest", std::string("\x82\xFE\x00\x01", 4) + "abcdx", 1002,
                  "shortest form"},
        Violation{"close_of_one_byte", RawFrame{.opcode = 8, .payload = "x"}.bytes(), 1002,
                  "one byte"},
        Violation{"close_code_1005", RawFrame{.opcode = 8, .payload = close_bytes(1005)}.bytes(),
                  1002, "code 1005"},
        Violation{"close_reason_not_utf8",
                  RawFrame{.opcode = 8, .payload = close_bytes(1000, "\xC0\x80")}.bytes(), 1007,
                  "not valid UTF-8"}),
    [](const auto& test) { return test.param.name; });

TEST_F(WebSocketTest, the_largest_allowed_message_passes) {
  connect_raw({.max_message_bytes = 1000});
  raw->send(RawFrame{.payload = std::string(1000, 'x')}.bytes());
  raw->send(RawFrame{.payload = std::string(600, 'y'), .final = false}.bytes());
  raw->send(RawFrame{.opcode = 0, .payload = std::string(400, 'y')}.bytes());
  run_until([&] { return server.messages.size() == 2; });
  EXPECT_FALSE(server.end);
}

// --- backpressure

TEST_F(WebSocketTest, a_paused_peer_makes_the_sender_congested_and_then_writable_again) {
  connect_pair({.high_water_bytes = 100'000, .low_water_bytes = 20'000});
  server.socket.pause_reading();
  std::size_t sent = 0;
  const std::string message(10'000, 'm');
  std::function<void()> send_more = [&] {
    if (client.socket.queued_bytes() == 0) {
      client.send(message);
      ++sent;
      loop.post(send_more);
    } else {
      check();
    }
  };
  // Until the sockets are full: then the queue stays.
  send_more();
  run_until([&] { return client.socket.queued_bytes() > 0 && sent > 1; });
  while (!client.socket.congested()) {
    client.send(message);
    ++sent;
  }
  EXPECT_GT(client.socket.queued_bytes(), 100'000U);
  EXPECT_THAT(server.messages, SizeIs(0));
  EXPECT_EQ(client.writable, 0);
  server.socket.resume_reading();
  run_until([&] { return server.messages.size() == sent; });
  EXPECT_EQ(client.writable, 1);
  EXPECT_FALSE(client.socket.congested());
}

TEST_F(WebSocketTest, no_message_comes_after_a_pause_in_the_callback) {
  start_server = false;
  connect_raw();
  server.socket.start({.on_message =
                           [this](Frame message, bool) {
                             server.messages.emplace_back(as_text(message.bytes()));
                             server.socket.pause_reading();
                             check();
                           },
                       .on_end = nullptr,
                       .on_writable = nullptr,
                       .on_ping = nullptr,
                       .on_pong = nullptr});
  raw->send(RawFrame{.payload = "a"}.bytes() + RawFrame{.payload = "b"}.bytes() +
            RawFrame{.payload = "c"}.bytes());
  run_until([&] { return !server.messages.empty(); });
  EXPECT_THAT(server.messages, ElementsAre("a"));
  server.socket.resume_reading();
  run_until([&] { return server.messages.size() >= 2; });
  EXPECT_THAT(server.messages, ElementsAre("a", "b"));
  server.socket.resume_reading();
  run_until([&] { return server.messages.size() >= 3; });
  EXPECT_THAT(server.messages, ElementsAre("a", "b", "c"));
}

// --- lifetime

/// The closures own a string that they use after destroying the handle: it must still be alive.
class WebSocketLifetimeTest : public WebSocketTest {
 protected:
  void SetUp() override {
    start_server = false;
    connect_raw();
  }
  auto destroy_and_count() {
    return [this, text = std::string(100, 't')] {
      server.socket = WebSocket{};
      destroyed_in += text;
      check();
    };
  }
  void expect_destroyed_once() {
    run_until([&] { return !destroyed_in.empty() && raw->end; });
    EXPECT_EQ(destroyed_in, std::string(100, 't'));
  }
  std::string destroyed_in;
};

TEST_F(WebSocketLifetimeTest, the_handle_may_be_destroyed_in_on_message) {
  WebSocketHandlers handlers;
  handlers.on_message = [destroy = destroy_and_count()](Frame, bool) { destroy(); };
  handlers.on_end = [](const WebSocketEnd&) { FAIL(); };
  server.socket.start(std::move(handlers));
  raw->send(RawFrame{.payload = "a"}.bytes() + RawFrame{.payload = "b"}.bytes());
  expect_destroyed_once();
}

TEST_F(WebSocketLifetimeTest, the_handle_may_be_destroyed_in_on_ping) {
  WebSocketHandlers handlers;
  handlers.on_ping = [destroy = destroy_and_count()](std::string_view) { destroy(); };
  handlers.on_end = [](const WebSocketEnd&) { FAIL(); };
  server.socket.start(std::move(handlers));
  raw->send(RawFrame{.opcode = 9}.bytes() + RawFrame{.opcode = 9}.bytes());
  expect_destroyed_once();
}

TEST_F(WebSocketLifetimeTest, the_handle_may_be_destroyed_in_on_end) {
  WebSocketHandlers handlers;
  handlers.on_end = [destroy = destroy_and_count()](const WebSocketEnd&) { destroy(); };
  server.socket.start(std::move(handlers));
  raw->send(RawFrame{.opcode = 8, .payload = close_bytes(1000)}.bytes());
  expect_destroyed_once();
  EXPECT_EQ(raw->received, server_frame(8, close_bytes(1000)));
}

TEST_F(WebSocketLifetimeTest, the_handle_may_be_destroyed_in_on_writable) {
  WebSocketHandlers handlers;
  handlers.on_writable = [destroy = destroy_and_count()] { destroy(); };
  handlers.on_end = [](const WebSocketEnd&) { FAIL(); };
  server.socket.start(std::move(handlers));
  server.send(std::string(5'000'000, 'x'));
  ASSERT_TRUE(server.socket.congested());
  expect_destroyed_once();
}

TEST_F(WebSocketTest, the_handle_may_be_replaced_in_on_end) {
  connect_raw();
  WebSocket other;
  raw->close();
  run_until([&] { return server.end.has_value(); });
  server.socket = std::move(other);
  EXPECT_FALSE(server.socket.open());
}

TEST_F(WebSocketTest, an_ended_or_empty_handle_ignores_calls) {
  WebSocket empty;
  empty.send_text("x");
  empty.pause_reading();
  empty.close(1000, "");
  empty.drop();
  empty.reset();
  EXPECT_FALSE(empty.open());
  EXPECT_EQ(empty.queued_bytes(), 0U);
  EXPECT_EQ(empty.remote(), "");
}

}  // namespace
}  // namespace ssm::net
