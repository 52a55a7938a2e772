#include "detail/http_connection.hpp"

#include "detail/text.hpp"
#include "detail/websocket_factory.hpp"

#include <utility>

namespace ssm::net {

/// Defined here because only the connection can answer.
class Upgrade::Impl {
 public:
  Impl(std::weak_ptr<detail::HttpConnection> connection, std::uint64_t number)
      : connection_(std::move(connection)), number_(number) {}

  [[nodiscard]] std::shared_ptr<detail::HttpConnection> take() {
    return std::exchange(connection_, {}).lock();
  }
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  std::weak_ptr<detail::HttpConnection> connection_;
  std::uint64_t number_;
};

Upgrade::Upgrade(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Upgrade::~Upgrade() {
  if (impl_) {
    refuse(HttpResponse{.status = 500, .headers = {}, .body = "the upgrade was not decided\n"});
  }
}

Upgrade::Upgrade(Upgrade&&) noexcept = default;

Upgrade& Upgrade::operator=(Upgrade&& other) noexcept {
  const Upgrade old(std::move(*this));
  impl_ = std::move(other.impl_);
  return *this;
}

void Upgrade::accept(WebSocketOptions options, std::function<void(WebSocket)> on_open) {
  const auto impl = std::exchange(impl_, nullptr);
  if (const auto connection = impl ? impl->take() : nullptr) {
    connection->accept_upgrade(options, std::move(on_open));
  }
}

void Upgrade::refuse(const HttpResponse& response) {
  const auto impl = std::exchange(impl_, nullptr);
  if (const auto connection = impl ? impl->take() : nullptr) {
    connection->respond(impl->number(), response);
  }
}

namespace detail {

using boost::system::error_code;
using protocol::as_bytes;
using protocol::Bytes;

namespace {

/// Answers 500 if a handler loses its `respond` without calling it.
class Responder {
 public:
  Responder(std::weak_ptr<HttpConnection> connection, std::uint64_t number)
      : connection_(std::move(connection)), number_(number) {}
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  ~Responder() {
    answer(HttpResponse{.status = 500, .headers = {}, .body = "the request was not answered\n"});
  }

  void answer(const HttpResponse& response) {
    if (const auto connection = std::exchange(connection_, {}).lock()) {
      connection->respond(number_, response);
    }
  }

 private:
  std::weak_ptr<HttpConnection> connection_;
  std::uint64_t number_;
};

bool header_has_token(const HttpRequest& request, std::string_view name, std::string_view token) {
  const auto value = request.header(name);
  return value && has_token(*value, token);
}

HttpResponse plain_response(unsigned status, std::string_view detail) {
  HttpResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "text/plain"}};
  response.body = reason_phrase(status) + ": " + std::string(detail) + "\n";
  return response;
}

}  // namespace

HttpConnection::HttpConnection(EventLoop& loop, std::unique_ptr<Stream> stream, std::string remote,
                               const HttpServerOptions& options)
    : loop_(loop),
      stream_(std::move(stream)),
      remote_(std::move(remote)),
      options_(options),
      timer_(loop) {}

void HttpConnection::start(ConnectionOwner& owner, ConnectionList::iterator place) {
  owner_ = &owner;
  place_ = place;
  begin_request();
  loop_.impl().defer(shared_from_this());
}

void HttpConnection::begin_request() {
  state_ = State::reading;
  ++request_number_;
  continue_sent_ = false;
  output_ = {};
  written_ = 0;
  form_ = {};
  parser_.emplace(options_.max_header_bytes, options_.max_body_bytes);
  arm_timer();
  owner_->waits_for_request(place_);
}

void HttpConnection::pump() {
  if (pumping_) {
    return;
  }
  const auto self = shared_from_this();
  pumping_ = true;
  bool progress = true;
  while (progress) {
    switch (state_) {
      case State::reading:
        progress = read_request();
        break;
      case State::writing:
        progress = write_answer();
        break;
      case State::answering:
      case State::closed:
        progress = false;
        break;
    }
  }
  pumping_ = false;
}

bool HttpConnection::read_request() {
  if (!parser_->got_some()) {
    // Some clients send an extra line break behind a body (RFC 9112 section 2.2).
    std::size_t blank = 0;
    while (blank < input_.size() &&
           (input_[blank] == std::byte{'\r'} || input_[blank] == std::byte{'\n'})) {
      ++blank;
    }
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(blank));
  }
  error_code error;
  const std::size_t used = parser_->feed(input_, error);
  input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(used));
  if (error == beast::http::error::header_limit) {
    refuse(431,
           "the header is larger than " + std::to_string(options_.max_header_bytes) + " bytes");
    return true;
  }
  if (error == beast::http::error::body_limit) {
    refuse(413, "the body is larger than " + std::to_string(options_.max_body_bytes) + " bytes");
    return true;
  }
  if (error) {
    refuse(400, error.message());
    return true;
  }
  if (parser_->is_done()) {
    deliver();
    return true;
  }
  continue_if_expected();
  if (state_ == State::reading && !read_waiting_) {
    read_waiting_ = true;
    stream_->wait_readable(shared_from_this());
  }
  return false;
}

