#include "ssm/protocol/frame.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <new>
#include <utility>

namespace ssm::protocol {

//  one allocation:  | references | size | bytes ...
//                   0            8      16
struct Frame::Block {
  std::atomic<std::uint32_t> references{1};
  std::size_t size;

  explicit Block(std::size_t count) : size(count) {}
  [[nodiscard]] std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }
  [[nodiscard]] bool shared() const { return references.load(std::memory_order_acquire) != 1; }
};

Frame Frame::with_size(std::size_t size) {
  if (size == 0) {
    return {};
  }
  SSM_ASSERT(size <= SIZE_MAX - sizeof(Block));
  void* memory = ::operator new(sizeof(Block) + size);
  return Frame(::new (memory) Block(size));
}

Frame Frame::copy_of(Bytes bytes) {
  Frame frame = with_size(bytes.size());
  if (!bytes.empty()) {
    std::memcpy(frame.block_->data(), bytes.data(), bytes.size());
  }
  return frame;
}

Frame::Frame(const Frame& other) noexcept : block_(other.block_) {
  if (block_ != nullptr) {
    block_->references.fetch_add(1, std::memory_order_relaxed);
  }
}

Frame::~Frame() {
  // Release: what this handle's thread did happens before the memory goes; acquire: the thread
  // that frees it sees all of that.
  if (block_ != nullptr && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    block_->~Block();
    ::operator delete(block_);
  }
}

Bytes Frame::bytes() const {
  return block_ == nullptr ? Bytes{} : Bytes(block_->data(), block_->size);
}

std::size_t Frame::size() const {
  return block_ == nullptr ? 0 : block_->size;
}

MutableBytes Frame::writable() {
  if (block_ == nullptr) {
    return {};
  }
  SSM_ASSERT(!block_->shared());
  return {block_->data(), block_->size};
}

void Frame::truncate(std::size_t size) {
  SSM_ASSERT(size <= this->size());
  if (block_ == nullptr) {
    return;
  }
  SSM_ASSERT(!block_->shared());
  block_->size = size;
}

FrameSlice::FrameSlice(Frame frame, Bytes part) : frame_(std::move(frame)), part_(part) {
  const Bytes whole = frame_.bytes();
  // std::less gives a total order also for pointers into different objects.
  const std::less_equal<const std::byte*> not_after;
  SSM_ASSERT(part.empty() || (not_after(whole.data(), part.data()) &&
                              not_after(part.data() + part.size(), whole.data() + whole.size())));
}

}  // namespace ssm::protocol
