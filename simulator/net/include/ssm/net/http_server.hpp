#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ssm/net/event_loop.hpp"
#include "ssm/net/http.hpp"
#include "ssm/net/websocket.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::net {

/// A WebSocket upgrade request that waits for a decision. Exactly one of accept and refuse is
/// called; destroying it undecided answers 500.
class Upgrade {
 public:
  class Impl;
  explicit Upgrade(std::shared_ptr<Impl> impl);
  ~Upgrade();
  Upgrade(Upgrade&&) noexcept;
  Upgrade& operator=(Upgrade&&) noexcept;

  /// Answers 101 with `Connection: upgrade` as the whole header value (TRANS-006), then hands over
  /// the open connection; never calls back if the peer has gone.
  void accept(WebSocketOptions options, std::function<void(WebSocket)> on_open);
  void refuse(const HttpResponse& response);

 private:
  std::shared_ptr<Impl> impl_;
};

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free one
  std::size_t max_header_bytes = std::size_t{16} * 1024;
  std::size_t max_body_bytes = std::size_t{4} * 1024 * 1024;
  /// A connection must deliver a whole request within this time, also between requests, and take
  /// the answer within this time.
  Duration request_timeout = std::chrono::seconds(30);
  /// More open connections than this are answered 503 and closed. Connections that have become
  /// WebSockets do not count.
  std::size_t max_connections = 20000;
};

struct HttpServerHandlers {
  /// `respond` is called once, now or later, on the loop's thread; it does nothing if the peer or
  /// the server has gone. Destroying all its copies uncalled answers 500. Keep-alive, pipelining,
  /// HEAD and 100-continue are the server's business: Content-Length and Connection are added where
  /// they are not given; a given `Connection: close` is obeyed.
  std::function<void(HttpRequest request, std::function<void(HttpResponse)> respond)> on_request =
      nullptr;
  /// A valid upgrade request; invalid ones were answered 400 or 426.
  std::function<void(HttpRequest request, Upgrade upgrade)> on_upgrade = nullptr;
  /// Trouble with the listener itself (no descriptors left), at most one in 10 s. Not set: a line
  /// on standard error.
  std::function<void(std::string_view text)> on_warning = nullptr;
};

/// HTTP/1.1 and WebSocket listener. Malformed, oversized and slow requests are answered (400, 413,
/// 431, 408) and closed; they never reach the handlers. Destroying it closes the listening socket
/// and all connections that are not WebSockets.
class HttpServer {
 public:
  /// Binds and listens, and raises the process's soft limit of open descriptors to the hard one.
  /// Error: the system's (address in use, permission, no such host), with the address in the
  /// context.
  [[nodiscard]] static protocol::Result<HttpServer> listen(EventLoop& loop,
                                                           HttpServerOptions options,
                                                           HttpServerHandlers handlers);
  ~HttpServer();
  HttpServer(HttpServer&&) noexcept;
  HttpServer& operator=(HttpServer&&) noexcept;

  [[nodiscard]] std::uint16_t port() const;
  /// HTTP connections, not counting WebSockets.
  [[nodiscard]] std::size_t open_connections() const;

 private:
  class Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace ssm::net
