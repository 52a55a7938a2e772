#include "ssm/client/forward_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace ssm::client {
namespace {

constexpr std::string_view forms =
    "[bind:]port:host:hostport or /path/to/socket:host:hostport, an IPv6 address in brackets";

/// At colons that are not inside brackets; nullopt for a bracket without its other half.
std::optional<std::vector<std::string>> split(std::string_view text) {
  std::vector<std::string> parts(1);
  bool in_brackets = false;
  for (const char c : text) {
    if (c == '[' && !in_brackets && parts.back().empty()) {
      in_brackets = true;
    } else if (c == ']' && in_brackets) {
      in_brackets = false;
    } else if (c == ':' && !in_brackets) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return in_brackets ? std::nullopt : std::optional(parts);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && !text.empty()
             ? std::optional(port)
             : std::nullopt;
}

}  // namespace

std::string ForwardSpec::destination() const {
  if (host_port == 0) {
    return "the document's destination";
  }
  const bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("{}:{}", host.empty() ? "localhost" : (is_v6 ? "[" + host + "]" : host),
                     host_port);
}

std::optional<ForwardSpec> parse_forward(std::string_view text, std::string& mistake) {
  const auto fail = [&](std::string_view what) {
    mistake = fmt::format("-L '{}': {}; expected {}", text, what, forms);
    return std::nullopt;
  };
  const auto parts = split(text);
  if (!parts) {
    return fail("a bracket without its other half");
  }
  if (std::find(parts->begin() + 1, parts->end(), "socket") != parts->end()) {
    return fail("no session document leads to a Unix socket of the target");
  }
  ForwardSpec spec;
  std::size_t used = 1;
  const std::string& first = parts->front();
  if (first.find('/') != std::string::npos) {
    spec.local.path = first;
  } else {
    // With a bind address there is one part more.
    if (parts->size() == 2 || parts->size() == 4) {
      if (!first.empty() && first != "localhost") {
        spec.local.host = first == "*" ? "0.0.0.0" : first;
      }
      used = 2;
    }
    const auto port = parse_port((*parts)[used - 1]);
    if (!port) {
      return fail(fmt::format("'{}' is no port number from 0 to 65535", (*parts)[used - 1]));
    }
    spec.local.port = *port;
  }
  const std::size_t left = parts->size() - used;
  if (left == 0) {
    return spec;
  }
  if (left != 2) {
    return fail("wrong number of parts");
  }
  if ((*parts)[used] != "localhost") {
    spec.host = (*parts)[used];
  }
  const auto port = parse_port((*parts)[used + 1]);
  if (!port || *port == 0) {
    return fail(fmt::format("'{}' is no port number from 1 to 65535", (*parts)[used + 1]));
  }
  spec.host_port = *port;
  return spec;
}

}  // namespace ssm::client