void HttpConnection::continue_if_expected() {
  if (continue_sent_ || !parser_->is_header_done() || parser_->version() < 11 ||
      !parser_->message().body.empty() ||
      !header_has_token(parser_->message(), "Expect", "100-continue")) {
    return;
  }
  continue_sent_ = true;
  constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
  error_code error;
  // Everything before was taken by the socket, so this is too, or the peer has not read for long.
  if (stream_->write_some(as_bytes(text), error) < text.size()) {
    finish();
  }
}

void HttpConnection::deliver() {
  HttpRequest request = std::move(parser_->message());
  request.remote = remote_;
  form_.keep_alive = parser_->keep_alive();
  form_.version = parser_->version();
  form_.to_head = request.method == "HEAD";
  state_ = State::answering;
  timer_.cancel();
  // The parser sees no body then, and what follows would be read as further requests.
  if (request.header("Transfer-Encoding") &&
      !header_has_token(request, "Transfer-Encoding", "chunked")) {
    refuse(501, "the only Transfer-Encoding spoken here is chunked");
    return;
  }
  if (header_has_token(request, "Upgrade", "websocket")) {
    deliver_upgrade(std::move(request));
    return;
  }
  const auto handlers = owner_->handlers();
  const auto responder = std::make_shared<Responder>(weak_from_this(), request_number_);
  if (handlers->on_request) {
    handlers->on_request(std::move(request), [responder](const HttpResponse& response) {
      responder->answer(response);
    });
  } else {
    responder->answer(plain_response(404, "nothing is served here"));
  }
}

void HttpConnection::deliver_upgrade(HttpRequest request) {
  if (request.method != "GET" || form_.version < 11 ||
      !header_has_token(request, "Connection", "upgrade")) {
    refuse(400, "a WebSocket upgrade is a GET of HTTP/1.1 with \"Connection: Upgrade\"");
    return;
  }
  if (request.header("Sec-WebSocket-Version").value_or("") != "13") {
    HttpResponse response = plain_response(426, "only Sec-WebSocket-Version 13 is spoken here");
    response.headers.push_back({"Sec-WebSocket-Version", "13"});
    start_writing(response);
    return;
  }
  websocket_key_ = request.header("Sec-WebSocket-Key").value_or("");
  if (websocket_key_.empty()) {
    refuse(400, "Sec-WebSocket-Key is missing");
    return;
  }
  const auto handlers = owner_->handlers();
  if (!handlers->on_upgrade) {
    start_writing(plain_response(404, "there is no WebSocket here"));
    return;
  }
  handlers->on_upgrade(std::move(request),
                       Upgrade(std::make_shared<Upgrade::Impl>(weak_from_this(), request_number_)));
}

