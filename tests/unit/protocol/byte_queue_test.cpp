#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ssm/protocol/byte_queue.hpp"
#include "ssm/protocol/random.hpp"

namespace ssm::protocol {
namespace {

std::string content(ByteQueue& queue) {
  std::string text;
  while (!queue.empty()) {
    text += as_text(queue.front());
    queue.consume(queue.front().size());
  }
  return text;
}

TEST(ByteQueue, gives_back_what_was_appended_in_order) {
  ByteQueue queue;
  queue.append(as_bytes("one "));
  queue.append(as_bytes("two"));
  EXPECT_EQ(queue.size(), 7U);
  EXPECT_EQ(content(queue), "one two");
}

TEST(ByteQueue, keeps_only_the_first_bytes_on_truncation) {
  ByteQueue queue;
  const std::string long_text(100'000, 'x');
  queue.append(as_bytes("start"));
  queue.append(as_bytes(long_text));
  queue.truncate(3);
  queue.append(as_bytes("!"));
  EXPECT_EQ(content(queue), "sta!");
}

TEST(ByteQueue, agrees_with_a_string_under_random_operations) {
  Random random(7);
  for (int round = 0; round < 50; ++round) {
    ByteQueue queue;
    std::string model;
    for (int step = 0; step < 300; ++step) {
      const std::uint64_t action = random.below(10);
      if (action < 5) {
        const std::string text(random.below(random.below(20) == 0 ? 100'000 : 700),
                               static_cast<char>('a' + random.below(26)));
        queue.append(as_bytes(text));
        model += text;
      } else if (action < 9) {
        std::vector<std::byte> out(random.below(3000));
        const std::size_t moved = queue.move_to(out);
        ASSERT_EQ(as_text(Bytes(out).first(moved)), model.substr(0, out.size()));
        model.erase(0, moved);
      } else if (random.below(10) == 0) {
        const std::size_t count = random.below(model.size() + 1);
        queue.truncate(count);
        model.resize(count);
      }
      ASSERT_EQ(queue.size(), model.size());
      ASSERT_EQ(queue.front().empty(), model.empty());
    }
    ASSERT_EQ(content(queue), model);
  }
}

}  // namespace
}  // namespace ssm::protocol
