#include "detail/dial_text.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "ssm/net/error.hpp"

namespace ssm::agent::detail {
namespace {

/// The system's messages begin with a capital here and not there.
std::string lower_first(std::string text) {
  if (!text.empty()) {
    text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  }
  return text;
}

protocol::Error port_error(std::string text) {
  return protocol::Error(protocol::Errc::malformed_field, 0, std::move(text));
}

}  // namespace

std::string dial_error_text(const protocol::Error& error) {
  if (error.code == net::Errc::timed_out) {
    return "dial tcp " + error.context + ": i/o timeout";
  }
  return "dial tcp " + error.context + ": connect: " + lower_first(error.code.message());
}

std::string lookup_error_text(const protocol::Error& error) {
  const std::string reason = lower_first(error.code.message()).starts_with("host not found")
                                 ? "no such host"
                                 : error.code.message();
  return "lookup " + error.context + ": " + reason;
}

protocol::Result<std::uint16_t> parse_port(std::string_view text) {
  const bool number = !text.empty() && std::all_of(text.begin(), text.end(),
                                                   [](char c) { return c >= '0' && c <= '9'; });
  if (number) {
    std::uint16_t port = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
    if (parsed.ec != std::errc{}) {
      return port_error("dial tcp: address " + std::string(text) + ": invalid port");
    }
    return port;
  }
  servent entry{};
  servent* found = nullptr;
  std::array<char, 1024> buffer{};
  if (::getservbyname_r(std::string(text).c_str(), "tcp", &entry, buffer.data(), buffer.size(),
                        &found) != 0 ||
      found == nullptr) {
    return port_error("dial tcp: lookup tcp/" + std::string(text) + ": unknown port");
  }
  return ntohs(static_cast<std::uint16_t>(found->s_port));
}

}  // namespace ssm::agent::detail
