#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ssm/net/event_loop.hpp"
#include "ssm/net/http.hpp"
#include "ssm/net/websocket.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::net {

/// An absolute URL taken apart: scheme (http, https, ws, wss), host, port (the scheme's default
/// filled in), and the raw target (path and query, at least "/").
struct Url {
  std::string scheme;
  std::string host;
  std::string port;
  std::string target;

  /// Value for the Host header: the port only when it is not the scheme's default.
  [[nodiscard]] std::string host_header() const;
  /// Error: malformed text or unknown scheme; the context says which.
  [[nodiscard]] static protocol::Result<Url> parse(std::string_view text);
};

/// Cancels the operation when destroyed; its callback is then never called.
class PendingOperation {
 public:
  PendingOperation() = default;
  explicit PendingOperation(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
  ~PendingOperation() {
    if (cancel_) {
      cancel_();
    }
  }
  PendingOperation(PendingOperation&& other) noexcept : cancel_(std::move(other.cancel_)) {
    other.cancel_ = nullptr;
  }
  PendingOperation& operator=(PendingOperation&& other) noexcept {
    std::swap(cancel_, other.cancel_);
    return *this;
  }

 private:
  std::function<void()> cancel_;
};

/// Sends one request over a connection of its own (http only so far: https answers an error that
/// says so) and reads the answer, at most 4 MiB. `request.target` is replaced by the URL's; Host,
/// Content-Length and `Connection: close` are set unless given. `timeout` is for the whole
/// operation. Errors: net::Errc or the system's, with what was tried in the context; is_retryable
/// (error.hpp) tells which may pass. The callback comes later, never from inside the call.
[[nodiscard]] PendingOperation http_request(
    EventLoop& loop, const Url& url, HttpRequest request, Duration timeout,
    std::function<void(protocol::Result<HttpResponse>)> callback);

/// Opens a WebSocket (ws only so far). `headers` are added to the upgrade request; a Host there
/// replaces the URL's. The target is sent exactly as in the URL (TRANS-001), no subprotocol or
/// extension is offered (TRANS-005). An answer other than 101 is Errc::upgrade_refused; the context
/// has the status and the start of the body.
[[nodiscard]] PendingOperation connect_websocket(
    EventLoop& loop, const Url& url, std::vector<HttpHeader> headers, WebSocketOptions options,
    std::function<void(protocol::Result<WebSocket>)> callback);

}  // namespace ssm::net
