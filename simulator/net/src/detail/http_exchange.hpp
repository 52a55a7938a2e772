#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "detail/http_parser.hpp"
#include "detail/stream.hpp"
#include "ssm/net/http_client.hpp"

namespace ssm::net::detail {

/// What came back, and for an upgrade the connection it came over.
struct Answer {
  HttpResponse response;
  std::unique_ptr<Stream> stream;
  std::string remote;
  /// Input behind a 101.
  std::vector<std::byte> unread;
};

struct ExchangeOptions {
  Duration timeout{};
  std::size_t max_header_bytes = std::size_t{64} * 1024;
  std::size_t max_body_bytes = 0;
  /// Hands over a response that was cut short or too large as far as it came, once its header is
  /// complete: the start of an error page is enough.
  bool accept_partial_body = false;
};

/// One request and its answer over a new connection: resolve, connect, write, read. The callback is
/// called once, never from inside start(), and not after cancel().
class HttpExchange final : public StreamUser, public std::enable_shared_from_this<HttpExchange> {
 public:
  using Callback = std::function<void(protocol::Result<Answer>)>;

  HttpExchange(EventLoop& loop, Url url, HttpRequest request, ExchangeOptions options,
               Callback callback);

  void start();
  /// Answers this error instead of doing anything.
  void start_failing(protocol::Error error) { deliver(std::move(error)); }
  void cancel();

  void on_readable() override;
  void on_writable() override;
  void on_deferred() override;

 private:
  using tcp = boost::asio::ip::tcp;

  void resolved(const boost::system::error_code& error, const tcp::resolver::results_type& found);
  void connect_next();
  void connected();
  void write_request();
  void take_input();
  void input_ended(const boost::system::error_code& error);
  void response_complete();
  void fail(const boost::system::error_code& error, const std::string& what);
  void deliver(protocol::Result<Answer> result);
  void release_connection();

  EventLoop& loop_;
  Url url_;
  HttpRequest request_;
  ExchangeOptions options_;
  Callback callback_;
  Timer timer_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  std::vector<tcp::endpoint> endpoints_;
  std::size_t next_endpoint_ = 0;
  /// What a failure or time-out interrupts: "connecting to 127.0.0.1:80".
  std::string step_;

  std::unique_ptr<Stream> stream_;
  std::string remote_;
  std::string output_;
  std::size_t written_ = 0;
  bool write_ended_ = false;
  bool write_waiting_ = false;
  std::vector<std::byte> input_;
  std::optional<HttpParser<false>> parser_;
  std::optional<protocol::Result<Answer>> result_;
  bool finished_ = false;
};

}  // namespace ssm::net::detail
