#include "ssm/protocol/smux_schedule.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace ssm::protocol {
namespace {

/// Streams that always want to send, and the order in which they do.
class Order {
 public:
  explicit Order(SmuxScheduling kind, bool by_bytes = false) : schedule_(kind, by_bytes) {}

  void want(std::uint32_t id) { schedule_.add(shares_[id], id); }
  void gone(std::uint32_t id) { schedule_.remove(shares_[id], id); }
  /// The next `frames` turns; a stream that has sent goes on wanting.
  std::string turns(int frames, std::size_t bytes = 1000) {
    std::string order;
    for (int i = 0; i < frames && !schedule_.empty(); ++i) {
      const std::uint32_t id = *schedule_.next();
      order += std::to_string(id);
      schedule_.served(shares_[id], bytes);
      want(id);
    }
    return order;
  }
  std::string once() {
    const std::uint32_t id = *schedule_.next();
    schedule_.served(shares_[id], 10);
    return std::to_string(id);
  }

 private:
  SmuxSchedule schedule_;
  std::map<std::uint32_t, SmuxSchedule::Share> shares_;
};

TEST(SmuxSchedule, gives_equal_turns_to_equal_streams) {
  for (const auto kind : {SmuxScheduling::fair, SmuxScheduling::least_sent}) {
    Order order(kind);
    order.want(3);
    order.want(5);
    order.want(7);
    EXPECT_EQ(order.turns(6), "357357");
  }
}

TEST(SmuxSchedule, lets_a_young_stream_overtake_until_it_has_sent_as_much) {
  Order order(SmuxScheduling::least_sent);
  order.want(3);
  EXPECT_EQ(order.turns(3), "333");
  order.want(5);
  EXPECT_EQ(order.turns(6), "555353");
}

TEST(SmuxSchedule, fairly_lets_a_young_stream_overtake_only_once) {
  Order order(SmuxScheduling::fair);
  order.want(3);
  EXPECT_EQ(order.turns(3), "333");
  order.want(5);
  EXPECT_EQ(order.turns(5), "53535");
}

TEST(SmuxSchedule, serves_an_idle_stream_before_a_busy_one_each_time) {
  Order order(SmuxScheduling::fair);
  order.want(3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(order.turns(4), "3333");
    order.want(5);
    EXPECT_EQ(order.once(), "5");
  }
}

TEST(SmuxSchedule, counts_bytes_where_told_to) {
  Order order(SmuxScheduling::least_sent, true);
  order.want(3);
  order.want(5);
  EXPECT_EQ(order.turns(1, 3000), "3");
  EXPECT_EQ(order.turns(3, 1000), "555");
}

TEST(SmuxSchedule, forgets_a_stream_that_is_gone) {
  Order order(SmuxScheduling::fair);
  order.want(3);
  order.want(5);
  order.gone(3);
  EXPECT_EQ(order.turns(2), "55");
}

}  // namespace
}  // namespace ssm::protocol
