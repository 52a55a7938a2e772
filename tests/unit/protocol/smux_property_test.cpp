// Two sessions, wired to each other with random cuts, do random things: every byte arrives once and
// in order, and what each side ends, ends at the other.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "smux_fixture.hpp"
#include "ssm/protocol/random.hpp"

namespace ssm::protocol {
namespace {

using test::smux_rules_named;

std::uint64_t seed_from_environment() {
  const char* const text = std::getenv("SSM_SEED");  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? 20210611 : std::strtoull(text, nullptr, 10);
}

/// The bytes of one direction of one stream are a function of their place.
char byte_at(std::uint32_t stream_id, bool from_client, std::uint64_t place) {
  return static_cast<char>((place * 131 + stream_id * 7 + (from_client ? 1 : 0)) ^ (place >> 8));
}

struct Half {
  std::uint64_t written = 0;
  std::uint64_t read = 0;
  bool finished = false;
};

struct End {
  SmuxSession session;
  bool is_client;
  std::map<std::uint32_t, Half> streams;
  std::vector<std::byte> incoming;  ///< on the line, or not taken yet
};

class Pair {
 public:
  Pair(const SmuxRules& rules, std::uint64_t seed)
      : random_(seed),
        client_{SmuxSession(SmuxSide::client, rules, {}), true, {}, {}},
        server_{SmuxSession(SmuxSide::server, rules, {}), false, {}, {}} {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
      End& end = random_.below(2) == 0 ? client_ : server_;
      act(end);
      transfer(client_, server_, 1 + random_.below(5000));
      transfer(server_, client_, 1 + random_.below(5000));
    }
    settle();
  }

 private:
  void act(End& end) {
    if (&end == &client_ && random_.below(20) == 0 && client_.streams.size() < 40) {
      client_.streams[*client_.session.open()] = {};
    }
    while (const auto id = end.session.accept()) {
      end.streams[*id] = {};
    }
    if (end.streams.empty()) {
      return;
    }
    auto chosen = end.streams.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(random_.below(end.streams.size())));
    auto& [id, half] = *chosen;
    const std::uint64_t action = random_.below(20);
    if (action == 0 && half.written > 0) {
      end.session.finish(id);
      half.finished = true;
    } else if (action < 10 && !half.finished) {
      write(end, id, half, random_.below(random_.below(10) == 0 ? 40000 : 500));
    } else {
      read(end, id, half, random_.below(50000));
    }
  }
  void write(End& end, std::uint32_t id, Half& half, std::size_t count) {
    std::string text(count, '\0');
    for (std::size_t i = 0; i < count; ++i) {
      text[i] = byte_at(id, end.is_client, half.written + i);
    }
    half.written += end.session.write(id, as_bytes(text));
  }
  void read(End& end, std::uint32_t id, Half& half, std::size_t limit) {
    while (limit > 0 && !end.session.readable(id).empty()) {
      const Bytes all = end.session.readable(id);
      const Bytes part = all.first(std::min(limit, all.size()));
      for (const std::byte byte : part) {
        ASSERT_EQ(static_cast<char>(byte), byte_at(id, !end.is_client, half.read))
            << "stream " << id;
        ++half.read;
      }
      limit -= part.size();
      end.session.consume(id, part.size(), {});
    }
  }
  void transfer(End& from, End& to, std::size_t limit) {
    std::vector<std::byte> out(limit);
    const std::size_t count = from.session.poll_output(out);
    to.incoming.insert(to.incoming.end(), out.begin(),
                       out.begin() + static_cast<std::ptrdiff_t>(count));
    const std::size_t offered = random_.below(to.incoming.size() + 1);
    const std::size_t taken = to.session.receive(Bytes(to.incoming).first(offered), {});
    to.incoming.erase(to.incoming.begin(),
                      to.incoming.begin() + static_cast<std::ptrdiff_t>(taken));
    ASSERT_FALSE(to.session.ended());
  }
  /// Everything is ended and read; then nothing may be left.
  void settle() {
    for (int i = 0; i < 20000; ++i) {
      for (End* const end : {&client_, &server_}) {
        while (const auto id = end->session.accept()) {
          end->streams[*id] = {};
        }
        for (auto& [id, half] : end->streams) {
          end->session.finish(id);
          read(*end, id, half, SIZE_MAX);
        }
      }
      transfer(client_, server_, 5000);
      transfer(server_, client_, 5000);
      if (client_.session.streams() + server_.session.streams() == 0 && client_.incoming.empty() &&
          server_.incoming.empty()) {
        break;
      }
    }
    EXPECT_EQ(client_.session.streams(), 0U);
    EXPECT_EQ(server_.session.streams(), 0U);
    EXPECT_EQ(client_.session.unread() + server_.session.unread(), 0U);
    ASSERT_EQ(client_.streams.size(), server_.streams.size());
    for (const auto& [id, half] : client_.streams) {
      EXPECT_EQ(half.written, server_.streams[id].read) << "stream " << id;
      EXPECT_EQ(half.read, server_.streams[id].written) << "stream " << id;
    }
  }

  Random random_;
  End client_;
  End server_;
};

void run_pairs(const SmuxRules& rules) {
  const std::uint64_t seed = seed_from_environment();
  std::cout << "seed " << seed << '\n';
  for (std::uint64_t i = 0; i < 20; ++i) {
    Pair(rules, seed + i).run(400);
    if (testing::Test::HasFailure()) {
      std::cout << "reproduce: SSM_SEED=" << seed + i << " smux_tests --gtest_filter="
                << testing::UnitTest::GetInstance()->current_test_info()->test_suite_name() << '.'
                << testing::UnitTest::GetInstance()->current_test_info()->name() << '\n';
      return;
    }
  }
}

SmuxRules narrow(std::uint8_t version) {
  SmuxRules rules;
  rules.version = version;
  rules.receive_bytes = 100'000;
  rules.stream_receive_bytes = version == 1 ? 30'000 : 0;
  rules.stalled_reader_limit = {};
  rules.stream_window_bytes = 5000;
  rules.stream_send_bytes = 3000;
  rules.frame_bytes_max = 700;
  rules.accept_backlog = 2;
  rules.refuses_over_backlog = false;
  return rules;
}

TEST(SmuxProperty, every_byte_arrives_once_and_in_order) {
  run_pairs({});
}

TEST(SmuxProperty, every_byte_arrives_in_version_2) {
  SmuxRules rules;
  rules.version = 2;
  run_pairs(rules);
}

TEST(SmuxProperty, every_byte_arrives_under_narrow_limits) {
  run_pairs(narrow(1));
}

TEST(SmuxProperty, every_byte_arrives_in_version_2_under_narrow_limits) {
  run_pairs(narrow(2));
}

TEST(SmuxProperty, every_byte_arrives_with_the_scheduler_of_the_reference) {
  SmuxRules rules;
  rules.scheduling = SmuxScheduling::least_sent;
  run_pairs(rules);
}

}  // namespace
}  // namespace ssm::protocol
