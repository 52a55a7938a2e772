#include "detail/draw.hpp"

#include "ssm/protocol/assert.hpp"

namespace ssm::fault::detail {
namespace {

/// One step of splitmix64: every bit of `value` reaches every bit of the result.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31U);
}

}  // namespace

std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xCBF29CE484222325U;
  for (const char character : text) {
    value = (value ^ static_cast<unsigned char>(character)) * 0x100000001B3U;
  }
  return value;
}

std::uint64_t draw_bits(std::uint64_t seed, std::initializer_list<std::uint64_t> parts) {
  std::uint64_t bits = mix(seed);
  for (const std::uint64_t part : parts) {
    bits = mix(bits ^ part);
  }
  return bits;
}

double unit_interval(std::uint64_t bits) {
  return static_cast<double>(bits >> 11U) * 0x1.0p-53;
}

Duration draw_delay(const Delay& delay, std::uint64_t bits) {
  SSM_ASSERT(Duration::zero() <= delay.min && delay.min <= delay.max);
  // Whole nanoseconds: the remainder's bias is one in 10^6 for a delay of an hour.
  const auto span = static_cast<std::uint64_t>((delay.max - delay.min).count()) + 1;
  return delay.min + Duration(static_cast<Duration::rep>(bits % span));
}

}  // namespace ssm::fault::detail
