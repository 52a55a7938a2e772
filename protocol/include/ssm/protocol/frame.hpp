#pragma once

#include <cstddef>

#include "ssm/protocol/bytes.hpp"

namespace ssm::protocol {

/// One owned, immutable message as it travels: the bytes of one WebSocket message.
///
/// A frame is encoded or received once and then shared without copying by the send window, the
/// socket's write queue, the relay and a recording; the last handle frees it. Copying a handle
/// costs one relaxed increment; there is one allocation per frame. Handles may be passed between
/// threads; one handle must not be used by two threads at once.
class Frame {
 public:
  /// The empty frame; owns nothing.
  Frame() = default;
  /// `size` uninitialised bytes, to be filled through `writable()` before the frame is shared.
  [[nodiscard]] static Frame with_size(std::size_t size);
  [[nodiscard]] static Frame copy_of(Bytes bytes);

  Frame(const Frame& other) noexcept;
  Frame(Frame&& other) noexcept : block_(other.block_) { other.block_ = nullptr; }
  Frame& operator=(Frame other) noexcept {
    swap(other);
    return *this;
  }
  ~Frame();

  void swap(Frame& other) noexcept {
    Block* mine = block_;
    block_ = other.block_;
    other.block_ = mine;
  }

  [[nodiscard]] Bytes bytes() const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool empty() const { return size() == 0; }
  /// Only while this is the only handle (asserted).
  [[nodiscard]] MutableBytes writable();
  /// Cuts the frame to its first `size` bytes; only while this is the only handle (asserted).
  void truncate(std::size_t size);

 private:
  struct Block;
  explicit Frame(Block* block) : block_(block) {}
  Block* block_ = nullptr;
};

/// A part of a frame that keeps the frame alive: a payload handed to the application.
class FrameSlice {
 public:
  FrameSlice() = default;
  /// `part` must lie inside `frame` (asserted).
  FrameSlice(Frame frame, Bytes part);

  [[nodiscard]] Bytes bytes() const { return part_; }

 private:
  Frame frame_;
  Bytes part_;
};

}  // namespace ssm::protocol