void HttpConnection::respond(std::uint64_t number, const HttpResponse& response) {
  if (state_ == State::answering && number == request_number_) {
    start_writing(response);
  }
}

//= TRANS-006
void HttpConnection::accept_upgrade(WebSocketOptions options,
                                    std::function<void(WebSocket)> on_open) {
  if (state_ != State::answering) {
    return;
  }
  websocket_options_ = options;
  on_open_ = std::move(on_open);
  HttpResponse response;
  response.status = 101;
  response.headers = {{"Upgrade", "websocket"},
                      {"Connection", "upgrade"},
                      {"Sec-WebSocket-Accept", websocket_accept(websocket_key_)}};
  start_writing(response);
}

void HttpConnection::refuse(unsigned status, std::string_view detail) {
  form_.keep_alive = false;
  start_writing(plain_response(status, detail));
}

void HttpConnection::start_writing(const HttpResponse& response) {
  if (const auto connection = response.header("Connection");
      connection && has_token(*connection, "close")) {
    form_.keep_alive = false;
  }
  output_ = to_text(response, form_);
  written_ = 0;
  state_ = State::writing;
  arm_timer();
  loop_.impl().defer(shared_from_this());
}

bool HttpConnection::write_answer() {
  while (written_ < output_.size()) {
    error_code error;
    const auto rest = std::string_view(output_).substr(written_);
    written_ += stream_->write_some(as_bytes(rest), error);
    if (is_would_block(error)) {
      if (!write_waiting_) {
        write_waiting_ = true;
        stream_->wait_writable(shared_from_this());
      }
      return false;
    }
    if (error) {
      finish();
      return false;
    }
  }
  answer_written();
  return true;
}

void HttpConnection::answer_written() {
  if (on_open_) {
    become_websocket();
  } else if (form_.keep_alive) {
    begin_request();
  } else {
    timer_.cancel();
    state_ = State::closed;
    linger(loop_, std::move(stream_));
    leave_owner();
  }
}

void HttpConnection::become_websocket() {
  timer_.cancel();
  state_ = State::closed;
  const auto on_open = std::exchange(on_open_, nullptr);
  leave_owner();
  on_open(make_websocket(loop_, {.stream = std::move(stream_),
                                 .side = WebSocketSide::server,
                                 .options = websocket_options_,
                                 .remote = remote_,
                                 .unread = std::move(input_)}));
}

void HttpConnection::on_readable() {
  read_waiting_ = false;
  if (state_ != State::reading) {
    return;
  }
  auto& scratch = loop_.impl().read_scratch;
  error_code error;
  const std::size_t count = stream_->read_some(scratch, error);
  if (error && !is_would_block(error)) {
    finish();
    return;
  }
  input_.insert(input_.end(), scratch.begin(),
                scratch.begin() + static_cast<std::ptrdiff_t>(count));
  pump();
}

void HttpConnection::on_writable() {
  write_waiting_ = false;
  pump();
}

void HttpConnection::arm_timer() {
  timer_.arm(deadline_after(options_.request_timeout), [this] { on_timeout(); });
}

void HttpConnection::on_timeout() {
  const bool has_begun = parser_->got_some() || !input_.empty();
  if (state_ == State::reading && has_begun) {
    refuse(408, "the request did not arrive in time");
  } else {
    finish();
  }
}

void HttpConnection::abort() {
  owner_ = nullptr;
  finish();
}

void HttpConnection::finish() {
  if (state_ == State::closed) {
    return;
  }
  const auto self = shared_from_this();
  state_ = State::closed;
  timer_.cancel();
  stream_->close();
  const auto dropped = std::exchange(on_open_, nullptr);
  leave_owner();
}

void HttpConnection::leave_owner() {
  if (auto* owner = std::exchange(owner_, nullptr)) {
    owner->connection_gone(place_);
  }
}

}  // namespace detail

}  // namespace ssm::net
