#include "ssm/protocol/byte_queue.hpp"

#include <algorithm>
#include <cstring>

#include "ssm/protocol/assert.hpp"

namespace ssm::protocol {
namespace {

constexpr std::size_t block_size_min = 1024;
constexpr std::size_t block_size_max = std::size_t{64} * 1024;
constexpr std::size_t kept_block_size_max = 4096;

}  // namespace

void ByteQueue::add_block(std::size_t wanted) {
  const std::size_t capacity = std::clamp(std::max(wanted, size_), block_size_min, block_size_max);
  blocks_.push_back(
      {.data = std::make_unique_for_overwrite<std::byte[]>(capacity), .capacity = capacity});
}

void ByteQueue::append(Bytes bytes) {
  while (!bytes.empty()) {
    if (first_ == blocks_.size() || blocks_.back().end == blocks_.back().capacity) {
      add_block(bytes.size());
    }
    Block& block = blocks_.back();
    const std::size_t count = std::min(bytes.size(), block.capacity - block.end);
    std::memcpy(block.data.get() + block.end, bytes.data(), count);
    block.end += count;
    size_ += count;
    bytes = bytes.subspan(count);
  }
}

Bytes ByteQueue::front() const {
  if (size_ == 0) {
    return {};
  }
  const Block& block = blocks_[first_];
  return {block.data.get() + block.begin, block.end - block.begin};
}

void ByteQueue::drop_front() {
  Block& block = blocks_[first_];
  if (size_ == 0 && block.capacity <= kept_block_size_max) {
    block.begin = block.end = 0;
    return;
  }
  block = {};
  ++first_;
  if (first_ == blocks_.size()) {
    blocks_.clear();
    first_ = 0;
  } else if (first_ >= 16 && first_ * 2 >= blocks_.size()) {
    blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void ByteQueue::consume(std::size_t count) {
  SSM_ASSERT(count <= size_);
  while (count > 0) {
    Block& block = blocks_[first_];
    const std::size_t part = std::min(count, block.end - block.begin);
    block.begin += part;
    size_ -= part;
    count -= part;
    if (block.begin == block.end) {
      drop_front();
    }
  }
}

std::size_t ByteQueue::move_to(MutableBytes out) {
  std::size_t moved = 0;
  while (moved < out.size() && size_ > 0) {
    const Bytes part = front().first(std::min(front().size(), out.size() - moved));
    std::memcpy(out.data() + moved, part.data(), part.size());
    moved += part.size();
    consume(part.size());
  }
  return moved;
}

void ByteQueue::truncate(std::size_t count) {
  if (count == 0) {
    blocks_.clear();
    blocks_.shrink_to_fit();
    first_ = 0;
    size_ = 0;
    return;
  }
  while (size_ > count) {
    Block& block = blocks_.back();
    const std::size_t part = std::min(size_ - count, block.end - block.begin);
    block.end -= part;
    size_ -= part;
    if (block.begin == block.end) {
      blocks_.pop_back();
    }
  }
}

}  // namespace ssm::protocol
