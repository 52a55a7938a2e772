#include "ssm/protocol/utf8_boundary.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace ssm::protocol {
namespace {

constexpr std::size_t longest_character = 4;

constexpr bool in_range(std::byte byte, unsigned low, unsigned high) {
  const auto value = std::to_integer<unsigned>(byte);
  return low <= value && value <= high;
}

/// Length that a first byte announces; 0 if it can be none.
std::size_t announced_size(unsigned lead) {
  if (lead < 0x80) {
    return 1;
  }
  if (lead < 0xC2) {
    return 0;
  }
  if (lead < 0xE0) {
    return 2;
  }
  if (lead < 0xF0) {
    return 3;
  }
  return lead < 0xF5 ? 4 : 0;
}

/// Size of the character at the start of `bytes`, or 0 if there is none: the well-formed sequences
/// of the Unicode Standard, table 3-7 (no overlong forms, no surrogates, nothing above U+10FFFF),
/// which is also what Go's `utf8.DecodeRune` accepts.
std::size_t character_size(Bytes bytes) {
  const auto lead = std::to_integer<unsigned>(bytes[0]);
  const std::size_t size = announced_size(lead);
  if (size < 2 || size > bytes.size()) {
    return size == 1 ? 1 : 0;
  }
  const unsigned low = lead == 0xE0 ? 0xA0U : lead == 0xF0 ? 0x90U : 0x80U;
  const unsigned high = lead == 0xED ? 0x9FU : lead == 0xF4 ? 0x8FU : 0xBFU;
  if (!in_range(bytes[1], low, high)) {
    return 0;
  }
  const auto rest = bytes.subspan(2, size - 2);
  return std::ranges::all_of(rest, [](std::byte b) { return in_range(b, 0x80, 0xBF); }) ? size : 0;
}

/// ASCII bytes at the start of `bytes`, looked at eight at a time: most output is nothing else.
std::size_t ascii_run(Bytes bytes) {
  std::size_t run = 0;
  std::uint64_t eight = 0;
  while (bytes.size() - run >= sizeof eight) {
    std::memcpy(&eight, bytes.data() + run, sizeof eight);
    if ((eight & 0x8080'8080'8080'8080U) != 0) {
      break;
    }
    run += sizeof eight;
  }
  while (run < bytes.size() && bytes[run] < std::byte{0x80}) {
    ++run;
  }
  return run;
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
    const std::size_t ascii = ascii_run(left);
    const std::size_t size = ascii != 0 ? ascii : character_size(left);
    //= SHELL-016
    const bool damaged = damages_replacement_character_ && is_replacement_character(left);
    if (size != 0 && !damaged) {
      //= SHELL-013
      if (write != read) {
        std::memmove(out.data() + write, out.data() + read, size);
      }
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
