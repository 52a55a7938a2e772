#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ssmsim {

struct HexDump {
  std::vector<std::byte> bytes;
  /// Why there are none, with the line; empty on success.
  std::string problem;
};

/// Reads bytes from what people paste: bare digits with or without spaces, commas, colons and 0x,
/// and the output of xxd, `hexdump -C` and Wireshark, whose offsets and text columns are left out.
[[nodiscard]] HexDump parse_hex_dump(std::string_view text);

}  // namespace ssmsim
