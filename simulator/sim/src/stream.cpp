#include "ssm/sim/stream.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "ssm/protocol/random.hpp"

namespace ssm::sim {
namespace {

/// Prime, so that no chunk size meets the same place again soon.
constexpr std::size_t period = 65521;
constexpr std::uint64_t text_seed = 0x7373'6d73'696dU;
constexpr std::uint64_t first_printable = '!';
constexpr std::uint64_t printable_count = '~' - '!' + 1;

/// How many bytes are compared to find where a wrong piece belongs.
constexpr std::size_t fingerprint_bytes = 8;

using Table = std::array<std::byte, period>;

const Table& table() {
  static const Table filled = [] {
    Table bytes{};
    protocol::Random random(text_seed);
    for (std::byte& one : bytes) {
      one = static_cast<std::byte>(first_printable + random.below(printable_count));
    }
    return bytes;
  }();
  return filled;
}

}  // namespace

StreamText::StreamText(std::uint64_t key) : shift_(protocol::Random(key).below(period)) {}

protocol::Bytes StreamText::at(std::uint64_t offset, std::size_t max_bytes) const {
  const std::size_t place = (offset + shift_) % period;
  return protocol::Bytes(table()).subspan(place, std::min(max_bytes, period - place));
}

std::optional<std::string> StreamCheck::received(protocol::Bytes data) {
  if (failed_) {
    return std::nullopt;
  }
  protocol::Bytes rest = data;
  while (!rest.empty()) {
    const protocol::Bytes expected = text_.at(bytes_, rest.size());
    const auto wrong = std::mismatch(expected.begin(), expected.end(), rest.begin()).first;
    const auto right = static_cast<std::size_t>(wrong - expected.begin());
    bytes_ += right;
    rest = rest.subspan(right);
    if (wrong != expected.end()) {
      failed_ = true;
      return describe(rest);
    }
  }
  return std::nullopt;
}

std::string StreamCheck::describe(protocol::Bytes seen) const {
  std::string text = "expected the byte at offset " + std::to_string(bytes_);
  constexpr std::size_t size = fingerprint_bytes;
  if (seen.size() < size) {
    return text + ", seen other bytes, too few to tell where they belong";
  }
  for (std::uint64_t back = 1; back < period; ++back) {
    for (const bool before : {true, false}) {
      if (before && back > bytes_) {
        continue;
      }
      const std::uint64_t offset = before ? bytes_ - back : bytes_ + back;
      const protocol::Bytes there = text_.at(offset, size);
      if (there.size() == size && std::memcmp(there.data(), seen.data(), size) == 0) {
        return text + ", seen what belongs at " + std::to_string(offset) +
               (before ? ": delivered again or out of order" : ": something before it is missing");
      }
    }
  }
  return text + ", seen bytes that were not sent";
}

}  // namespace ssm::sim
