#include "ssm/net/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop_fixture.hpp"
#include "raw_peer.hpp"

namespace ssm::net {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

using Respond = std::function<void(HttpResponse)>;

class HttpServerTest : public LoopTest {
 protected:
  void listen(HttpServerOptions options = {}) {
    listen(std::move(options), {.on_request = [this](HttpRequest request, const Respond& respond) {
             requests.push_back(request);
             respond({.status = 200, .body = request.method + " " + request.target});
             check();
           }});
  }

  void listen(HttpServerOptions options, HttpServerHandlers handlers) {
    auto listening = HttpServer::listen(loop, std::move(options), std::move(handlers));
    ASSERT_TRUE(listening) << listening.error().to_string();
    server.emplace(std::move(*listening));
    peer.emplace(loop, connect_to(server->port()), [this] { check(); });
  }

  /// Sends and waits for the end of the connection; the whole answer.
  std::string exchange(std::string_view text) {
    peer->send(text);
    run_until([&] { return peer->end.has_value(); });
    return peer->received;
  }

  std::optional<HttpServer> server;
  std::optional<RawPeer> peer;
  std::vector<HttpRequest> requests;
};

constexpr std::string_view get_and_close = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

TEST_F(HttpServerTest, delivers_target_and_headers_as_they_were_sent) {
  listen();
  exchange(
      "GET /a%2Fb?x=%20&y HTTP/1.1\r\nhOsT: h\r\nX-Amz-Target: T\r\nx-twice: 1\r\nAccept:  */* \r\n"
      "X-Twice: 2\r\nConnection: close\r\n\r\n");
  ASSERT_THAT(requests, SizeIs(1));
  const HttpRequest& request = requests.front();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/a%2Fb?x=%20&y");
  EXPECT_EQ(request.path(), "/a%2Fb");
  EXPECT_EQ(request.query(), "x=%20&y");
  EXPECT_THAT(request.remote, StartsWith("127.0.0.1:"));
  std::vector<std::string> headers;
  for (const HttpHeader& header : request.headers) {
    headers.push_back(header.name + "=" + header.value);
  }
  EXPECT_THAT(headers, ElementsAre("hOsT=h", "X-Amz-Target=T", "x-twice=1", "Accept=*/*",
                                   "X-Twice=2", "Connection=close"));
  EXPECT_EQ(request.header("HOST"), "h");
  EXPECT_EQ(request.header("x-TWICE"), "1");
  EXPECT_FALSE(request.header("nothing"));
}

TEST_F(HttpServerTest, answers_with_content_length_and_closes_when_asked) {
  listen();
  EXPECT_EQ(exchange(get_and_close),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nGET /");
  EXPECT_FALSE(*peer->end);
  EXPECT_EQ(server->open_connections(), 0U);
}

TEST_F(HttpServerTest, reads_bodies_with_a_length_and_in_chunks) {
  listen();
  exchange(
      "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
      "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "3\r\nchu\r\n3;x=y\r\nnks\r\n0\r\nTrailer: t\r\n\r\n");
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].body, "body");
  EXPECT_EQ(requests[1].body, "chunks");
  EXPECT_FALSE(requests[1].header("Trailer"));
}

TEST_F(HttpServerTest, keeps_the_connection_for_the_next_request) {
  listen();
  peer->send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  run_until([&] { return peer->has("GET /1"); });
  // An extra line break before the next request is allowed.
  peer->send("\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  run_until([&] { return peer->has("GET /2"); });
  EXPECT_EQ(server->open_connections(), 1U);
  EXPECT_THAT(peer->received, Not(HasSubstr("Connection")));
}

TEST_F(HttpServerTest, answers_pipelined_requests_one_after_the_other) {
  std::vector<std::pair<std::string, Respond>> waiting;
  listen({}, {.on_request = [&](const HttpRequest& request, Respond respond) {
           waiting.emplace_back(request.target, std::move(respond));
           check();
         }});
  peer->send(
      "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\nConnection: close\r\n\r\n");
  for (std::size_t i = 1; i <= 3; ++i) {
    run_until([&] { return waiting.size() == i; });
    const auto [target, respond] = waiting.back();
    EXPECT_EQ(target, std::string("/").append(std::to_string(i)));
    respond({.body = target});
    respond({.body = "a second answer is ignored"});
  }
  run_until([&] { return peer->end.has_value(); });
  EXPECT_EQ(peer->received,
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/1"
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/2"
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n/3");
}

TEST_F(HttpServerTest, many_pipelined_requests_do_not_nest) {
  listen();
  std::string all;
  for (int i = 0; i < 20'000; ++i) {
    all += "GET / HTTP/1.1\r\n\r\n";
  }
  exchange(all + std::string(get_and_close));
  EXPECT_THAT(requests, SizeIs(20'001));
}

TEST_F(HttpServerTest, answers_head_without_the_body) {
  listen();
  EXPECT_EQ(exchange("HEAD /x HTTP/1.1\r\nConnection: close\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n");
}

TEST_F(HttpServerTest, obeys_a_close_in_the_response) {
  listen({}, {.on_request = [](const HttpRequest&, const Respond& respond) {
           respond({.status = 204, .headers = {{"Connection", "close"}}});
         }});
  EXPECT_EQ(exchange("GET / HTTP/1.1\r\n\r\n"),
            "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

TEST_F(HttpServerTest, closes_after_a_request_of_http_1_0) {
  listen();
  EXPECT_THAT(exchange("GET / HTTP/1.0\r\n\r\n"), HasSubstr("Connection: close\r\n"));
}

TEST_F(HttpServerTest, serves_a_peer_that_has_finished_sending) {
  listen();
  peer->send("GET /half HTTP/1.1\r\n\r\n");
  loop.post([this] { peer->finish_sending(); });
  run_until([&] { return peer->end.has_value(); });
  EXPECT_THAT(peer->received, EndsWith("GET /half"));
}

TEST_F(HttpServerTest, keeps_line_breaks_in_values_from_adding_headers) {
  listen({}, {.on_request = [](const HttpRequest&, const Respond& respond) {
           respond({.headers = {{"X", "a\r\nInjected: b"}, {"Connection", "close"}}});
         }});
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\n\r\n"), HasSubstr("\r\nX: a  Injected: b\r\n"));
}

TEST_F(HttpServerTest, asks_for_the_body_that_a_client_holds_back) {
  listen();
  peer->send(
      "PUT / HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  run_until([&] { return peer->has("\r\n\r\n"); });
  EXPECT_EQ(peer->take_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer->send("bo");
  peer->send("dy");
  run_until([&] { return peer->end.has_value(); });
  EXPECT_THAT(peer->received, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(requests.front().body, "body");
}

// --- refused by the server itself

TEST_F(HttpServerTest, answers_413_to_a_held_back_body_that_is_too_large) {
  listen({.max_body_bytes = 10});
  EXPECT_THAT(exchange("PUT / HTTP/1.1\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n"),
              StartsWith("HTTP/1.1 413 Payload Too Large\r\n"));
  EXPECT_THAT(requests, IsEmpty());
}

TEST_F(HttpServerTest, answers_413_while_the_body_is_still_coming) {
  listen({.max_body_bytes = 10});
  EXPECT_THAT(
      exchange("PUT / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000'000, 'b')),
      HasSubstr("the body is larger than 10 bytes"));
  EXPECT_FALSE(*peer->end) << "the answer must not be destroyed by a reset";
}

TEST_F(HttpServerTest, answers_413_to_chunks_that_are_too_large_together) {
  listen({.max_body_bytes = 10});
  EXPECT_THAT(exchange("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "8\r\n01234567\r\n8\r\n01234567\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(requests, IsEmpty());
}

TEST_F(HttpServerTest, answers_431_to_a_header_that_is_too_large) {
  listen({.max_header_bytes = 1000});
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
}

TEST_F(HttpServerTest, answers_431_to_a_header_that_never_ends) {
  listen({.max_header_bytes = 1000});
  EXPECT_THAT(exchange("GET /" + std::string(100'000, 'x')), StartsWith("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, answers_400_to_what_is_not_http) {
  listen();
  const std::string answer = exchange("\x16\x03\x01 this is TLS perhaps\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nBad Request: "));
  EXPECT_THAT(requests, IsEmpty());
}

TEST_F(HttpServerTest, takes_no_body_for_a_request_when_its_transfer_encoding_is_unknown) {
  listen();
  EXPECT_THAT(
      exchange("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n" + std::string(get_and_close)),
      StartsWith("HTTP/1.1 501 Not Implemented\r\n"));
  EXPECT_THAT(requests, IsEmpty());
}

TEST_F(HttpServerTest, answers_400_to_two_kinds_of_length) {
  listen();
  EXPECT_THAT(exchange("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "0\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(requests, IsEmpty());
}

TEST_F(HttpServerTest, answers_408_to_half_a_request) {
  listen({.request_timeout = milliseconds(30)});
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nHost"), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_F(HttpServerTest, a_drip_of_bytes_does_not_extend_the_time) {
  listen({.request_timeout = milliseconds(50)});
  Timer drip(loop);
  std::function<void()> next = [&] {
    peer->send("x");
    drip.arm(EventLoop::now() + milliseconds(2), next);
  };
  next();
  run_until([&] { return peer->has("\r\n\r\n"); });
  EXPECT_THAT(peer->received, StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpServerTest, closes_a_silent_connection_without_an_answer) {
  listen({.request_timeout = milliseconds(30)});
  EXPECT_EQ(exchange(""), "");
  EXPECT_EQ(server->open_connections(), 0U);
}

TEST_F(HttpServerTest, does_not_wait_for_ever_for_a_peer_that_reads_nothing) {
  listen({.request_timeout = milliseconds(50)},
         {.on_request = [](const HttpRequest&, const Respond& respond) {
           respond({.body = std::string(20'000'000, 'b')});
         }});
  peer->pause();
  peer->send("GET / HTTP/1.1\r\n\r\n");
  run_polling_until([&] { return server->open_connections() == 1; });
  run_polling_until([&] { return server->open_connections() == 0; });
}

TEST_F(HttpServerTest, answers_503_above_the_connection_limit) {
  listen({.max_connections = 1});
  peer->send("GET / HTTP/1.1\r\n\r\n");
  run_until([&] { return !requests.empty(); });
  RawPeer second(loop, connect_to(server->port()), [this] { check(); });
  second.send("GET / HTTP/1.1\r\n\r\n");
  run_until([&] { return second.end.has_value(); });
  EXPECT_THAT(second.received, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_FALSE(*second.end);
  EXPECT_THAT(requests, SizeIs(1));
}

TEST_F(HttpServerTest, serves_others_while_thousands_of_requests_never_complete) {
  listen();
  std::vector<int> half_open;
  for (int i = 0; i < 2000; ++i) {
    const int fd = connect_to(server->port());
    ASSERT_GE(fd, 0) << i;
    ASSERT_EQ(::write(fd, "GET / HT", 8), 8);
    half_open.push_back(fd);
    if (i % 100 == 99) {  // the listener's backlog is finite
      run_polling_until([&] { return server->open_connections() >= half_open.size(); });
    }
  }
  EXPECT_THAT(exchange(get_and_close), EndsWith("GET /"));
  EXPECT_EQ(server->open_connections(), half_open.size());
  for (const int fd : half_open) {
    ::close(fd);
  }
}

TEST_F(HttpServerTest, makes_room_when_no_descriptors_are_left) {
  std::vector<std::string> warnings;
  listen({}, {.on_request =
                  [](const HttpRequest& request, const Respond& respond) {
                    respond({.body = "served " + request.target});
                  },
              .on_warning = [&](std::string_view text) { warnings.emplace_back(text); }});
  peer->send("GET /1 HTTP/1.1\r\n\r\n");
  run_until([&] { return peer->has("served"); });  // now it idles

  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<int> fillers;
  for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0; fd = ::open("/dev/null", O_RDONLY)) {
    fillers.push_back(fd);
  }
  ASSERT_FALSE(fillers.empty());
  ::close(fillers.back());  // room for the client's end only
  fillers.pop_back();
  RawPeer second(loop, connect_to(server->port()), [this] { check(); });
  second.send("GET /2 HTTP/1.1\r\n\r\n");
  run_until([&] { return second.has("served /2"); });
  for (const int fd : fillers) {
    ::close(fd);
  }
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  // Last, because a sanitizer needs a descriptor to look at the matcher.
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("Too many open files")));
}

// --- upgrades

TEST_F(HttpServerTest, refuses_an_upgrade_with_a_body_and_goes_on) {
  listen(
      {},
      {.on_request = [](const HttpRequest&, const Respond& respond) { respond({.body = "after"}); },
       .on_upgrade = [](const HttpRequest&,
                        Upgrade upgrade) { upgrade.refuse({.status = 403, .body = "no"}); }});
  EXPECT_EQ(exchange(std::string(upgrade_request) + std::string(get_and_close)),
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nafter");
}

TEST_F(HttpServerTest, an_undecided_upgrade_is_answered_500) {
  listen({}, {.on_upgrade = [](const HttpRequest&, const Upgrade&) {}});
  peer->send(upgrade_request);
  run_until([&] { return peer->has("\r\n\r\n"); });
  EXPECT_THAT(peer->received, StartsWith("HTTP/1.1 500 "));
}

TEST_F(HttpServerTest, an_upgrade_can_be_decided_later) {
  std::optional<Upgrade> waiting;
  WebSocket socket;
  listen({}, {.on_upgrade = [&](const HttpRequest&, Upgrade upgrade) {
           waiting.emplace(std::move(upgrade));
           check();
         }});
  peer->send(upgrade_request);
  run_until([&] { return waiting.has_value(); });
  bool inside = true;
  waiting->accept({}, [&](WebSocket opened) {
    EXPECT_FALSE(inside) << "called from inside accept";
    socket = std::move(opened);
    check();
  });
  inside = false;
  run_until([&] { return socket.open(); });
  EXPECT_EQ(server->open_connections(), 0U);
}

TEST_F(HttpServerTest, an_upgrade_without_a_key_is_answered_400) {
  listen({}, {.on_upgrade = [](const HttpRequest&, const Upgrade&) { FAIL(); }});
  EXPECT_THAT(exchange("GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                       "Sec-WebSocket-Version: 13\r\n\r\n"),
              HasSubstr("Sec-WebSocket-Key is missing"));
}

TEST_F(HttpServerTest, an_upgrade_of_another_version_is_answered_426) {
  listen({}, {.on_upgrade = [](const HttpRequest&, const Upgrade&) { FAIL(); }});
  peer->send(
      "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n");
  run_until([&] { return peer->has("\r\n\r\n"); });
  EXPECT_THAT(peer->received, StartsWith("HTTP/1.1 426 Upgrade Required\r\n"));
  EXPECT_THAT(peer->received, HasSubstr("Sec-WebSocket-Version: 13\r\n"));
}

// --- lifetime

TEST_F(HttpServerTest, a_request_whose_respond_is_lost_is_answered_500) {
  listen({}, {.on_request = [](const HttpRequest&, const Respond&) {}});
  EXPECT_THAT(exchange(get_and_close), StartsWith("HTTP/1.1 500 "));
}

TEST_F(HttpServerTest, respond_does_nothing_after_the_server_was_destroyed) {
  Respond kept;
  listen({}, {.on_request = [&](const HttpRequest&, Respond respond) {
           kept = std::move(respond);
           check();
         }});
  peer->send(get_and_close);
  run_until([&] { return kept != nullptr; });
  server.reset();
  kept({.body = "late"});
  run_until([&] { return peer->end.has_value(); });
  EXPECT_EQ(peer->received, "");
}

TEST_F(HttpServerTest, respond_does_nothing_after_the_peer_has_gone) {
  Respond kept;
  listen({}, {.on_request = [&](const HttpRequest&, Respond respond) {
           kept = std::move(respond);
           check();
         }});
  peer->send(get_and_close);
  run_until([&] { return kept != nullptr; });
  peer->reset();
  kept({.body = std::string(1'000'000, 'x')});
  run_polling_until([&] { return server->open_connections() == 0; });
}

TEST_F(HttpServerTest, may_be_destroyed_by_its_request_handler) {
  listen({}, {.on_request = [this, text = std::string(100, 't')](const HttpRequest&,
                                                                 const Respond& respond) {
           server.reset();
           respond({.body = text});
           check();
         }});
  peer->send(get_and_close);
  run_until([&] { return peer->end.has_value(); });
  EXPECT_FALSE(server);
  EXPECT_EQ(peer->received, "");
}

TEST_F(HttpServerTest, may_be_destroyed_by_its_upgrade_handler) {
  listen({}, {.on_upgrade = [this](const HttpRequest&, Upgrade upgrade) {
           server.reset();
           upgrade.accept({}, [](const WebSocket&) { FAIL(); });
           check();
         }});
  peer->send(upgrade_request);
  run_until([&] { return peer->end.has_value(); });
  EXPECT_EQ(peer->received, "");
}

TEST_F(HttpServerTest, websockets_outlive_the_server) {
  WebSocket socket;
  listen({}, {.on_upgrade = [&](const HttpRequest&, Upgrade upgrade) {
           upgrade.accept({}, [&](WebSocket opened) {
             socket = std::move(opened);
             check();
           });
         }});
  peer->send(upgrade_request);
  run_until([&] { return socket.open(); });
  server.reset();
  socket.send_text("still here");
  run_until([&] { return peer->has("still here"); });
}

// --- listening

TEST_F(HttpServerTest, a_port_in_use_is_an_error_that_names_it) {
  listen();
  const auto second = HttpServer::listen(loop, {.port = server->port()}, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, boost::system::errc::address_in_use);
  EXPECT_THAT(second.error().to_string(), HasSubstr("127.0.0.1:" + std::to_string(server->port())));
}

TEST_F(HttpServerTest, an_address_that_is_not_ours_is_an_error) {
  const auto listening = HttpServer::listen(loop, {.host = "192.0.2.1"}, {});
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, boost::system::errc::address_not_available);
}

TEST_F(HttpServerTest, the_port_can_be_used_again_at_once) {
  listen();
  const auto port = server->port();
  exchange(get_and_close);
  server.reset();
  listen({.port = port});
  EXPECT_EQ(server->port(), port);
}

TEST_F(HttpServerTest, listens_on_a_host_name) {
  listen({.host = "localhost"});
  EXPECT_NE(server->port(), 0);
}

}  // namespace
}  // namespace ssm::net
