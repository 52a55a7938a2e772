#include "ssm/net/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "ssm/net/error.hpp"
#include "websocket_fixture.hpp"

namespace ssm::net {
namespace {

using protocol::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HttpClientTest : public LoopTest {
 protected:
  static Url url(const std::string& text) {
    auto parsed = Url::parse(text);
    EXPECT_TRUE(parsed) << parsed.error().to_string();
    return *parsed;
  }

  PendingOperation request(const Url& to, HttpRequest what = {}, Duration timeout = seconds(20)) {
    inside_call = true;
    auto pending =
        http_request(loop, to, std::move(what), timeout, [this](Result<HttpResponse> result) {
          EXPECT_FALSE(inside_call) << "called from inside the call";
          answer.emplace(std::move(result));
          check();
        });
    inside_call = false;
    return pending;
  }

  /// Takes the client's connection and waits for its request.
  void accept_request() {
    peer.emplace(loop, listener.accept(), [this] { check(); });
    run_until([&] { return peer->has("\r\n\r\n"); });
  }

  RawListener listener;
  std::optional<RawPeer> peer;
  std::optional<Result<HttpResponse>> answer;
  bool inside_call = false;
};

TEST_F(HttpClientTest, sends_the_request_as_given_with_host_and_length) {
  const auto pending = request(url(listener.url("http", "/a%2F?b")),
                               {.method = "POST", .headers = {{"X-One", "1"}}, .body = "body"});
  accept_request();
  EXPECT_EQ(peer->received,
            "POST /a%2F?b HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(listener.port()) +
                "\r\nX-One: 1\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody");
}

TEST_F(HttpClientTest, a_given_host_is_kept) {
  const auto pending = request(url(listener.url("http", "/")),
                               {.headers = {{"Host", "ssm.us-east-1.amazonaws.com"}}});
  accept_request();
  EXPECT_THAT(peer->received, HasSubstr("Host: ssm.us-east-1.amazonaws.com\r\n"));
  EXPECT_THAT(peer->received, Not(HasSubstr("Host: 127")));
}

TEST_F(HttpClientTest, gives_status_headers_and_body) {
  const auto pending = request(url(listener.url("http", "/")));
  accept_request();
  peer->send("HTTP/1.1 201 Created\r\nX-Amzn-RequestId: r\r\nContent-Length: 3\r\n\r\nabc");
  run_until([&] { return answer.has_value(); });
  ASSERT_TRUE(*answer) << answer->error().to_string();
  EXPECT_EQ((**answer).status, 201U);
  EXPECT_EQ((**answer).header("x-amzn-requestid"), "r");
  EXPECT_EQ((**answer).body, "abc");
}

struct Framing {
  std::string name;
  std::string response;
};

class HttpClientFramingTest : public HttpClientTest,
                              public ::testing::WithParamInterface<Framing> {};

TEST_P(HttpClientFramingTest, finds_the_end_of_the_body) {
  const auto pending = request(url(listener.url("http", "/")));
  accept_request();
  peer->send(GetParam().response);
  loop.post([this] { peer->finish_sending(); });
  run_until([&] { return answer.has_value(); });
  ASSERT_TRUE(*answer) << answer->error().to_string();
  EXPECT_EQ((**answer).body, "abc");
}

INSTANTIATE_TEST_SUITE_P(
    All, HttpClientFramingTest,
    ::testing::Values(
        Framing{"chunked",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
        Framing{"to_the_end_of_the_connection", "HTTP/1.1 200 OK\r\n\r\nabc"},
        Framing{"after_100_continue",
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"}),
    [](const auto& test) { return test.param.name; });

TEST_F(HttpClientTest, an_answer_to_head_has_no_body) {
  const auto pending = request(url(listener.url("http", "/")), {.method = "HEAD"});
  accept_request();
  peer->send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
  run_until([&] { return answer.has_value(); });
  ASSERT_TRUE(*answer);
  EXPECT_EQ((**answer).body, "");
}

TEST_F(HttpClientTest, takes_an_answer_that_comes_before_the_body_was_sent) {
  const auto listening = HttpServer::listen(loop, {.max_body_bytes = 10}, {});
  ASSERT_TRUE(listening);
  const auto pending = request(url("http://127.0.0.1:" + std::to_string(listening->port()) + "/"),
                               {.method = "PUT", .body = std::string(7'000'000, 'b')});
  run_until([&] { return answer.has_value(); });
  ASSERT_TRUE(*answer) << answer->error().to_string();
  EXPECT_EQ((**answer).status, 413U);
}

TEST_F(HttpClientTest, resolves_names) {
  const auto listening = HttpServer::listen(loop, {.host = "localhost"}, {});
  ASSERT_TRUE(listening);
  const auto pending = request(url("http://localhost:" + std::to_string(listening->port()) + "/"));
  run_until([&] { return answer.has_value(); });
  ASSERT_TRUE(*answer) << answer->error().to_string();
  EXPECT_EQ((**answer).status, 404U);
}

// --- failures

TEST_F(HttpClientTest, a_refused_connection_names_the_address_and_may_be_retried) {
  std::uint16_t free_port = 0;
  {
    const RawListener closed;
    free_port = closed.port();
  }
  const std::string address = "127.0.0.1:" + std::to_string(free_port);
  const auto pending = request(url("http://" + address + "/x?token=secret"));
  run_until([&] { return answer.has_value(); });
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code, boost::system::errc::connection_refused);
  EXPECT_TRUE(is_retryable(answer->error().code));
  EXPECT_THAT(answer->error().context, HasSubstr("GET http://" + address + "/x"));
  EXPECT_THAT(answer->error().context, HasSubstr("connecting to " + address));
  EXPECT_THAT(answer->error().context, Not(HasSubstr("secret")));
}

TEST_F(HttpClientTest, the_time_limit_is_for_the_whole_operation) {
  const auto pending = request(url(listener.url("http", "/")), {}, milliseconds(30));
  accept_request();
  peer->send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
  run_until([&] { return answer.has_value(); });
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code, make_error_code(Errc::timed_out));
  EXPECT_TRUE(is_retryable(answer->error().code));
  EXPECT_THAT(answer->error().to_string(), HasSubstr("30 ms"));
  EXPECT_THAT(answer->error().to_string(), HasSubstr(std::to_string(listener.port())));
}

TEST_F(HttpClientTest, a_connection_closed_without_an_answer_is_an_error) {
  const auto pending = request(url(listener.url("http", "/")));
  accept_request();
  peer->close();
  run_until([&] { return answer.has_value(); });
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code, make_error_code(Errc::connection_closed));
}

TEST_F(HttpClientTest, an_answer_cut_short_is_an_error) {
  const auto pending = request(url(listener.url("http", "/")));
  accept_request();
  peer->send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
  loop.post([this] { peer->finish_sending(); });
  run_until([&] { return answer.has_value(); });
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code, make_error_code(Errc::connection_closed));
}

TEST_F(HttpClientTest, an_answer_that_is_not_http_is_an_error) {
  const auto pending = request(url(listener.url("http", "/")));
  accept_request();
  peer->send("SSH-2.0-OpenSSH\r\n\r\n");
  run_until([&] { return answer.has_value(); });
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code, make_error_code(Errc::malformed_response));
  EXPECT_EQ(answer->error().code, protocol::Condition::malformed);
}

