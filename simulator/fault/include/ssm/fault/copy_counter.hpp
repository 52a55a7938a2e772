#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace ssm::fault {

/// Counts how often each number of a stream was seen. Numbers that come in order cost no memory;
/// only those seen twice, or ahead of others, do. Pure; not thread safe.
class CopyCounter {
 public:
  /// Numbers remembered one by one. Beyond, the smallest is forgotten: from then on it and all
  /// smaller ones count as seen once.
  static constexpr std::size_t max_remembered = std::size_t{1} << 16U;

  /// 1 for the first time.
  std::uint64_t count(std::int64_t number);
  /// For a message that has no number: how many of those there were.
  std::uint64_t count_unnumbered() { return ++unnumbered_; }

  [[nodiscard]] std::size_t remembered() const { return seen_.size(); }

 private:
  /// All numbers from 0 to below this were seen, once unless `seen_` says otherwise.
  std::int64_t frontier_ = 0;
  std::map<std::int64_t, std::uint64_t> seen_;
  std::uint64_t unnumbered_ = 0;
};

}  // namespace ssm::fault
