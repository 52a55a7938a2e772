#pragma once

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/system/error_code.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ssm/net/descriptor.hpp"
#include "ssm/protocol/bytes.hpp"

namespace ssm::net {

/// A connected loopback socket, or -1.
inline int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(fd);
    return -1;
  }
  return fd;
}

/// A peer that speaks bytes: sends what a test says and keeps what comes back.
class RawPeer {
 public:
  /// `check` is called after each event.
  RawPeer(EventLoop& loop, int fd, std::function<void()> check)
      : check_(std::move(check)), descriptor_(std::in_place, loop, fd) {
    descriptor_->start_reading(
        65536,
        [this](protocol::Bytes bytes) {
          received += protocol::as_text(bytes);
          check_();
        },
        [this](boost::system::error_code error) {
          end = error;
          check_();
        });
  }

  void send(std::string_view text) { descriptor_->write(protocol::as_bytes(text)); }
  void pause() { descriptor_->pause(); }
  void resume() { descriptor_->resume(); }
  void finish_sending() { ::shutdown(descriptor_->fd(), SHUT_WR); }
  void close() { descriptor_.reset(); }
  void reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_->fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    descriptor_.reset();
  }

  [[nodiscard]] bool has(std::string_view text) const {
    return received.find(text) != std::string::npos;
  }
  /// Takes the part up to and including `mark`.
  std::string take_until(std::string_view mark) {
    const std::size_t at = received.find(mark);
    if (at == std::string::npos) {
      ADD_FAILURE() << "expected " << mark << " in: " << received;
      return {};
    }
    std::string part = received.substr(0, at + mark.size());
    received.erase(0, part.size());
    return part;
  }

  std::string received;
  /// Set at the peer's end: no error for FIN.
  std::optional<boost::system::error_code> end;

 private:
  std::function<void()> check_;
  std::optional<Descriptor> descriptor_;
};

/// A listening loopback socket for tests of the client side.
class RawListener {
 public:
  RawListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(fd_, 16), 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~RawListener() { ::close(fd_); }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  /// Waits for a connection that has been or is being made.
  [[nodiscard]] int accept() const { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(std::string_view scheme, std::string_view target) const {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port_) + std::string(target);
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

// --- WebSocket frames by hand

struct RawFrame {
  unsigned opcode = 2;
  std::string payload{};
  bool final = true;
  bool masked = true;
  unsigned reserved = 0;
  /// Claims this length instead of the payload's.
  std::optional<std::uint64_t> length{};

  [[nodiscard]] std::string bytes() const {
    const std::uint64_t size = length.value_or(payload.size());
    std::string out;
    out.push_back(static_cast<char>((final ? 0x80U : 0U) | (reserved << 4U) | opcode));
    const unsigned mask_bit = masked ? 0x80U : 0U;
    const auto append_length = [&](unsigned marker, int count) {
      out.push_back(static_cast<char>(marker | mask_bit));
      for (int i = count; i-- > 0;) {
        out.push_back(static_cast<char>((size >> (8U * static_cast<unsigned>(i))) & 0xFFU));
      }
    };
    if (size < 126) {
      append_length(static_cast<unsigned>(size), 0);
    } else if (size <= 0xFFFF) {
      append_length(126, 2);
    } else {
      append_length(127, 8);
    }
    const std::string key = "\x12\x34\x56\x78";
    if (masked) {
      out += key;
    }
    for (std::size_t i = 0; i < payload.size(); ++i) {
      out.push_back(masked ? static_cast<char>(payload[i] ^ key[i % key.size()]) : payload[i]);
    }
    return out;
  }
};

inline std::string close_bytes(std::uint16_t code, std::string_view reason = {}) {
  std::string out;
  out.push_back(static_cast<char>(code >> 8U));
  out.push_back(static_cast<char>(code & 0xFFU));
  return out + std::string(reason);
}

/// What a server sends: not masked.
inline std::string server_frame(unsigned opcode, std::string payload) {
  return RawFrame{.opcode = opcode, .payload = std::move(payload), .masked = false}.bytes();
}

/// Sec-WebSocket-Accept for a key (RFC 6455 section 1.3).
inline std::string accept_value(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EXPECT_EQ(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr), 1);
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> encoded{};
  const int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
  return {encoded.begin(), encoded.begin() + length};
}

inline constexpr std::string_view upgrade_request =
    "GET /v1/data-channel/s-1?role=x%20y HTTP/1.1\r\n"
    "Host: 127.0.0.1\r\n"
    "Upgrade: websocket\r\n"
    "Connection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n";

}  // namespace ssm::net
