#pragma once

#include <array>
#include <cstddef>

#include "ssm/protocol/bytes.hpp"

namespace ssm::protocol {

using Digest = std::array<std::byte, 32>;

/// SHA-256 through OpenSSL. Allocates nothing and keeps no state between calls.
[[nodiscard]] Digest sha256(Bytes data);

}  // namespace ssm::protocol
