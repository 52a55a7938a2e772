#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ssm/protocol/error.hpp"

namespace ssm::agent::detail {

/// `dial tcp 127.0.0.1:9: connect: connection refused`, as the reference's runtime writes it.
/// `error.context` is the address.
[[nodiscard]] std::string dial_error_text(const protocol::Error& error);

/// `lookup nx.invalid: no such host`; `error.context` is the host.
[[nodiscard]] std::string lookup_error_text(const protocol::Error& error);

/// A number, or the name of a TCP service (/etc/services). Error: the context has the runtime's
/// text, such as `dial tcp: address 65536: invalid port`.
[[nodiscard]] protocol::Result<std::uint16_t> parse_port(std::string_view text);

}  // namespace ssm::agent::detail
