#include "ssm/protocol/random.hpp"

#include <bit>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {
namespace {

// splitmix64, as its author publishes it: turns any seed, 0 included, into a usable state.
std::uint64_t split_mix(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

}  // namespace

Random::Random(std::uint64_t seed) : state_{} {
  for (std::uint64_t& word : state_) {
    word = split_mix(seed);
  }
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5U, 7) * 9U;
  const std::uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
  SSM_ASSERT(bound != 0);
  // Values under 2^64 mod bound would make some results likelier than others.
  const std::uint64_t rejected = (0U - bound) % bound;
  for (;;) {
    const std::uint64_t value = next();
    if (value >= rejected) {
      return value % bound;
    }
  }
}

}  // namespace ssm::protocol
