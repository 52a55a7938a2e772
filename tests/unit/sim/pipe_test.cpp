#include "ssm/sim/pipe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

Packet packet(std::string text) {
  return {.kind = Packet::Kind::text, .text = std::move(text)};
}

/// A pipe whose arrivals are noted, and what is around it.
struct PipeOf : testing::Test {
  struct Arrival {
    std::string text;
    Duration at;
    friend bool operator==(const Arrival&, const Arrival&) = default;
  };

  Scheduler scheduler;
  std::vector<Arrival> arrivals;
  int rooms = 0;
  std::function<void()> on_arrival = [] {};

  Pipe make(LinkRules rules, std::uint64_t seed = 1) {
    return {scheduler, rules, seed,
            [this](Packet one) {
              arrivals.push_back({one.text, scheduler.elapsed()});
              on_arrival();
            },
            [this] { ++rooms; }};
  }
  void run(Duration until) {
    while (scheduler.step(scheduler.start() + until)) {
    }
  }
  [[nodiscard]] std::string order() const {
    std::string texts;
    for (const Arrival& one : arrivals) {
      texts += one.text;
    }
    return texts;
  }
};

/// Bytes of `packet` without a text.
std::size_t empty_size() {
  return Packet{}.size();
}

TEST_F(PipeOf, a_packet_arrives_after_the_latency) {
  Pipe pipe = make({.latency = 30ms});
  pipe.send(packet("a"));
  run(29ms);
  EXPECT_THAT(arrivals, IsEmpty());
  run(1s);
  EXPECT_THAT(arrivals, ElementsAre(Arrival{"a", 30ms}));
}

TEST_F(PipeOf, packets_of_one_instant_arrive_in_order) {
  Pipe pipe = make({.latency = 30ms});
  pipe.send(packet("a"));
  pipe.send(packet("b"));
  pipe.send(packet("c"));
  run(1s);
  EXPECT_EQ(order(), "abc");
}

TEST_F(PipeOf, a_packet_takes_its_bytes_over_the_bandwidth) {
  // 1000 bytes a second, a packet of 100 bytes: a tenth of a second each, one behind the other.
  Pipe pipe = make({.latency = 10ms, .bytes_per_second = 1000});
  const std::string text(100 - empty_size(), 'x');
  pipe.send(packet(text));
  pipe.send(packet(text));
  run(1s);
  EXPECT_THAT(arrivals, ElementsAre(Arrival{text, 110ms}, Arrival{text, 210ms}));
}

TEST_F(PipeOf, an_idle_line_saves_nothing_up) {
  Pipe pipe = make({.latency = 10ms, .bytes_per_second = 1000});
  const std::string text(100 - empty_size(), 'x');
  run(5s);
  pipe.send(packet(text));
  run(10s);
  EXPECT_THAT(arrivals, ElementsAre(Arrival{text, 5110ms}));
}

TEST_F(PipeOf, jitter_delays_within_its_bounds_and_keeps_the_order) {
  Pipe pipe = make({.latency = 10ms, .jitter = 40ms});
  std::string sent;
  for (char c = 'a'; c <= 'z'; ++c) {
    sent += c;
    pipe.send(packet(std::string(1, c)));
  }
  run(1s);
  EXPECT_EQ(order(), sent);
  EXPECT_GE(arrivals.front().at, 10ms);
  EXPECT_LE(arrivals.back().at, 50ms);
  EXPECT_GT(arrivals.back().at, arrivals.front().at);
}

TEST_F(PipeOf, one_seed_jitters_alike_and_two_differ) {
  const auto times = [this](std::uint64_t seed) {
    arrivals.clear();
    Pipe pipe = make({.latency = 10ms, .jitter = 40ms}, seed);
    const Duration sent = scheduler.elapsed();
    pipe.send(packet("a"));
    run(sent + 1s);
    return arrivals.front().at - sent;
  };
  const Duration first = times(1);
  EXPECT_EQ(times(1), first);
  EXPECT_NE(times(2), first);
}

TEST_F(PipeOf, a_full_buffer_is_not_writable_and_tells_when_it_is_again) {
  Pipe pipe = make({.latency = 10ms, .buffer_bytes = 3 * empty_size()});
  for (int count = 0; count < 3; ++count) {
    EXPECT_TRUE(pipe.writable());
    pipe.send(packet(""));
  }
  EXPECT_FALSE(pipe.writable());
  EXPECT_EQ(pipe.waiting_bytes(), 3 * empty_size());
  EXPECT_EQ(rooms, 0);
  run(1s);
  EXPECT_TRUE(pipe.writable());
  EXPECT_EQ(pipe.waiting_bytes(), 0U);
  EXPECT_EQ(rooms, 1);
}

