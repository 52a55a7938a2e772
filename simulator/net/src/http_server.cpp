#include "ssm/net/http_server.hpp"

#include "detail/descriptor_limit.hpp"
#include "detail/http_connection.hpp"
#include "detail/stream.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

namespace ssm::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

/// Pause before accepting again when the system has no descriptors or memory left.
constexpr auto accept_pause = std::chrono::milliseconds(20);
constexpr int max_accepts_per_turn = 64;
constexpr auto warning_interval = std::chrono::seconds(10);
/// Connections over the limit that may wait at once for their 503 to be read.
constexpr std::size_t max_rejections = 256;

bool is_exhaustion(const error_code& error) {
  namespace errc = boost::system::errc;
  return error == errc::too_many_files_open || error == errc::too_many_files_open_in_system ||
         error == errc::no_buffer_space || error == errc::not_enough_memory;
}

protocol::Result<tcp::endpoint> resolve(EventLoop::Impl& loop, const HttpServerOptions& options) {
  std::string host = options.host;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) {
    return tcp::endpoint(address, options.port);
  }
  tcp::resolver resolver(loop.io);
  const auto found =
      resolver.resolve(host, std::to_string(options.port),
                       tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return protocol::Error(error, 0, "cannot resolve the host \"" + options.host + "\"");
  }
  return found.begin()->endpoint();
}

}  // namespace

class HttpServer::Impl final : public detail::ConnectionOwner,
                               public std::enable_shared_from_this<Impl> {
 public:
  Impl(EventLoop& loop, HttpServerOptions options, HttpServerHandlers handlers)
      : loop_(loop),
        options_(std::move(options)),
        handlers_(std::make_shared<const HttpServerHandlers>(std::move(handlers))),
        acceptor_(loop.impl().io),
        retry_(loop) {}

  [[nodiscard]] error_code open(const tcp::endpoint& endpoint) {
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (error) {
      return error;
    }
    ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) {
      acceptor_.bind(endpoint, error);
    }
    if (!error) {
      acceptor_.listen(asio::socket_base::max_listen_connections, error);
    }
    if (!error) {
      acceptor_.non_blocking(true, error);
    }
    if (!error) {
      port_ = acceptor_.local_endpoint(error).port();
    }
    if (!error) {
      accept_next();
    }
    return error;
  }

  void shut() {
    error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
    const auto connections = std::exchange(connections_, {});
    for (const auto& connection : connections) {
      connection->abort();
    }
    // From a local: what the handlers captured may own the server.
    const auto old = std::exchange(handlers_, nullptr);
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t open_connections() const { return connections_.size(); }

  [[nodiscard]] std::shared_ptr<const HttpServerHandlers> handlers() const override {
    return handlers_;
  }
  void waits_for_request(detail::ConnectionList::iterator place) override {
    connections_.splice(connections_.end(), connections_, place);
  }
  void connection_gone(detail::ConnectionList::iterator place) override {
    connections_.erase(place);
  }

 private:
  void accept_next() {
    acceptor_.async_wait(tcp::acceptor::wait_read, [weak = weak_from_this()](const error_code&) {
      const auto self = weak.lock();
      if (self && self->acceptor_.is_open()) {
        self->loop_.impl().dispatch([&] { self->accept_turn(); });
      }
    });
  }

  void accept_turn() {
    for (int i = 0; i < max_accepts_per_turn; ++i) {
      error_code error;
      tcp::socket socket = acceptor_.accept(error);
      if (!error) {
        take(std::move(socket));
        continue;
      }
      if (detail::is_would_block(error) || error == asio::error::connection_aborted) {
        break;
      }
      // Without free descriptors accept fails even if nobody waits; only the first one of a turn
      // is known to have somebody.
      if (is_exhaustion(error) && i > 0) {
        break;
      }
      if (is_exhaustion(error)) {
        evict_one();
      }
      warn("cannot accept connections: " + error.message());
      retry_.arm(EventLoop::now() + accept_pause, [this] { accept_next(); });
      return;
    }
    accept_next();
  }

  void take(tcp::socket socket) {
    error_code error;
    const auto remote = socket.remote_endpoint(error);
    if (error) {
      return;  // it has gone already
    }
    auto stream = detail::make_tcp_stream(loop_, std::move(socket));
    if (connections_.size() >= options_.max_connections) {
      reject(std::move(stream));
      return;
    }
    connections_.push_back(std::make_shared<detail::HttpConnection>(
        loop_, std::move(stream), detail::to_string(remote), options_));
    connections_.back()->start(*this, std::prev(connections_.end()));
  }

  void reject(std::unique_ptr<detail::Stream> stream) {
    if (rejections_ && rejections_.use_count() > static_cast<long>(max_rejections)) {
      return;
    }
    if (!rejections_) {
      rejections_ = std::make_shared<int>(0);
    }
    const std::string text = detail::to_text(
        HttpResponse{.status = 503,
                     .headers = {{"Content-Type", "text/plain"}, {"Retry-After", "1"}},
                     .body = "Service Unavailable: too many connections\n"},
        {.to_head = false, .keep_alive = false, .version = 11});
    error_code ignored;
    if (stream->write_some(protocol::as_bytes(text), ignored) == text.size()) {
      detail::linger(loop_, std::move(stream), rejections_);
    }
  }

  /// Out of descriptors: the connection that has been waiting longest for a request goes, so that
  /// connections that never send one cannot lock everybody else out.
  void evict_one() {
    constexpr int looked_at = 64;
    int i = 0;
    for (auto place = connections_.begin(); place != connections_.end() && i < looked_at;
         ++place, ++i) {
      if ((*place)->is_reading()) {
        (*place)->evict();
        return;
      }
    }
  }

  void warn(const std::string& text) {
    const Instant now = EventLoop::now();
    if (last_warning_ && now - *last_warning_ < warning_interval) {
      return;
    }
    last_warning_ = now;
    if (const auto handlers = handlers_; handlers->on_warning) {
      handlers->on_warning(text);
    } else {
      std::fprintf(stderr, "%s:%u: %s\n", options_.host.c_str(), unsigned{port_}, text.c_str());
    }
  }

  EventLoop& loop_;
  HttpServerOptions options_;
  std::shared_ptr<const HttpServerHandlers> handlers_;
  tcp::acceptor acceptor_;
  Timer retry_;
  std::uint16_t port_ = 0;
  detail::ConnectionList connections_;
  /// Counted by its references: one per connection that waits for its 503 to be read.
  std::shared_ptr<int> rejections_;
  std::optional<Instant> last_warning_;
};

protocol::Result<HttpServer> HttpServer::listen(EventLoop& loop, HttpServerOptions options,
                                                HttpServerHandlers handlers) {
  detail::raise_descriptor_limit();
  const auto endpoint = resolve(loop.impl(), options);
  if (!endpoint) {
    return endpoint.error();
  }
  const std::string address = detail::to_string(*endpoint);
  auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(handlers));
  if (const error_code error = impl->open(*endpoint)) {
    return protocol::Error(error, 0, "cannot listen on " + address);
  }
  return HttpServer(std::move(impl));
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  if (impl_) {
    impl_->shut();
  }
}

HttpServer::HttpServer(HttpServer&&) noexcept = default;

HttpServer& HttpServer::operator=(HttpServer&& other) noexcept {
  const HttpServer old(std::move(*this));
  impl_ = std::move(other.impl_);
  return *this;
}

std::uint16_t HttpServer::port() const {
  return impl_->port();
}
std::size_t HttpServer::open_connections() const {
  return impl_->open_connections();
}

}  // namespace ssm::net
