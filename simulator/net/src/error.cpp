#include "ssm/net/error.hpp"

#include "ssm/protocol/error.hpp"

#include <boost/asio/error.hpp>

#include <string>

namespace ssm::net {

namespace {

// Boost.System categories have no virtual destructor on purpose: they are never deleted.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "ssm.net"; }

  std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::malformed_url:
        return "malformed URL";
      case Errc::unsupported_scheme:
        return "URL scheme not supported here";
      case Errc::tls_unavailable:
        return "TLS is not built in yet";
      case Errc::timed_out:
        return "timed out";
      case Errc::connection_closed:
        return "connection closed before the answer was complete";
      case Errc::malformed_response:
        return "malformed HTTP response";
      case Errc::response_too_large:
        return "response too large";
      case Errc::upgrade_refused:
        return "WebSocket upgrade refused";
      case Errc::bad_handshake:
        return "bad WebSocket handshake";
    }
    return "unknown error";
  }

  boost::system::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<Errc>(value)) {
      case Errc::timed_out:
      case Errc::connection_closed:
        return protocol::make_error_condition(protocol::Condition::retryable);
      case Errc::malformed_url:
      case Errc::malformed_response:
        return protocol::make_error_condition(protocol::Condition::malformed);
      case Errc::response_too_large:
      case Errc::bad_handshake:
        return protocol::make_error_condition(protocol::Condition::protocol_violation);
      case Errc::unsupported_scheme:
      case Errc::tls_unavailable:
      case Errc::upgrade_refused:
        break;
    }
    return {value, *this};
  }
};

#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& net_category() noexcept {
  static const Category category;
  return category;
}

boost::system::error_code make_error_code(Errc errc) noexcept {
  return {static_cast<int>(errc), net_category()};
}

bool is_retryable(const boost::system::error_code& code) noexcept {
  namespace errc = boost::system::errc;
  return code == protocol::Condition::retryable || code == errc::connection_refused ||
         code == errc::connection_reset || code == errc::connection_aborted ||
         code == errc::broken_pipe || code == errc::timed_out || code == errc::host_unreachable ||
         code == errc::network_unreachable || code == errc::network_down ||
         code == boost::asio::error::host_not_found_try_again;
}

}  // namespace ssm::net
