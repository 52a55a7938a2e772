#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"

namespace ssm::protocol {

/// Standard alphabet, padded (RFC 4648 section 4), as byte arrays are written in JSON payloads.
[[nodiscard]] std::string encode_base64(Bytes bytes);

/// Reads what Go's StdEncoding reads: padding is needed, newlines (CR, LF) are skipped, unused bits
/// of the last character may be set. Error: malformed_field.
[[nodiscard]] Result<std::vector<std::byte>> decode_base64(std::string_view text);

}  // namespace ssm::protocol
