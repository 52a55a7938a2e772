#include "ssm/protocol/secret_stream.hpp"

#include <algorithm>

#include "ssm/protocol/sha256.hpp"

namespace ssm::protocol {

void SecretStream::fill(MutableBytes out) {
  std::array<std::byte, sizeof(SecretSeed) + sizeof next_block_> input{};
  std::copy(seed_.begin(), seed_.end(), input.begin());
  while (!out.empty()) {
    store_big_endian(MutableBytes(input), seed_.size(), next_block_++);
    const Digest block = sha256(input);
    const std::size_t count = std::min(out.size(), block.size());
    std::copy_n(block.begin(), count, out.begin());
    out = out.subspan(count);
  }
}

}  // namespace ssm::protocol
