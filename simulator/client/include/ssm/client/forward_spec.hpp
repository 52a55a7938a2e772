#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ssm/net/stream_listener.hpp"

namespace ssm::client {

/// What `-L` asks for, in the words of OpenSSH:
///
///     [bind:]port:host:hostport      TCP port, on the loopback unless `bind` says otherwise
///     /path/to/socket:host:hostport  Unix socket (whatever has a slash in it)
///     [bind:]port, /path/to/socket   the session document says where to
///
/// `port` 0 picks a free one. An IPv6 address stands in brackets. `host` is the target itself when
/// it is empty or `localhost`.
struct ForwardSpec {
  net::ListenAddress local;
  std::string host;             ///< empty: the target itself
  std::uint16_t host_port = 0;  ///< 0: none was given

  [[nodiscard]] bool to_remote_host() const { return !host.empty(); }
  /// `localhost:80`, `db.internal:5432`, `the document's destination`.
  [[nodiscard]] std::string destination() const;
};

/// nullopt: `mistake` says what was expected.
[[nodiscard]] std::optional<ForwardSpec> parse_forward(std::string_view text, std::string& mistake);

}  // namespace ssm::client
