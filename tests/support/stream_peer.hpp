#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "ssm/net/stream_listener.hpp"
#include "ssm/net/stream_socket.hpp"

namespace ssm::test {

/// A StreamSocket whose user keeps what was read and what is to be written.
struct StreamPeer {
  explicit StreamPeer(net::StreamSocket&& from) : socket(std::move(from)) {}

  void start(const std::function<void()>& changed) {
    socket.start({.room = [this] { return room; },
                  .on_data =
                      [this, changed](protocol::Bytes data) {
                        largest = std::max(largest, data.size());
                        received += protocol::as_text(data);
                        changed();
                      },
                  .on_end =
                      [this, changed] {
                        ended = true;
                        changed();
                      },
                  .on_error =
                      [this, changed](boost::system::error_code code) {
                        error = code;
                        changed();
                      },
                  .on_writable =
                      [this, changed] {
                        ++writes;
                        const std::size_t count = socket.write_some(protocol::as_bytes(unsent));
                        unsent.erase(0, count);
                        changed();
                      }});
  }
  void write(std::string text) {
    unsent += text;
    socket.request_write();
  }

  net::StreamSocket socket;
  std::size_t room = 65536;
  std::string received;
  std::string unsent;
  std::size_t largest = 0;
  int writes = 0;
  bool ended = false;
  std::optional<boost::system::error_code> error;
};

inline int finish_connect(int fd, sockaddr* where, socklen_t size) {
  if (::connect(fd, where, size) != 0) {
    const int error = errno;
    ::close(fd);
    return -error;
  }
  return fd;
}

/// A connected socket, or minus the error number.
inline int connect_to(const net::ListenAddress& address) {
  int fd = -1;
  if (!address.path.empty()) {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    address.path.copy(where.sun_path, sizeof where.sun_path - 1);
    fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return finish_connect(fd, reinterpret_cast<sockaddr*>(&where), sizeof where);
  }
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(address.port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return finish_connect(fd, reinterpret_cast<sockaddr*>(&where), sizeof where);
}

}  // namespace ssm::test
