#pragma once

#include <cstddef>

/// A program that links counting_allocator.cpp counts its calls of operator new and delete, of all
/// threads, and OpenSSL's allocations.
namespace ssm::test {

/// False if OpenSSL had allocated before the counting began; then its share is missing.
[[nodiscard]] bool openssl_is_counted();

[[nodiscard]] std::size_t allocations();
[[nodiscard]] std::size_t deallocations();

class AllocationCount {
 public:
  [[nodiscard]] std::size_t since_start() const { return allocations() - allocated_; }
  [[nodiscard]] std::size_t freed() const { return deallocations() - freed_; }

 private:
  std::size_t allocated_ = allocations();
  std::size_t freed_ = deallocations();
};

}  // namespace ssm::test
