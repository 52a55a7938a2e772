#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop_fixture.hpp"
#include "raw_peer.hpp"
#include "ssm/net/http_client.hpp"
#include "ssm/net/http_server.hpp"
#include "ssm/net/websocket.hpp"
#include "ssm/protocol/bytes.hpp"

namespace ssm::net {

using protocol::as_bytes;
using protocol::as_text;

/// One side of a WebSocket and what it has seen.
struct Side {
  WebSocket socket;
  std::vector<std::string> messages;
  std::vector<bool> texts;
  std::vector<std::string> pings;
  std::vector<std::string> pongs;
  std::optional<WebSocketEnd> end;
  int writable = 0;

  void send(std::string_view message) { socket.send_binary(Frame::copy_of(as_bytes(message))); }
};

/// A server whose upgrades become `server`, and peers for it.
class WebSocketTest : public LoopTest {
 protected:
  void listen(WebSocketOptions options = {}) {
    auto listening =
        HttpServer::listen(loop, {},
                           {.on_request = nullptr,
                            .on_upgrade = [this, options](HttpRequest request, Upgrade upgrade) {
                              upgrade_seen = std::move(request);
                              upgrade.accept(options, [this](WebSocket socket) {
                                server.socket = std::move(socket);
                                if (start_server) {
                                  start(server);
                                }
                                check();
                              });
                            }});
    ASSERT_TRUE(listening) << listening.error().to_string();
    http.emplace(std::move(*listening));
  }

  void start(Side& side) { side.socket.start(handlers_of(side)); }

  WebSocketHandlers handlers_of(Side& side) {
    return {.on_message =
                [this, &side](Frame message, bool is_text) {
                  side.messages.emplace_back(as_text(message.bytes()));
                  side.texts.push_back(is_text);
                  check();
                },
            .on_end =
                [this, &side](const WebSocketEnd& end) {
                  EXPECT_FALSE(side.end) << "on_end came twice";
                  side.end = end;
                  check();
                },
            .on_writable =
                [this, &side] {
                  ++side.writable;
                  check();
                },
            .on_ping =
                [this, &side](std::string_view payload) {
                  side.pings.emplace_back(payload);
                  check();
                },
            .on_pong =
                [this, &side](std::string_view payload) {
                  side.pongs.emplace_back(payload);
                  check();
                }};
  }

  /// A raw client after its handshake.
  void connect_raw(WebSocketOptions options = {}) {
    listen(options);
    raw.emplace(loop, connect_to(http->port()), [this] { check(); });
    raw->send(upgrade_request);
    run_until([&] { return server.socket.open() && raw->has("\r\n\r\n"); });
    response = raw->take_until("\r\n\r\n");
  }

  /// Both sides are ours.
  void connect_pair(WebSocketOptions options = {}) {
    listen(options);
    const auto url = Url::parse("ws://127.0.0.1:" + std::to_string(http->port()) + "/pair?a=b");
    ASSERT_TRUE(url);
    const auto pending =
        connect_websocket(loop, *url, {}, options, [this](protocol::Result<WebSocket> opened) {
          ASSERT_TRUE(opened) << opened.error().to_string();
          client.socket = std::move(*opened);
          start(client);
          check();
        });
    run_until([&] { return server.socket.open() && client.socket.open(); });
  }

  /// Destroying the sides in a test body is a test of its own; here they end after the loop's use.
  std::optional<HttpServer> http;
  std::optional<RawPeer> raw;
  std::string response;
  HttpRequest upgrade_seen;
  Side server;
  Side client;
  bool start_server = true;
};

}  // namespace ssm::net
