#include "counting_allocator.hpp"

#include <openssl/crypto.h>

#include <atomic>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_THREAD__)
#define SSM_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SSM_THREAD_SANITIZER
#endif
#endif

namespace {

std::atomic<std::size_t> allocated{0};
std::atomic<std::size_t> released{0};

}  // namespace

#ifdef SSM_THREAD_SANITIZER

// The sanitizer's runtime defines operator new itself and offers hooks instead; they see malloc
// too, and so OpenSSL's share.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                             std::size_t),
                                                         void (*free_hook)(const volatile void*));

namespace {

void count_malloc(const volatile void* /*memory*/, std::size_t /*size*/) {
  allocated.fetch_add(1, std::memory_order_relaxed);
}
void count_free(const volatile void* memory) {
  released.fetch_add(memory == nullptr ? 0U : 1U, std::memory_order_relaxed);
}

const bool openssl_counted =
    __sanitizer_install_malloc_and_free_hooks(count_malloc, count_free) > 0;

}  // namespace

#else

namespace {

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

#endif

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
