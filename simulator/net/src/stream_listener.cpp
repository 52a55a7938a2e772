#include "ssm/net/stream_listener.hpp"

#include "detail/descriptor_limit.hpp"
#include "detail/loop_impl.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace ssm::net {

namespace asio = boost::asio;
using boost::system::error_code;
using protocol::Error;
using protocol::Result;

namespace {

/// Pause before accepting again when the system has no descriptors or memory left.
constexpr auto accept_pause = std::chrono::milliseconds(50);
constexpr int max_accepts_per_turn = 64;

error_code system_error(int number) {
  return {number, boost::system::system_category()};
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

std::string context(const ListenAddress& address) {
  return "cannot listen on " + address.to_string();
}

Result<SocketAddress> unix_address(const ListenAddress& address) {
  SocketAddress result;
  sockaddr_un unix{};
  if (address.path.size() >= sizeof unix.sun_path) {
    return Error(system_error(ENAMETOOLONG), 0,
                 context(address) + ": a socket's path has at most " +
                     std::to_string(sizeof unix.sun_path - 1) + " bytes");
  }
  unix.sun_family = AF_UNIX;
  address.path.copy(unix.sun_path, address.path.size());
  std::memcpy(&result.storage, &unix, sizeof unix);
  result.size = sizeof unix;
  return result;
}

Result<SocketAddress> tcp_address(const ListenAddress& address) {
  addrinfo hints{};
  // Tunnels are named in IPv4 by everybody; another address has to be asked for.
  hints.ai_family = address.host == "localhost" ? AF_INET : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (status != 0) {
    return Error(system_error(EADDRNOTAVAIL), 0,
                 context(address) + ": " + std::string(::gai_strerror(status)));
  }
  SocketAddress result;
  std::memcpy(&result.storage, found->ai_addr, found->ai_addrlen);
  result.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return result;
}

/// A socket file that nobody listens on.
bool is_left_behind(SocketAddress& address, const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return false;
  }
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) {
    return false;
  }
  const bool refused = ::connect(probe, address.get(), address.size) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

}  // namespace

std::string ListenAddress::to_string() const {
  if (!path.empty()) {
    return path;
  }
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

class StreamListener::Impl final : public std::enable_shared_from_this<Impl> {
 public:
  Impl(EventLoop& loop, ListenAddress address)
      : loop_(loop), address_(std::move(address)), acceptor_(loop.impl().io), retry_(loop) {}

  [[nodiscard]] Result<void> bind() {
    Result<SocketAddress> where =
        address_.path.empty() ? tcp_address(address_) : unix_address(address_);
    if (!where) {
      return where.error();
    }
    const int fd =
        ::socket(where->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
      return failure();
    }
    acceptor_.assign(fd);
    const int on = 1;
    if (address_.path.empty()) {
      ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    } else if (is_left_behind(*where, address_.path)) {
      ::unlink(address_.path.c_str());
    }
    if (::bind(fd, where->get(), where->size) != 0) {
      return failure();
    }
    if (!address_.path.empty()) {
      // Nobody can connect before `listen`, so this is early enough.
      owns_file_ = true;
      ::chmod(address_.path.c_str(), S_IRUSR | S_IWUSR);
    } else if (const int port = bound_port(fd); port > 0) {
      address_.port = static_cast<std::uint16_t>(port);
    }
    return {};
  }

  [[nodiscard]] Result<void> listen(std::function<void(StreamSocket)> on_connection) {
    if (::listen(acceptor_.native_handle(), SOMAXCONN) != 0) {
      return failure();
    }
    on_connection_ = std::make_shared<std::function<void(StreamSocket)>>(std::move(on_connection));
    accept_next();
    return {};
  }

  void shut() {
    error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
    if (owns_file_) {
      ::unlink(address_.path.c_str());
    }
    // From a local: what the callback captured may own the listener.
    const auto old = std::exchange(on_connection_, nullptr);
  }

  [[nodiscard]] const ListenAddress& address() const { return address_; }

 private:
  [[nodiscard]] Error failure() const { return Error(system_error(errno), 0, context(address_)); }

  [[nodiscard]] static int bound_port(int fd) {
    SocketAddress bound;
    bound.size = sizeof bound.storage;
    char service[NI_MAXSERV] = {};
    if (::getsockname(fd, bound.get(), &bound.size) != 0 ||
        ::getnameinfo(bound.get(), bound.size, nullptr, 0, service, sizeof service,
                      NI_NUMERICSERV) != 0) {
      return 0;
    }
    return std::atoi(service);
  }

  void accept_next() {
    acceptor_.async_wait(asio::posix::descriptor_base::wait_read,
                         [weak = weak_from_this()](const error_code&) {
                           const auto self = weak.lock();
                           if (self && self->acceptor_.is_open()) {
                             self->loop_.impl().dispatch([&] { self->accept_turn(); });
                           }
                         });
  }

  void accept_turn() {
    const auto on_connection = on_connection_;
    for (int i = 0; i < max_accepts_per_turn && acceptor_.is_open(); ++i) {
      const int fd =
          ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) {
        (*on_connection)(StreamSocket::adopt(loop_, fd));
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) {
        continue;
      }
      if (errno != EAGAIN) {
        // No descriptors left: those who wait are served when there are.
        retry_.arm(EventLoop::now() + accept_pause, [this] { accept_next(); });
        return;
      }
      break;
    }
    if (acceptor_.is_open()) {
      accept_next();
    }
  }

  EventLoop& loop_;
  ListenAddress address_;
  asio::posix::stream_descriptor acceptor_;
  Timer retry_;
  std::shared_ptr<std::function<void(StreamSocket)>> on_connection_;
  bool owns_file_ = false;
};

Result<StreamListener> StreamListener::bind(EventLoop& loop, const ListenAddress& address) {
  detail::raise_descriptor_limit();
  auto impl = std::make_shared<Impl>(loop, address);
  StreamListener listener(impl);
  if (Result<void> bound = impl->bind(); !bound) {
    return bound.error();
  }
  return listener;
}

StreamListener::StreamListener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
StreamListener::~StreamListener() {
  if (impl_) {
    impl_->shut();
  }
}
StreamListener::StreamListener(StreamListener&&) noexcept = default;
StreamListener& StreamListener::operator=(StreamListener&& other) noexcept {
  const StreamListener old(std::move(*this));
  impl_ = std::move(other.impl_);
  return *this;
}

Result<void> StreamListener::listen(std::function<void(StreamSocket)> on_connection) {
  return impl_->listen(std::move(on_connection));
}
const ListenAddress& StreamListener::address() const {
  return impl_->address();
}

}  // namespace ssm::net
