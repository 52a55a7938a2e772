#include "ssm/protocol/utf8_boundary.hpp"

#include <algorithm>
#include <cstdint>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {
namespace {

constexpr std::size_t longest_character = 4;

constexpr bool in_range(std::byte byte, unsigned low, unsigned high) {
  const auto value = std::to_integer<unsigned>(byte);
  return low <= value && value <= high;
}

/// Size of the character at the start of `bytes`, or 0 if there is none: the well-formed sequences
/// of the Unicode Standard, table 3-7 (no overlong forms, no surrogates, nothing above U+10FFFF),
/// which is also what Go's `utf8.DecodeRune` accepts.
std::size_t character_size(Bytes bytes) {
  const auto lead = std::to_integer<unsigned>(bytes[0]);
  if (lead < 0x80) {
    return 1;
  }
  const std::size_t size = lead < 0xC2   ? 0
                           : lead < 0xE0 ? 2
                           : lead < 0xF0 ? 3
                           : lead < 0xF5 ? 4
                                         : 0;
  if (size == 0 || size > bytes.size()) {
    return 0;
  }
  const unsigned low = lead == 0xE0 ? 0xA0U : lead == 0xF0 ? 0x90U : 0x80U;
  const unsigned high = lead == 0xED ? 0x9FU : lead == 0xF4 ? 0x8FU : 0xBFU;
  if (!in_range(bytes[1], low, high)) {
    return 0;
  }
  const auto rest = bytes.subspan(2, size - 2);
  return std::ranges::all_of(rest, [](std::byte b) { return in_range(b, 0x80, 0xBF); }) ? size : 0;
}

bool is_replacement_character(Bytes bytes) {
  return bytes.size() >= 3 && bytes[0] == std::byte{0xEF} && bytes[1] == std::byte{0xBF} &&
         bytes[2] == std::byte{0xBD};
}

}  // namespace

void Utf8Boundary::append(Bytes in, std::vector<std::byte>& out) {
  const std::size_t start = out.size();
  out.insert(out.end(), held_back_.begin(),
             held_back_.begin() + static_cast<std::ptrdiff_t>(held_back_size_));
  out.insert(out.end(), in.begin(), in.end());
  held_back_size_ = 0;

  // Reads ahead of where it writes: bytes only disappear.
  std::size_t read = start;
  std::size_t write = start;
  while (read < out.size()) {
    const Bytes left = Bytes(out).subspan(read);
    const std::size_t size = character_size(left);
    //= SHELL-016
    const bool damaged = damages_replacement_character_ && is_replacement_character(left);
    if (size != 0 && !damaged) {
      //= SHELL-013
      std::copy_n(left.begin(), write == read ? 0 : size, MutableBytes(out).subspan(write).begin());
      read += size;
      write += size;
      continue;
    }
    //= SHELL-015
    if (left.size() < longest_character) {
      std::ranges::copy(left, held_back_.begin());
      held_back_size_ = left.size();
      break;
    }
    //= SHELL-014
    out[write] = left[0];
    ++write;
    read += damaged ? size : 1;
  }
  out.resize(write);
}

void Utf8Boundary::flush(std::vector<std::byte>& out) {
  if (!damages_replacement_character_) {
    out.insert(out.end(), held_back_.begin(),
               held_back_.begin() + static_cast<std::ptrdiff_t>(held_back_size_));
  }
  held_back_size_ = 0;
}

}  // namespace ssm::protocol
