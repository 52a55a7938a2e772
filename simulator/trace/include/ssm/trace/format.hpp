#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ssm::trace {

/// A recording, see ssm/schema/v1/trace.proto:
///
///     0  8  "SSMTRACE"
///     8  .. records: length (varint), TraceRecord whose last field is its checksum
inline constexpr std::string_view magic = "SSMTRACE";
inline constexpr std::uint32_t format_version = 1;
/// Of one record without its length. A WebSocket message is smaller (1 MiB) unless configured.
inline constexpr std::size_t max_record_bytes = std::size_t{16} << 20U;

/// `<session id>.ssmtrace`, with every byte that could be more than a part of a file name
/// percent-encoded.
[[nodiscard]] std::string file_name(std::string_view session_id);

}  // namespace ssm::trace
