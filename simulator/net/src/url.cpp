#include "detail/text.hpp"
#include "ssm/net/error.hpp"
#include "ssm/net/http_client.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

namespace ssm::net {

namespace {

std::string_view default_port(std::string_view scheme) {
  return scheme == "https" || scheme == "wss" ? "443" : "80";
}

protocol::Error malformed(std::string_view text, std::string_view why) {
  // A URL may carry a token in its query: only what comes before it is shown.
  const std::string_view shown =
      text.substr(0, std::min(text.find_first_of("?#"), std::size_t{200}));
  std::string context(why);
  context.append(", in \"").append(shown).append("\"");
  return protocol::Error(make_error_code(Errc::malformed_url), 0, std::move(context));
}

bool valid_port(std::string_view port) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  return error == std::errc{} && end == port.data() + port.size();
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c != '\x7f'; });
}

}  // namespace

std::string Url::host_header() const {
  std::string text = host;
  if (host.find(':') != std::string::npos) {
    text.insert(text.begin(), '[');
    text.push_back(']');
  }
  return port == default_port(scheme) ? text : text + ":" + port;
}

// The path and query must reach the peer untouched, so this cuts and checks but never normalises.
//= TRANS-001
protocol::Result<Url> Url::parse(std::string_view text) {
  if (!printable(text)) {
    return malformed(text, "has a blank, control or non-ASCII character");
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    return malformed(text, "expected scheme://host[:port]/path");
  }
  Url url;
  std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
                 std::back_inserter(url.scheme), detail::to_lower);
  if (url.scheme != "http" && url.scheme != "https" && url.scheme != "ws" && url.scheme != "wss") {
    return protocol::Error(
        make_error_code(Errc::unsupported_scheme), 0,
        "expected http, https, ws or wss, got \"" + url.scheme.substr(0, 40) + "\"");
  }
  std::string_view rest = text.substr(colon + 3);
  const std::size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, authority_end);
  std::string_view target = rest.substr(authority_end);
  target = target.substr(0, target.find('#'));
  url.target = target;
  if (!target.starts_with('/')) {
    url.target.insert(url.target.begin(), '/');
  }

  if (authority.find('@') != std::string_view::npos) {
    return malformed(text.substr(0, colon), "a user name in the URL is not supported");
  }
  std::string_view host = authority;
  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) {
      return malformed(text, "the '[' of the IPv6 address is not closed");
    }
    host = authority.substr(1, bracket - 1);
    const std::string_view after = authority.substr(bracket + 1);
    if (!after.empty() && !after.starts_with(':')) {
      return malformed(text, "expected ':' after the IPv6 address");
    }
    has_port = !after.empty();
    port = has_port ? after.substr(1) : after;
  } else if (const std::size_t mark = authority.find(':'); mark != std::string_view::npos) {
    host = authority.substr(0, mark);
    port = authority.substr(mark + 1);
    has_port = true;
  }
  if (host.empty()) {
    return malformed(text, "the host is missing");
  }
  if (has_port && !port.empty() && !valid_port(port)) {
    return malformed(text, "the port is not a number from 0 to 65535");
  }
  url.host = host;
  url.port = port.empty() ? default_port(url.scheme) : port;
  return url;
}

}  // namespace ssm::net
