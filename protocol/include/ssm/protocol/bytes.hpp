#pragma once

#include <bit>
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

namespace detail {

/// The same value with its bytes in the other order on a little-endian machine.
template <class Unsigned>
[[nodiscard]] constexpr Unsigned to_or_from_big_endian(Unsigned value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(Unsigned) == 1) {
    return value;
  } else if constexpr (sizeof(Unsigned) == 2) {
    return __builtin_bswap16(value);
  } else if constexpr (sizeof(Unsigned) == 4) {
    return __builtin_bswap32(value);
  } else {
    static_assert(sizeof(Unsigned) == 8);
    return __builtin_bswap64(value);
  }
}

}  // namespace detail

/// Reads a big-endian integer at `offset`; the caller has checked that it fits.
template <class Integer>
[[nodiscard]] Integer load_big_endian(Bytes bytes, std::size_t offset) {
  static_assert(std::is_integral_v<Integer>);
  SSM_ASSERT(offset <= bytes.size() && sizeof(Integer) <= bytes.size() - offset);
  std::make_unsigned_t<Integer> value = 0;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return static_cast<Integer>(detail::to_or_from_big_endian(value));
}

/// Writes a big-endian integer at `offset`; the caller has checked that it fits.
template <class Integer>
void store_big_endian(MutableBytes bytes, std::size_t offset, Integer value) {
  static_assert(std::is_integral_v<Integer>);
  SSM_ASSERT(offset <= bytes.size() && sizeof(Integer) <= bytes.size() - offset);
  const auto wire =
      detail::to_or_from_big_endian(static_cast<std::make_unsigned_t<Integer>>(value));
  std::memcpy(bytes.data() + offset, &wire, sizeof wire);
}

}  // namespace ssm::protocol
