#pragma once

#include <boost/system/error_code.hpp>

#include <type_traits>

namespace ssm::net {

/// What this library finds wrong itself. Failures of the system (connection refused, address in
/// use, no such host) keep the system's or resolver's own code. The context of the `Error` says
/// what was tried, with which peer.
enum class Errc {
  /// The text is not an absolute URL. Correct it.
  malformed_url = 1,
  /// A URL scheme other than http, https, ws, wss, or one that does not fit the call.
  unsupported_scheme,
  /// https or wss: TLS is not built in yet. Use http or ws.
  tls_unavailable,
  /// The whole operation took longer than allowed. Try again, or allow more time.
  timed_out,
  /// The peer ended the connection before a whole answer had arrived. Try again.
  connection_closed,
  /// The answer is not HTTP; the context has the parser's reason.
  malformed_response,
  /// The answer is larger than the limit.
  response_too_large,
  /// The answer to a WebSocket upgrade was not 101; the context has its status and the start of its
  /// body.
  upgrade_refused,
  /// The answer was 101, but a header of the WebSocket handshake is missing or wrong.
  bad_handshake,
};

[[nodiscard]] const boost::system::error_category& net_category() noexcept;
[[nodiscard]] boost::system::error_code make_error_code(Errc errc) noexcept;

/// Whether the same call may succeed later without a change: refused, reset and unreachable
/// connections, time-outs, a resolver that says "try again". For codes of this library the same as
/// `code == protocol::Condition::retryable`.
[[nodiscard]] bool is_retryable(const boost::system::error_code& code) noexcept;

}  // namespace ssm::net

template <>
struct boost::system::is_error_code_enum<ssm::net::Errc> : std::true_type {};
