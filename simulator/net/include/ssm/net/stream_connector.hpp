#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/net/event_loop.hpp"
#include "ssm/net/http_client.hpp"
#include "ssm/net/stream_socket.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::net {

/// Where to connect to: an IP address and port, or with `path` a Unix stream socket.
struct StreamAddress {
  std::string ip = {};  ///< numeric, IPv4 or IPv6; names go through resolve_host
  std::uint16_t port = 0;
  std::string path = {};

  /// `127.0.0.1:8080`, `[::1]:8080`, `/run/x.sock`.
  [[nodiscard]] std::string to_string() const;
};

/// Connects to the first of the addresses that takes the connection, one after the other; at most
/// `limit` altogether, if there is one. The error is that of the first address: the system's or
/// Errc::timed_out, with the address as its context. Without any address: Errc::malformed_url.
///
/// The callback comes later, never from inside the call; destroying the operation gives it up.
[[nodiscard]] PendingOperation connect_stream(
    EventLoop& loop, std::vector<StreamAddress> addresses, std::optional<Duration> limit,
    std::function<void(protocol::Result<StreamSocket>)> callback);

/// The numeric addresses of a host, in the resolver's order, each once; a numeric host is its own
/// address. Error: the resolver's, with the host as its context. As above otherwise.
[[nodiscard]] PendingOperation resolve_host(
    EventLoop& loop, std::string_view host,
    std::function<void(protocol::Result<std::vector<std::string>>)> callback);

/// The same IP address in its shortest spelling; an IPv4 address mapped into IPv6 as IPv4. nullopt
/// for other texts.
[[nodiscard]] std::optional<std::string> canonical_ip(std::string_view text);

}  // namespace ssm::net
