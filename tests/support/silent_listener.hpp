#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace ssm::test {

/// A TCP port on loopback that never answers: its backlog is as small as it can be, and full, so
/// that the kernel drops whatever else comes.
class SilentListener {
 public:
  SilentListener() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_storage storage{};
    std::memcpy(&storage, &address, sizeof address);
    auto* const generic = reinterpret_cast<sockaddr*>(&storage);
    socklen_t size = sizeof address;
    ok_ = ::bind(listener_, generic, size) == 0 && ::listen(listener_, 0) == 0 &&
          ::getsockname(listener_, generic, &size) == 0;
    std::memcpy(&address, &storage, sizeof address);
    port_ = ntohs(address.sin_port);
    for (int& waiting : waiting_) {
      waiting = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      (void)::connect(waiting, generic, size);  // as many as it takes to fill the backlog
    }
  }
  ~SilentListener() {
    for (const int waiting : waiting_) {
      ::close(waiting);
    }
    ::close(listener_);
  }
  SilentListener(const SilentListener&) = delete;
  SilentListener& operator=(const SilentListener&) = delete;

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  int listener_ = -1;
  bool ok_ = false;
  std::uint16_t port_ = 0;
  std::array<int, 4> waiting_{};
};

}  // namespace ssm::test
