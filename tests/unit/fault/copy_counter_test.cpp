#include "ssm/fault/copy_counter.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "ssm/protocol/random.hpp"

namespace ssm::fault {
namespace {

TEST(CopyCounter, numbers_in_order_cost_nothing) {
  CopyCounter counter;
  for (std::int64_t number = 0; number < 1000; ++number) {
    ASSERT_EQ(counter.count(number), 1U);
  }
  EXPECT_EQ(counter.remembered(), 0U);
}

TEST(CopyCounter, a_number_again_is_the_second_and_then_the_third) {
  CopyCounter counter;
  for (std::int64_t number = 0; number < 10; ++number) {
    (void)counter.count(number);
  }
  EXPECT_EQ(counter.count(7), 2U);
  EXPECT_EQ(counter.count(7), 3U);
  EXPECT_EQ(counter.count(10), 1U);
  EXPECT_EQ(counter.count(7), 4U);
}

TEST(CopyCounter, numbers_ahead_of_a_gap_are_forgotten_when_it_is_filled) {
  CopyCounter counter;
  EXPECT_EQ(counter.count(1), 1U);
  EXPECT_EQ(counter.count(2), 1U);
  EXPECT_EQ(counter.count(2), 2U);
  EXPECT_EQ(counter.remembered(), 2U);
  EXPECT_EQ(counter.count(0), 1U);
  EXPECT_EQ(counter.remembered(), 1U);
  EXPECT_EQ(counter.count(1), 2U);
  EXPECT_EQ(counter.count(2), 3U);
}

TEST(CopyCounter, counts_as_a_table_of_all_numbers_does) {
  protocol::Random random(1);
  CopyCounter counter;
  std::map<std::int64_t, std::uint64_t> table;
  std::int64_t base = 0;
  for (int i = 0; i < 20'000; ++i) {
    base += random.below(3) == 0 ? 1 : 0;
    const auto number = base + static_cast<std::int64_t>(random.below(40)) - 20;
    ASSERT_EQ(counter.count(number), ++table[number]) << "step " << i << " number " << number;
  }
}

TEST(CopyCounter, hostile_numbers_take_bounded_memory) {
  constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max();
  constexpr auto limit = static_cast<std::int64_t>(CopyCounter::max_remembered);
  CopyCounter counter;
  for (std::int64_t i = 0; i <= limit + 10; ++i) {
    (void)counter.count(last - i);
    ASSERT_LE(counter.remembered(), CopyCounter::max_remembered);
  }
  EXPECT_EQ(counter.count(last), 2U);
  EXPECT_EQ(counter.count(std::numeric_limits<std::int64_t>::min()), 1U);
  EXPECT_EQ(counter.count(5), 2U) << "below what is forgotten, a number counts as seen once";
}

}  // namespace
}  // namespace ssm::fault
