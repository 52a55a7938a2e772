#pragma once

#include <array>
#include <cstddef>

#include "ssm/protocol/bytes.hpp"

namespace ssm::protocol {

using Digest = std::array<std::byte, 32>;

/// SHA-256 through OpenSSL with one context per thread, fetched once: a call allocates nothing.
[[nodiscard]] Digest sha256(Bytes data);

}  // namespace ssm::protocol
