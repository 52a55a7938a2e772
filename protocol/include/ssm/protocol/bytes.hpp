#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

[[nodiscard]] inline Bytes as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads a big-endian integer at `offset`; the caller has checked that it fits.
template <class Integer>
[[nodiscard]] Integer load_big_endian(Bytes bytes, std::size_t offset) {
  static_assert(std::is_integral_v<Integer>);
  SSM_ASSERT(offset + sizeof(Integer) <= bytes.size());
  std::make_unsigned_t<Integer> value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    value = static_cast<decltype(value)>((value << 8U) |
                                         std::to_integer<std::uint8_t>(bytes[offset + i]));
  }
  return static_cast<Integer>(value);
}

/// Writes a big-endian integer at `offset`; the caller has checked that it fits.
template <class Integer>
void store_big_endian(MutableBytes bytes, std::size_t offset, Integer value) {
  static_assert(std::is_integral_v<Integer>);
  SSM_ASSERT(offset + sizeof(Integer) <= bytes.size());
  auto rest = static_cast<std::make_unsigned_t<Integer>>(value);
  for (std::size_t i = sizeof(Integer); i-- > 0;) {
    bytes[offset + i] = static_cast<std::byte>(rest & 0xFFU);
    rest = static_cast<decltype(rest)>(rest >> 8U);
  }
}

}  // namespace ssm::protocol
