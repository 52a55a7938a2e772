#include "detail/http_exchange.hpp"

#include "detail/http_text.hpp"
#include "ssm/net/error.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

#include <charconv>
#include <utility>

namespace ssm::net::detail {

namespace asio = boost::asio;
using boost::system::error_code;
using protocol::as_bytes;
using protocol::Error;

HttpExchange::HttpExchange(EventLoop& loop, Url url, HttpRequest request, ExchangeOptions options,
                           Callback callback)
    : loop_(loop),
      url_(std::move(url)),
      request_(std::move(request)),
      options_(options),
      callback_(std::move(callback)),
      timer_(loop),
      resolver_(loop.impl().io),
      socket_(loop.impl().io) {}

void HttpExchange::start() {
  timer_.arm(deadline_after(options_.timeout), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(self->options_.timeout);
      self->fail(make_error_code(Errc::timed_out),
                 "no answer within " + std::to_string(ms.count()) + " ms, while " + self->step_);
    }
  });
  error_code error;
  const auto address = asio::ip::make_address(url_.host, error);
  if (!error) {
    std::uint16_t port = 0;
    std::from_chars(url_.port.data(), url_.port.data() + url_.port.size(), port);
    endpoints_.emplace_back(address, port);
    connect_next();
    return;
  }
  step_ = "resolving " + url_.host;
  resolver_.async_resolve(url_.host, url_.port, tcp::resolver::numeric_service,
                          [self = shared_from_this()](const error_code& failed,
                                                      const tcp::resolver::results_type& found) {
                            self->loop_.impl().dispatch([&] { self->resolved(failed, found); });
                          });
}

void HttpExchange::resolved(const error_code& error, const tcp::resolver::results_type& found) {
  if (finished_) {
    return;
  }
  if (error || found.empty()) {
    fail(error ? error : asio::error::host_not_found, step_);
    return;
  }
  for (const auto& entry : found) {
    endpoints_.push_back(entry.endpoint());
  }
  connect_next();
}

void HttpExchange::connect_next() {
  const tcp::endpoint endpoint = endpoints_[next_endpoint_++];
  step_ = "connecting to " + to_string(endpoint);
  error_code ignored;
  socket_.close(ignored);
  socket_.async_connect(endpoint, [self = shared_from_this()](const error_code& error) {
    self->loop_.impl().dispatch([&] {
      if (self->finished_) {
        return;
      }
      if (!error) {
        self->connected();
      } else if (self->next_endpoint_ < self->endpoints_.size()) {
        self->connect_next();
      } else {
        self->fail(error, self->step_);
      }
    });
  });
}

void HttpExchange::connected() {
  remote_ = to_string(endpoints_[next_endpoint_ - 1]);
  step_ = "waiting for the answer of " + remote_;
  stream_ = make_tcp_stream(loop_, std::move(socket_));
  output_ = to_text(request_);
  parser_.emplace(options_.max_header_bytes, options_.max_body_bytes);
  parser_->skip(request_.method == "HEAD");
  // Read from the start: a server may refuse a large body before it has all of it.
  stream_->wait_readable(shared_from_this());
  write_request();
}

void HttpExchange::write_request() {
  while (!write_ended_ && written_ < output_.size()) {
    error_code error;
    const auto rest = std::string_view(output_).substr(written_);
    written_ += stream_->write_some(as_bytes(rest), error);
    if (is_would_block(error)) {
      if (!write_waiting_) {
        write_waiting_ = true;
        stream_->wait_writable(shared_from_this());
      }
      return;
    }
    // The reading side finds out what that means: an early answer, or none.
    write_ended_ = error.failed();
  }
}

void HttpExchange::on_writable() {
  write_waiting_ = false;
  if (!finished_) {
    write_request();
  }
}

void HttpExchange::on_readable() {
  if (finished_) {
    return;
  }
  auto& scratch = loop_.impl().read_scratch;
  error_code error;
  const std::size_t count = stream_->read_some(scratch, error);
  if (error && !is_would_block(error)) {
    input_ended(error);
    return;
  }
  input_.insert(input_.end(), scratch.begin(),
                scratch.begin() + static_cast<std::ptrdiff_t>(count));
  take_input();
  if (!finished_) {
    stream_->wait_readable(shared_from_this());
  }
}

void HttpExchange::take_input() {
  while (!finished_ && !input_.empty()) {
    error_code error;
    const std::size_t used = parser_->feed(input_, error);
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(used));
    if (error) {
      const bool too_large =
          error == beast::http::error::body_limit || error == beast::http::error::header_limit;
      if (too_large && parser_->is_header_done() && options_.accept_partial_body) {
        response_complete();
      } else if (too_large) {
        fail(make_error_code(Errc::response_too_large), "from " + remote_);
      } else {
        fail(make_error_code(Errc::malformed_response), error.message() + ", from " + remote_);
      }
      return;
    }
    if (!parser_->is_done()) {
      return;
    }
    const unsigned status = parser_->message().status;
    if (status >= 200 || status == 101) {
      response_complete();
      return;
    }
    // 100 Continue and the like announce the real answer.
    parser_.emplace(options_.max_header_bytes, options_.max_body_bytes);
    parser_->skip(request_.method == "HEAD");
  }
}

void HttpExchange::input_ended(const error_code& error) {
  error_code incomplete = error;
  if (error == asio::error::eof) {
    incomplete = {};
    // A body without Content-Length ends with the connection.
    if (parser_->got_some()) {
      parser_->put_eof(incomplete);
    } else {
      incomplete = beast::http::error::end_of_stream;
    }
  }
  if (!incomplete || (parser_->is_header_done() && options_.accept_partial_body)) {
    response_complete();
  } else if (error == asio::error::eof) {
    fail(make_error_code(Errc::connection_closed), "by " + remote_);
  } else {
    fail(error, step_);
  }
}

void HttpExchange::response_complete() {
  Answer answer;
  answer.response = std::move(parser_->message());
  answer.remote = remote_;
  if (answer.response.status == 101) {
    answer.stream = std::move(stream_);
    answer.unread = std::move(input_);
  }
  deliver(std::move(answer));
}

void HttpExchange::fail(const error_code& error, const std::string& what) {
  // Without the query: it may carry a token.
  const std::string_view target = std::string_view(url_.target).substr(0, url_.target.find('?'));
  deliver(Error(error, 0,
                request_.method + " " + url_.scheme + "://" + url_.host_header() +
                    std::string(target) + ": " + what));
}

void HttpExchange::deliver(protocol::Result<Answer> result) {
  if (finished_) {
    return;
  }
  release_connection();
  result_ = std::move(result);
  loop_.impl().defer(shared_from_this());
}

void HttpExchange::on_deferred() {
  auto result = std::exchange(result_, std::nullopt);
  const auto callback = std::exchange(callback_, nullptr);
  if (result && callback) {
    callback(std::move(*result));
  }
}

void HttpExchange::cancel() {
  if (!finished_) {
    release_connection();
  }
  result_.reset();
  // From a local: what it captured may own this operation.
  const auto dropped = std::exchange(callback_, nullptr);
}

void HttpExchange::release_connection() {
  finished_ = true;
  timer_.cancel();
  resolver_.cancel();
  error_code ignored;
  socket_.close(ignored);
  if (stream_) {
    stream_->close();
  }
}

}  // namespace ssm::net::detail
