// Cost of one window operation with 10 and with 100,000 messages in flight: it must be the same.
//
//     window_growth [LIMIT]    exits 1 if an operation grows by more than LIMIT (default 4), or, if
//                              it has to search, by more than five times that
//
// The two are measured over the same total of messages, as 10,000 windows of 10 and as one of
// 100,000, so that both touch the same amount of memory and what is left of a ratio is the
// algorithm, not the cache. The best of several rounds counts, taken in turns. The limit is above 1
// because a cache miss costs more in a tree or a deque of 100,000 than in one of 10 that comes in
// with its first line, and because other programs disturb.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/receive_window.hpp"
#include "ssm/protocol/send_window.hpp"

namespace {

using ssm::protocol::Frame;
using ssm::protocol::Instant;
using ssm::protocol::ReceiveRules;
using ssm::protocol::ReceiveWindow;
using ssm::protocol::SendRules;
using ssm::protocol::SendWindow;

constexpr std::int64_t total = 100'000;
constexpr std::int64_t few = 10;

const Frame& shared_frame() {
  static const Frame frame = Frame::with_size(1024);
  return frame;
}

/// Keeps a result that nobody reads.
std::int64_t sink = 0;

struct Senders {
  explicit Senders(std::int64_t in_flight, bool full = true) : count(in_flight) {
    SendRules rules = ssm::protocol::find_agent_profile("strict")->channel.send;
    rules.buffer_messages = static_cast<std::size_t>(in_flight);
    windows.assign(static_cast<std::size_t>(total / in_flight), SendWindow(rules));
    for (SendWindow& window : windows) {
      for (std::int64_t i = 0; full && i < in_flight; ++i) {
        window.add(shared_frame(), Instant{}, true);
      }
    }
  }
  std::int64_t count;
  std::vector<SendWindow> windows;
};
struct Receivers {
  /// Expects 0 and holds 1 to in_flight, if `full`.
  explicit Receivers(std::int64_t in_flight, bool full = false) : count(in_flight) {
    ReceiveRules rules = ssm::protocol::find_agent_profile("strict")->channel.receive;
    rules.buffer_messages = static_cast<std::size_t>(in_flight);
    rules.buffer_bytes = 0;
    windows.assign(static_cast<std::size_t>(total / in_flight), ReceiveWindow(rules));
    for (ReceiveWindow& window : windows) {
      for (std::int64_t i = 1; full && i <= in_flight; ++i) {
        window.offer(i, shared_frame());
      }
    }
  }
  std::int64_t count;
  std::vector<ReceiveWindow> windows;
};

/// Seconds that `operate(window, i)` takes for each window and each i in [0, count).
template <class Windows, class Operate>
double seconds(Windows windows, Operate operate) {
  const auto start = std::chrono::steady_clock::now();
  for (auto& window : windows.windows) {
    for (std::int64_t i = 0; i < windows.count; ++i) {
      operate(window, i, windows.count);
    }
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

constexpr Instant later(std::int64_t seconds) {
  return Instant(std::chrono::seconds(seconds));
}

// ---- operations ---------------------------------------------------------------------------------

double add(std::int64_t n) {
  return seconds(Senders(n, false), [](SendWindow& window, std::int64_t, std::int64_t) {
    window.add(shared_frame(), Instant{}, true);
  });
}
double acknowledge_in_order(std::int64_t n) {
  return seconds(Senders(n), [](SendWindow& window, std::int64_t i, std::int64_t) {
    window.acknowledge(i, Instant{});
  });
}
double acknowledge_reversed(std::int64_t n) {
  return seconds(Senders(n), [](SendWindow& window, std::int64_t i, std::int64_t count) {
    window.acknowledge(count - 1 - i, Instant{});
  });
}
double acknowledge_unknown(std::int64_t n) {
  return seconds(Senders(n), [](SendWindow& window, std::int64_t i, std::int64_t count) {
    window.acknowledge(count + i, Instant{});
  });
}
double look_for_a_resend(std::int64_t n) {
  return seconds(Senders(n), [](SendWindow& window, std::int64_t, std::int64_t) {
    sink += window.resend_due(Instant{}).has_value() ? 1 : 0;
  });
}
double resend_the_oldest(std::int64_t n) {
  return seconds(Senders(n), [](SendWindow& window, std::int64_t i, std::int64_t) {
    sink += window.resend_due(later(i + 1)).has_value() ? 1 : 0;
  });
}
double resend_all_on_resume(std::int64_t n) {
  return seconds(Senders(n), [](SendWindow& window, std::int64_t i, std::int64_t) {
    if (i == 0) {
      window.on_resume(later(1));
    }
    sink += window.resend_due(later(1)).has_value() ? 1 : 0;
  });
}
double offer_in_order(std::int64_t n) {
  return seconds(Receivers(n), [](ReceiveWindow& window, std::int64_t i, std::int64_t) {
    window.offer(i, shared_frame());
    window.advance();
  });
}
double offer_behind_a_gap(std::int64_t n) {
  return seconds(Receivers(n), [](ReceiveWindow& window, std::int64_t i, std::int64_t) {
    window.offer(i + 1, shared_frame());
  });
}
double offer_reversed(std::int64_t n) {
  return seconds(Receivers(n), [](ReceiveWindow& window, std::int64_t i, std::int64_t count) {
    window.offer(count - i, shared_frame());
  });
}
double offer_shuffled(std::int64_t n) {
  return seconds(Receivers(n), [](ReceiveWindow& window, std::int64_t i, std::int64_t count) {
    constexpr std::int64_t step = 38'183;  // prime to both counts, about 0.618 of the larger
    window.offer(1 + i * step % count, shared_frame());
  });
}
double drain_stored(std::int64_t n) {
  return seconds(Receivers(n, true), [](ReceiveWindow& window, std::int64_t i, std::int64_t) {
    if (i == 0) {
      window.advance();
    }
    sink += window.next_stored() != nullptr ? 1 : 0;
    window.advance();
  });
}
double duplicate(std::int64_t n) {
  return seconds(Receivers(n, true), [](ReceiveWindow& window, std::int64_t i, std::int64_t) {
    sink += window.offer(-1 - i, shared_frame()) == ReceiveWindow::Place::duplicate ? 1 : 0;
  });
}
double copy_of_the_newest(std::int64_t n) {
  return seconds(Receivers(n, true), [](ReceiveWindow& window, std::int64_t, std::int64_t count) {
    window.offer(count, shared_frame());
  });
}

struct Operation {
  const char* name;
  double (*run)(std::int64_t in_flight);
  /// A search in a tree of 100,000 takes five times as many steps as in one of 10, and each may
  /// miss the cache.
  bool logarithmic = false;
};
constexpr std::array operations{
    Operation{"add", add},
    Operation{"acknowledge in order", acknowledge_in_order},
    Operation{"acknowledge reversed", acknowledge_reversed},
    Operation{"acknowledge unknown", acknowledge_unknown},
    Operation{"look for a resend", look_for_a_resend},
    Operation{"resend the oldest", resend_the_oldest},
    Operation{"resend all on resume", resend_all_on_resume},
    Operation{"offer in order", offer_in_order},
    Operation{"offer behind a gap", offer_behind_a_gap},
    Operation{"offer reversed", offer_reversed},
    Operation{"offer shuffled", offer_shuffled, true},
    Operation{"drain stored", drain_stored},
    Operation{"duplicate", duplicate},
    Operation{"copy of the newest", copy_of_the_newest},
};

double growth(const Operation& operation) {
  constexpr int rounds = 7;
  double least = std::numeric_limits<double>::max();
  double most = least;
  for (int round = 0; round < rounds; ++round) {
    least = std::min(least, operation.run(few));
    most = std::min(most, operation.run(total));
  }
  const double per_second = static_cast<double>(total) / 1e6;
  std::printf("%-22s %8.1f M/s with 10 in flight %8.1f M/s with 100,000   ratio %.2f\n",
              operation.name, per_second / least, per_second / most, most / least);
  return most / least;
}

}  // namespace

int main(int argc, char** argv) {
  const double limit = argc > 1 ? std::atof(argv[1]) : 4.0;
  int failures = 0;
  for (const Operation& operation : operations) {
    const double most = operation.logarithmic ? 5 * limit : limit;
    if (growth(operation) > most) {
      std::printf("%s: expected a ratio of at most %.1f\n", operation.name, most);
      ++failures;
    }
  }
  return failures == 0 && sink > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