TEST_F(PipeOf, a_buffer_that_never_filled_tells_nothing) {
  Pipe pipe = make({.latency = 10ms});
  pipe.send(packet("a"));
  run(1s);
  EXPECT_EQ(rooms, 0);
}

TEST_F(PipeOf, a_full_buffer_still_takes_what_cannot_wait) {
  Pipe pipe = make({.latency = 10ms, .buffer_bytes = 1});
  pipe.send(packet("a"));
  pipe.send(packet("b"));
  run(1s);
  EXPECT_EQ(order(), "ab");
}

TEST_F(PipeOf, a_stalled_path_delivers_nothing_and_loses_nothing) {
  Pipe pipe = make({.latency = 10ms});
  pipe.send(packet("a"));
  pipe.set_stalled(true);
  pipe.send(packet("b"));
  run(1h);
  EXPECT_THAT(arrivals, IsEmpty());
  EXPECT_TRUE(pipe.stalled());
  pipe.set_stalled(false);
  run(2h);
  EXPECT_THAT(arrivals, ElementsAre(Arrival{"a", 1h + 10ms}, Arrival{"b", 1h + 10ms}));
}

TEST_F(PipeOf, what_is_sent_after_a_release_does_not_overtake) {
  Pipe pipe = make({.latency = 10ms});
  pipe.set_stalled(true);
  pipe.send(packet("a"));
  run(1s);
  pipe.set_stalled(false);
  pipe.send(packet("b"));
  run(2s);
  EXPECT_EQ(order(), "ab");
}

TEST_F(PipeOf, a_release_does_not_hurry_what_is_still_on_its_way) {
  Pipe pipe = make({.latency = 100ms});
  pipe.send(packet("a"));
  pipe.set_stalled(true);
  pipe.set_stalled(false);
  run(1s);
  EXPECT_THAT(arrivals, ElementsAre(Arrival{"a", 100ms}));
}

TEST_F(PipeOf, a_reader_that_stopped_gets_everything_when_it_reads_again) {
  Pipe pipe = make({.latency = 10ms});
  pipe.set_reading(false);
  pipe.send(packet("a"));
  pipe.send(packet("b"));
  run(1s);
  EXPECT_THAT(arrivals, IsEmpty());
  EXPECT_EQ(pipe.waiting_bytes(), 2 * empty_size() + 2);
  pipe.set_reading(true);
  run(2s);
  // It lies at the receiver already.
  EXPECT_THAT(arrivals, ElementsAre(Arrival{"a", 1s}, Arrival{"b", 1s}));
}

TEST_F(PipeOf, a_reader_may_stop_between_two_packets_that_are_due) {
  Pipe pipe = make({.latency = 10ms});
  pipe.send(packet("a"));
  pipe.send(packet("b"));
  on_arrival = [&] { pipe.set_reading(false); };
  run(1s);
  EXPECT_EQ(order(), "a");
  pipe.set_reading(true);
  run(2s);
  EXPECT_EQ(order(), "ab");
}

TEST_F(PipeOf, a_path_may_stall_between_two_packets_that_are_due) {
  Pipe pipe = make({.latency = 10ms});
  pipe.send(packet("a"));
  pipe.send(packet("b"));
  on_arrival = [&] { pipe.set_stalled(true); };
  run(1s);
  EXPECT_EQ(order(), "a");
}

TEST_F(PipeOf, a_cut_drops_what_is_on_its_way_and_what_comes_later) {
  Pipe pipe = make({.latency = 10ms});
  pipe.send(packet("a"));
  pipe.cut();
  pipe.send(packet("b"));
  run(1s);
  EXPECT_THAT(arrivals, IsEmpty());
  EXPECT_EQ(pipe.waiting_bytes(), 0U);
}

TEST_F(PipeOf, a_cut_inside_a_delivery_ends_it) {
  Pipe pipe = make({.latency = 10ms, .buffer_bytes = 1});
  pipe.send(packet("a"));
  pipe.send(packet("b"));
  on_arrival = [&] { pipe.cut(); };
  run(1s);
  EXPECT_EQ(order(), "a");
  EXPECT_EQ(rooms, 0);
}

TEST_F(PipeOf, a_packet_counts_its_content_and_its_headers) {
  const std::string text = "reason";
  const Packet one{.frame = protocol::Frame::with_size(1000), .text = text};
  EXPECT_EQ(one.size(), empty_size() + 1000 + text.size());
  EXPECT_GT(empty_size(), 0U);
}

}  // namespace
}  // namespace ssm::sim
