#include "ssm/net/stream_connector.hpp"

#include "detail/loop_impl.hpp"
#include "ssm/net/error.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace ssm::net {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using asio::ip::tcp;
using boost::system::error_code;
using protocol::Error;
using protocol::Result;

namespace {

/// Nothing, and `error` set, for a text that is no address or a path that is too long.
std::optional<stream_protocol::endpoint> to_endpoint(const StreamAddress& address,
                                                     error_code& error) {
  if (address.path.empty()) {
    const auto ip = asio::ip::make_address(address.ip, error);
    return error ? std::nullopt
                 : std::optional<stream_protocol::endpoint>(tcp::endpoint(ip, address.port));
  }
  constexpr std::size_t max_path_bytes = 107;  // sockaddr_un
  if (address.path.size() > max_path_bytes) {
    error = boost::system::errc::make_error_code(boost::system::errc::filename_too_long);
    return std::nullopt;
  }
  return asio::local::stream_protocol::endpoint(address.path);
}

class Connector final : public std::enable_shared_from_this<Connector> {
 public:
  Connector(EventLoop& loop, std::vector<StreamAddress> addresses,
            std::function<void(Result<StreamSocket>)> callback)
      : loop_(loop),
        addresses_(std::move(addresses)),
        callback_(std::move(callback)),
        socket_(loop.impl().io),
        timer_(loop) {}

  void start(std::optional<Duration> limit) {
    if (limit) {
      timer_.arm(detail::deadline_after(*limit), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
          self->note(make_error_code(Errc::timed_out));
          self->finish();
        }
      });
    }
    loop_.post([weak = weak_from_this()] {
      if (const auto self = weak.lock(); self && !self->finished_) {
        self->connect_next();
      }
    });
  }

  void cancel() {
    finished_ = true;
    timer_.cancel();
    error_code ignored;
    socket_.close(ignored);
    // From a local: what it captured may own this operation.
    const auto dropped = std::exchange(callback_, nullptr);
  }

 private:
  void connect_next() {
    error_code ignored;
    socket_.close(ignored);
    if (next_ == addresses_.size()) {
      finish();
      return;
    }
    const StreamAddress& address = addresses_[next_++];
    error_code malformed;
    const auto endpoint = to_endpoint(address, malformed);
    if (!endpoint) {
      note(malformed);
      connect_next();
      return;
    }
    socket_.async_connect(*endpoint, [self = shared_from_this()](const error_code& error) {
      self->loop_.impl().dispatch([&] { self->connected(error); });
    });
  }

  void connected(const error_code& error) {
    if (finished_) {
      return;
    }
    if (error) {
      note(error);
      connect_next();
      return;
    }
    error_code failed;
    const int fd = socket_.release(failed);
    if (failed) {
      note(failed);
      finish();
      return;
    }
    first_error_.reset();
    finish(fd);
  }

  /// Only the first error is reported; a time-out overrides nothing either.
  void note(const error_code& error) {
    if (!first_error_) {
      first_error_ = error;
    }
  }

  void finish(int fd = -1) {
    if (finished_) {
      if (fd >= 0) {
        ::close(fd);
      }
      return;
    }
    const auto callback = std::exchange(callback_, nullptr);
    const std::string context = addresses_.empty() ? "no address" : addresses_.front().to_string();
    const error_code error = first_error_.value_or(make_error_code(Errc::malformed_url));
    cancel();
    if (fd >= 0) {
      callback(StreamSocket::adopt(loop_, fd));
    } else {
      callback(Error(error, 0, context));
    }
  }

  EventLoop& loop_;
  std::vector<StreamAddress> addresses_;
  std::function<void(Result<StreamSocket>)> callback_;
  stream_protocol::socket socket_;
  Timer timer_;
  std::size_t next_ = 0;
  std::optional<error_code> first_error_;
  bool finished_ = false;
};

class Resolver final : public std::enable_shared_from_this<Resolver> {
 public:
  using Callback = std::function<void(Result<std::vector<std::string>>)>;

  Resolver(EventLoop& loop, std::string_view host, Callback callback)
      : loop_(loop), host_(host), callback_(std::move(callback)), resolver_(loop.impl().io) {}

  void start() {
    error_code error;
    const auto address = asio::ip::make_address(host_, error);
    if (!error) {
      loop_.post([weak = weak_from_this(), text = address.to_string()] {
        if (const auto self = weak.lock()) {
          self->finish(std::vector<std::string>{text});
        }
      });
      return;
    }
    resolver_.async_resolve(host_, "",
                            [self = shared_from_this()](const error_code& failed,
                                                        const tcp::resolver::results_type& found) {
                              self->loop_.impl().dispatch([&] { self->resolved(failed, found); });
                            });
  }

  void cancel() {
    resolver_.cancel();
    const auto dropped = std::exchange(callback_, nullptr);
  }

 private:
  void resolved(const error_code& error, const tcp::resolver::results_type& found) {
    std::vector<std::string> addresses;
    for (const auto& entry : found) {
      std::string text = entry.endpoint().address().to_string();
      if (std::find(addresses.begin(), addresses.end(), text) == addresses.end()) {
        addresses.push_back(std::move(text));
      }
    }
    if (error || addresses.empty()) {
      finish(Error(error ? error : error_code(asio::error::host_not_found), 0, host_));
    } else {
      finish(std::move(addresses));
    }
  }

  void finish(Result<std::vector<std::string>> result) {
    if (const auto callback = std::exchange(callback_, nullptr)) {
      callback(std::move(result));
    }
  }

  EventLoop& loop_;
  std::string host_;
  Callback callback_;
  tcp::resolver resolver_;
};

/// `operation` lives until its work is done or it is given up.
template <class Operation>
PendingOperation pending(std::shared_ptr<Operation> operation) {
  return PendingOperation([operation = std::move(operation)] { operation->cancel(); });
}

}  // namespace

std::string StreamAddress::to_string() const {
  if (!path.empty()) {
    return path;
  }
  const bool is_v6 = ip.find(':') != std::string::npos;
  return (is_v6 ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

PendingOperation connect_stream(EventLoop& loop, std::vector<StreamAddress> addresses,
                                std::optional<Duration> limit,
                                std::function<void(Result<StreamSocket>)> callback) {
  auto connector = std::make_shared<Connector>(loop, std::move(addresses), std::move(callback));
  connector->start(limit);
  return pending(std::move(connector));
}

PendingOperation resolve_host(EventLoop& loop, std::string_view host,
                              std::function<void(Result<std::vector<std::string>>)> callback) {
  auto resolver = std::make_shared<Resolver>(loop, host, std::move(callback));
  resolver->start();
  return pending(std::move(resolver));
}

std::optional<std::string> canonical_ip(std::string_view text) {
  error_code error;
  auto address = asio::ip::make_address(std::string(text), error);
  if (error) {
    return std::nullopt;
  }
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address.to_string();
}

}  // namespace ssm::net
