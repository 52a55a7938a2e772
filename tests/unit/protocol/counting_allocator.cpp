#include "counting_allocator.hpp"

#include <openssl/crypto.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> allocated{0};
std::atomic<std::size_t> released{0};

void* counted_malloc(std::size_t size, const char* /*file*/, int /*line*/) {
  allocated.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size);
}
void* counted_realloc(void* memory, std::size_t size, const char* /*file*/, int /*line*/) {
  allocated.fetch_add(1, std::memory_order_relaxed);
  return std::realloc(memory, size);
}
void counted_free(void* memory, const char* /*file*/, int /*line*/) {
  std::free(memory);
}

// Only possible before OpenSSL's first allocation.
const bool openssl_counted =
    CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) == 1;

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

bool openssl_is_counted() {
  return openssl_counted;
}
std::size_t allocations() {
  return allocated.load(std::memory_order_relaxed);
}
std::size_t deallocations() {
  return released.load(std::memory_order_relaxed);
}

}  // namespace ssm::test
