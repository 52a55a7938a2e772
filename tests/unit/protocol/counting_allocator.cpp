#include "counting_allocator.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> allocated{0};
std::atomic<std::size_t> released{0};

}  // namespace

void* operator new(std::size_t size) {
  allocated.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) {
    return memory;
  }
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  released.fetch_add(memory == nullptr ? 0U : 1U, std::memory_order_relaxed);
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  ::operator delete(memory);
}

namespace ssm::test {

std::size_t allocations() {
  return allocated.load(std::memory_order_relaxed);
}
std::size_t deallocations() {
  return released.load(std::memory_order_relaxed);
}

}  // namespace ssm::test
