#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "ssm/protocol/bytes.hpp"

namespace ssm::protocol {

/// Bytes that wait, first in, first out. Owns copies, in blocks that grow with the content: memory
/// is at most twice the content and 1 KiB, plus 128 KiB, whatever the size of the pieces; an empty
/// queue keeps at most 4 KiB. Constant amortised cost per byte.
class ByteQueue {
 public:
  void append(Bytes bytes);
  /// The first bytes, as far as they lie together; empty only if the queue is. Valid until the next
  /// change.
  [[nodiscard]] Bytes front() const;
  /// Removes the first `count` bytes; asserts that there are so many.
  void consume(std::size_t count);
  /// Moves as many bytes as there are and fit to `out`; how many.
  std::size_t move_to(MutableBytes out);
  /// Keeps only the first `count` bytes.
  void truncate(std::size_t count);
  void clear() { truncate(0); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  struct Block {
    std::unique_ptr<std::byte[]> data;
    std::size_t capacity = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  void add_block(std::size_t wanted);
  void drop_front();

  std::vector<Block> blocks_;
  std::size_t first_ = 0;  ///< blocks before it are gone
  std::size_t size_ = 0;
};

}  // namespace ssm::protocol
