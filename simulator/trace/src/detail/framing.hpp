#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ssm/schema/v1/trace.pb.h"

namespace ssm::trace::detail {

/// The checksum field as it is written, always last: its tag (field 15, fixed 32 bits), then four
/// bytes, least significant first.
inline constexpr char checksum_tag = '\x7D';
inline constexpr std::size_t checksum_size = 5;
/// max_record_bytes fits in four groups of seven bits.
inline constexpr std::size_t max_length_size = 4;

/// Replaces `out` by the record with its length and checksum.
void frame_record(const schema::v1::TraceRecord& record, std::string& out);

/// The record in the bytes between two lengths, or nothing if they are damaged.
[[nodiscard]] std::optional<schema::v1::TraceRecord> parse_record(std::string_view bytes);

}  // namespace ssm::trace::detail