TEST_F(HttpClientTest, an_answer_that_is_too_large_is_an_error) {
  const auto pending = request(url(listener.url("http", "/")));
  accept_request();
  peer->send("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n");
  run_until([&] { return answer.has_value(); });
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code, make_error_code(Errc::response_too_large));
}

TEST_F(HttpClientTest, https_says_that_tls_is_not_built_in) {
  const auto pending = request(url("https://ssm.us-east-1.amazonaws.com/"));
  run_until([&] { return answer.has_value(); });
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code, make_error_code(Errc::tls_unavailable));
  EXPECT_THAT(answer->error().to_string(), HasSubstr("TLS is not built in yet"));
}

TEST_F(HttpClientTest, a_websocket_scheme_does_not_fit_a_request) {
  const auto pending = request(url("ws://127.0.0.1/"));
  run_until([&] { return answer.has_value(); });
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code, make_error_code(Errc::unsupported_scheme));
}

TEST_F(HttpClientTest, a_cancelled_request_never_calls_back) {
  {
    const auto pending = request(url(listener.url("http", "/")));
    accept_request();
    peer->send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  }
  run_until([&] { return peer->end.has_value(); });
  EXPECT_FALSE(answer);
}

TEST_F(HttpClientTest, a_failure_that_is_cancelled_before_its_callback_stays_silent) {
  {
    const auto pending = request(url("https://x/"));
  }
  loop.run();
  EXPECT_FALSE(answer);
}

TEST_F(HttpClientTest, the_callback_may_destroy_the_operation) {
  std::optional<PendingOperation> pending;
  bool called = false;
  pending.emplace(http_request(loop, url("https://x/"), {}, seconds(20),
                               [&, text = std::string(100, 't')](const Result<HttpResponse>&) {
                                 pending.reset();
                                 called = text.size() == 100;
                               }));
  loop.run();
  EXPECT_TRUE(called);
}

// --- WebSocket client

