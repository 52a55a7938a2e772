#include "ssm/net/http_client.hpp"

#include "detail/http_exchange.hpp"
#include "detail/http_text.hpp"
#include "detail/text.hpp"
#include "detail/websocket_factory.hpp"
#include "ssm/net/error.hpp"

#include <memory>
#include <optional>
#include <utility>

namespace ssm::net {

using detail::Answer;
using detail::ExchangeOptions;
using detail::HttpExchange;
using protocol::Error;
using protocol::Result;

namespace {

constexpr std::size_t max_response_bytes = std::size_t{4} * 1024 * 1024;
/// Of a refused upgrade's body: read, and shown.
constexpr std::size_t max_refusal_bytes = 4096;
constexpr std::size_t shown_refusal_bytes = 300;

/// nullopt if the scheme is the plain one.
std::optional<Error> check_scheme(const Url& url, std::string_view plain, std::string_view tls) {
  if (url.scheme == plain) {
    return std::nullopt;
  }
  if (url.scheme == tls) {
    return Error(make_error_code(Errc::tls_unavailable), 0,
                 url.scheme + "://" + url.host_header() + ": use " + std::string(plain) + "://");
  }
  return Error(make_error_code(Errc::unsupported_scheme), 0,
               "expected " + std::string(plain) + ", got \"" + url.scheme + "\"");
}

void add_unless_given(HttpRequest& request, std::string_view name, std::string value) {
  if (!request.header(name)) {
    request.headers.push_back({std::string(name), std::move(value)});
  }
}

PendingOperation run(const std::shared_ptr<HttpExchange>& exchange, std::optional<Error> refused) {
  if (refused) {
    exchange->start_failing(std::move(*refused));
  } else {
    exchange->start();
  }
  return PendingOperation([weak = std::weak_ptr(exchange)] {
    if (const auto pending = weak.lock()) {
      pending->cancel();
    }
  });
}

/// What is wrong with the answer to an upgrade, or nullopt.
//= TRANS-005
std::optional<Error> check_upgrade(const HttpResponse& response, const std::string& key) {
  const auto bad = [](std::string text) {
    return Error(make_error_code(Errc::bad_handshake), 0, std::move(text));
  };
  if (response.status != 101) {
    return Error(make_error_code(Errc::upgrade_refused), 0,
                 "status " + std::to_string(response.status) + " " +
                     detail::reason_phrase(response.status) + ": " +
                     response.body.substr(0, shown_refusal_bytes));
  }
  const auto expect_token = [&](std::string_view name, std::string_view token) {
    const auto value = response.header(name);
    return value && detail::has_token(*value, token);
  };
  const auto shown = [&](std::string_view name) {
    const auto value = response.header(name);
    std::string text = value ? "the value " : "none";
    text += value.value_or("").substr(0, 100);
    return text;
  };
  if (!expect_token("Upgrade", "websocket")) {
    return bad("expected the header \"Upgrade: websocket\", got " + shown("Upgrade"));
  }
  if (!expect_token("Connection", "upgrade")) {
    return bad("expected the header \"Connection: upgrade\", got " + shown("Connection"));
  }
  if (response.header("Sec-WebSocket-Accept") != detail::websocket_accept(key)) {
    return bad("Sec-WebSocket-Accept does not fit the key, got " + shown("Sec-WebSocket-Accept"));
  }
  for (const char* name : {"Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"}) {
    if (response.header(name)) {
      return bad(std::string(name) + " was not offered, got " + shown(name));
    }
  }
  return std::nullopt;
}

}  // namespace

PendingOperation http_request(EventLoop& loop, const Url& url, HttpRequest request,
                              Duration timeout,
                              std::function<void(Result<HttpResponse>)> callback) {
  request.target = url.target;
  if (!request.header("Host")) {
    request.headers.insert(request.headers.begin(), {"Host", url.host_header()});
  }
  add_unless_given(request, "Connection", "close");
  const ExchangeOptions options{.timeout = timeout, .max_body_bytes = max_response_bytes};
  const auto exchange =
      std::make_shared<HttpExchange>(loop, url, std::move(request), options,
                                     [callback = std::move(callback)](Result<Answer> answer) {
                                       if (answer) {
                                         callback(std::move(answer->response));
                                       } else {
                                         callback(answer.error());
                                       }
                                     });
  return run(exchange, check_scheme(url, "http", "https"));
}

PendingOperation connect_websocket(EventLoop& loop, const Url& url, std::vector<HttpHeader> headers,
                                   WebSocketOptions options,
                                   std::function<void(Result<WebSocket>)> callback) {
  const std::string key = detail::websocket_key();
  HttpRequest request;
  request.target = url.target;
  request.headers = std::move(headers);
  if (!request.header("Host")) {
    request.headers.insert(request.headers.begin(), {"Host", url.host_header()});
  }
  request.headers.push_back({"Upgrade", "websocket"});
  request.headers.push_back({"Connection", "Upgrade"});
  request.headers.push_back({"Sec-WebSocket-Key", key});
  request.headers.push_back({"Sec-WebSocket-Version", "13"});
  const ExchangeOptions exchange_options{.timeout = options.open_timeout,
                                         .max_body_bytes = max_refusal_bytes,
                                         .accept_partial_body = true};
  const std::string where = url.scheme + "://" + url.host_header();
  const auto exchange = std::make_shared<HttpExchange>(
      loop, url, std::move(request), exchange_options,
      [&loop, options, key, where, callback = std::move(callback)](Result<Answer> answer) {
        if (!answer) {
          callback(answer.error());
          return;
        }
        if (auto error = check_upgrade(answer->response, key)) {
          error->context = where + ": " + error->context;
          callback(std::move(*error));
          return;
        }
        callback(detail::make_websocket(loop, {.stream = std::move(answer->stream),
                                               .side = detail::WebSocketSide::client,
                                               .options = options,
                                               .remote = std::move(answer->remote),
                                               .unread = std::move(answer->unread)}));
      });
  return run(exchange, check_scheme(url, "ws", "wss"));
}

}  // namespace ssm::net
