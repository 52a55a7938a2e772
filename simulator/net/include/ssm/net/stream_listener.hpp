#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ssm/net/event_loop.hpp"
#include "ssm/net/stream_socket.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::net {

/// Where to listen: a TCP port, or with `path` a Unix socket.
struct ListenAddress {
  std::string host = "127.0.0.1";  ///< `localhost` is 127.0.0.1
  std::uint16_t port = 0;          ///< 0: any free one
  std::string path = {};

  /// `127.0.0.1:8080`, `[::1]:8080`, `/run/x.sock`.
  [[nodiscard]] std::string to_string() const;
};

/// Accepts TCP or Unix stream connections. The address is taken first and opened to others later,
/// so that one can learn that it is free before doing what it is for.
///
/// A Unix socket's file is readable and writable for its owner only, and removed at the end. A file
/// that a dead process has left behind is replaced.
class StreamListener {
 public:
  /// Takes the address, and raises the process's soft limit of open descriptors to the hard one.
  /// Connections are refused until `listen`. Error: the system's (in use,
  /// permission, no such host, path too long), with the address in the context.
  [[nodiscard]] static protocol::Result<StreamListener> bind(EventLoop& loop,
                                                             const ListenAddress& address);
  ~StreamListener();
  StreamListener(StreamListener&&) noexcept;
  StreamListener& operator=(StreamListener&&) noexcept;

  /// Error: the system's; another process may have been faster.
  [[nodiscard]] protocol::Result<void> listen(std::function<void(StreamSocket)> on_connection);

  /// With the real port.
  [[nodiscard]] const ListenAddress& address() const;

 private:
  class Impl;
  explicit StreamListener(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace ssm::net