class WebSocketClientTest : public HttpClientTest {
 protected:
  PendingOperation connect(const Url& to, std::vector<HttpHeader> headers = {},
                           WebSocketOptions options = {}) {
    return connect_websocket(loop, to, std::move(headers), options,
                             [this](Result<WebSocket> result) {
                               if (result) {
                                 side.socket = std::move(*result);
                               } else {
                                 error.emplace(result.error());
                               }
                               check();
                             });
  }

  /// Answers 101 with the fitting Sec-WebSocket-Accept.
  void answer_upgrade(std::string_view headers, std::string_view behind = {}) {
    const std::string mark = "Sec-WebSocket-Key: ";
    const std::size_t start = peer->received.find(mark) + mark.size();
    const auto key = peer->received.substr(start, peer->received.find("\r\n", start) - start);
    peer->received.clear();
    peer->send("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + accept_value(key) +
               "\r\n" + std::string(headers) + "\r\n" + std::string(behind));
  }

  /// An open connection to the raw peer.
  void open(std::string_view behind = {}) {
    const auto pending = connect(url(listener.url("ws", "/")));
    accept_request();
    answer_upgrade("Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n", behind);
    run_until([&] { return side.socket.open() || error; });
    ASSERT_FALSE(error) << error->to_string();
    WebSocketHandlers handlers;
    handlers.on_message = [this](Frame message, bool) {
      side.messages.emplace_back(as_text(message.bytes()));
      check();
    };
    handlers.on_end = [this](const WebSocketEnd& end) {
      side.end = end;
      check();
    };
    side.socket.start(std::move(handlers));
  }

  void expect_bad_handshake(std::string_view headers, std::string_view in_context) {
    const auto pending = connect(url(listener.url("ws", "/")));
    accept_request();
    answer_upgrade(headers);
    run_until([&] { return error.has_value(); });
    EXPECT_EQ(error->code, make_error_code(Errc::bad_handshake));
    EXPECT_THAT(error->context, HasSubstr(std::string(in_context)));
    EXPECT_THAT(error->context, HasSubstr("127.0.0.1:"));
  }

  Side side;
  std::optional<protocol::Error> error;
};

TEST_F(WebSocketClientTest, sends_an_upgrade_without_protocol_or_extension) {
  const auto pending = connect(url(listener.url("ws", "/v1/data-channel/s-1?role=a%20b")),
                               {{"Authorization", "AWS4"}});
  accept_request();
  EXPECT_THAT(peer->received, StartsWith("GET /v1/data-channel/s-1?role=a%20b HTTP/1.1\r\nHost: "
                                         "127.0.0.1:" +
                                         std::to_string(listener.port()) +
                                         "\r\nAuthorization: AWS4\r\nUpgrade: websocket\r\n"
                                         "Connection: Upgrade\r\nSec-WebSocket-Key: "));
  EXPECT_THAT(peer->received, HasSubstr("==\r\nSec-WebSocket-Version: 13\r\n\r\n"));
}

TEST_F(WebSocketClientTest, a_refused_upgrade_tells_status_and_body) {
  const auto pending = connect(url(listener.url("ws", "/x?token=secret")));
  accept_request();
  peer->send("HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\nno token");
  run_until([&] { return error.has_value(); });
  EXPECT_EQ(error->code, make_error_code(Errc::upgrade_refused));
  EXPECT_THAT(error->context, HasSubstr("status 403 Forbidden: no token"));
  EXPECT_THAT(error->context, Not(HasSubstr("secret")));
}

TEST_F(WebSocketClientTest, a_refusal_with_a_huge_body_is_still_told) {
  const auto pending = connect(url(listener.url("ws", "/")));
  accept_request();
  peer->send("HTTP/1.1 404 Not Found\r\nContent-Length: 1000000\r\n\r\n<html>");
  run_until([&] { return error.has_value(); });
  EXPECT_THAT(error->context, HasSubstr("status 404 Not Found"));
}

TEST_F(WebSocketClientTest, a_wrong_accept_value_is_refused) {
  const auto pending = connect(url(listener.url("ws", "/")));
  accept_request();
  peer->send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  run_until([&] { return error.has_value(); });
  EXPECT_EQ(error->code, make_error_code(Errc::bad_handshake));
  EXPECT_THAT(error->context, HasSubstr("Sec-WebSocket-Accept"));
}

TEST_F(WebSocketClientTest, an_extension_that_was_not_offered_is_refused) {
  expect_bad_handshake(
      "Upgrade: websocket\r\nConnection: upgrade\r\n"
      "Sec-WebSocket-Extensions: permessage-deflate\r\n",
      "permessage-deflate");
}

TEST_F(WebSocketClientTest, a_message_right_behind_the_101_is_not_lost) {
  open(server_frame(2, "early"));
  run_until([&] { return !side.messages.empty(); });
  EXPECT_THAT(side.messages, ElementsAre("early"));
}

