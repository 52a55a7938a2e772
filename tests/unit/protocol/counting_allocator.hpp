#pragma once

#include <cstddef>

/// The program that includes this counts its calls of operator new and delete (all threads); the
/// definitions are in codec_test.cpp. What OpenSSL allocates is counted too.
namespace ssm::test {

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
