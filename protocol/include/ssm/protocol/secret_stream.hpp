#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ssm/protocol/bytes.hpp"

namespace ssm::protocol {

/// Secret random bytes from outside, fresh for each role: the core has no random source of its own,
/// and Random is not for secrets.
using SecretSeed = std::array<std::byte, 32>;

/// As many secret bytes as needed from one seed: SHA-256 of the seed and a block counter. Whoever
/// does not know the seed can neither predict the bytes nor tell the seed from them.
class SecretStream {
 public:
  explicit SecretStream(const SecretSeed& seed) : seed_(seed) {}

  void fill(MutableBytes out);

 private:
  SecretSeed seed_;
  std::uint64_t next_block_ = 0;
};

}  // namespace ssm::protocol