TEST_F(WebSocketClientTest, masks_each_frame_with_a_key_of_its_own) {
  open();
  const std::string text(20, 'm');
  side.socket.send_text(text);
  side.socket.send_text(text);
  constexpr std::size_t frame_bytes = 2 + 4 + 20;
  run_until([&] { return peer->received.size() >= 2 * frame_bytes; });
  std::vector<std::string> keys;
  for (const std::size_t at : {std::size_t{0}, frame_bytes}) {
    const std::string frame = peer->received.substr(at, frame_bytes);
    EXPECT_EQ(frame.substr(0, 2), "\x81\x94");
    keys.push_back(frame.substr(2, 4));
    std::string payload = frame.substr(6);
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<char>(payload[i] ^ keys.back()[i % 4]);
    }
    EXPECT_EQ(payload, text);
  }
  EXPECT_NE(keys[0], keys[1]);
}

TEST_F(WebSocketClientTest, a_masked_frame_from_the_server_is_a_violation) {
  open();
  peer->send(RawFrame{.payload = "x"}.bytes());
  run_until([&] { return side.end.has_value(); });
  EXPECT_EQ(side.end->code, 1002);
  EXPECT_THAT(side.end->detail, HasSubstr("masked"));
}

TEST_F(WebSocketClientTest, a_missing_upgrade_header_is_refused) {
  expect_bad_handshake("Connection: upgrade\r\n", "Upgrade: websocket");
}

TEST_F(WebSocketClientTest, a_connection_header_without_upgrade_is_refused) {
  expect_bad_handshake("Upgrade: websocket\r\nConnection: keep-alive\r\n",
                       "got the value keep-alive");
}

TEST_F(WebSocketClientTest, wss_says_that_tls_is_not_built_in) {
  const auto pending = connect(url("wss://127.0.0.1/"));
  run_until([&] { return error.has_value(); });
  EXPECT_EQ(error->code, make_error_code(Errc::tls_unavailable));
}

TEST_F(WebSocketClientTest, a_silent_server_ends_the_handshake_in_time) {
  const auto pending =
      connect(url(listener.url("ws", "/")), {}, {.open_timeout = milliseconds(30)});
  accept_request();
  run_until([&] { return error.has_value(); });
  EXPECT_EQ(error->code, make_error_code(Errc::timed_out));
}

// --- addresses

TEST(Url, takes_an_address_apart_and_leaves_the_target_alone) {
  const auto url = Url::parse("WSS://Host.example:8443/a%2fb/../c?d=e/f?g#fragment");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "wss");
  EXPECT_EQ(url->host, "Host.example");
  EXPECT_EQ(url->port, "8443");
  EXPECT_EQ(url->target, "/a%2fb/../c?d=e/f?g");
  EXPECT_EQ(url->host_header(), "Host.example:8443");
}

TEST(Url, fills_in_the_schemes_port_and_leaves_it_out_of_host) {
  for (const auto& [text, port] :
       {std::pair{"http://h", "80"}, {"ws://h", "80"}, {"https://h", "443"}, {"wss://h:", "443"}}) {
    const auto url = Url::parse(text);
    ASSERT_TRUE(url) << text;
    EXPECT_EQ(url->port, port) << text;
    EXPECT_EQ(url->target, "/") << text;
    EXPECT_EQ(url->host_header(), "h") << text;
  }
}

TEST(Url, a_query_without_a_path_gets_one) {
  const auto url = Url::parse("http://h?x=y");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->target, "/?x=y");
}

TEST(Url, knows_ipv6_literals) {
  const auto url = Url::parse("http://[::1]:8080/x");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, "8080");
  EXPECT_EQ(url->host_header(), "[::1]:8080");
}

TEST(Url, refuses_what_is_not_an_absolute_url_and_says_why) {
  for (const auto& [text, why] : {std::pair{"127.0.0.1:80", "scheme://"},
                                  {"http://", "host is missing"},
                                  {"http://h:99999/", "port"},
                                  {"http://h:8x/", "port"},
                                  {"http://[::1/", "not closed"},
                                  {"http://u:p@h/", "user name"},
                                  {"http://h/a b", "blank"},
                                  {"http://h/\r\nX: y", "blank"}}) {
    const auto url = Url::parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, make_error_code(Errc::malformed_url)) << text;
    EXPECT_THAT(url.error().context, HasSubstr(why)) << text;
    EXPECT_THAT(url.error().context, Not(HasSubstr("u:p"))) << text;
  }
}

TEST(Url, refuses_other_schemes) {
  const auto url = Url::parse("ftp://h/");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().code, make_error_code(Errc::unsupported_scheme));
}

}  // namespace
}  // namespace ssm::net
