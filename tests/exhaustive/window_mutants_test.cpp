// A check that cannot fail proves nothing: windows with one planted defect each, and what the
// exploration has to find in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "explorer.hpp"
#include "window_setups.hpp"

namespace ssm::test {
namespace {

using protocol::Frame;
using protocol::Instant;
using protocol::ReceiveRules;
using protocol::ReceiveWindow;
using protocol::SendRules;
using protocol::SendWindow;
using Place = ReceiveWindow::Place;

constexpr Scenario bounds{
    .name = "mutant",
    .window = 3,
    .buffer = 1,
    .bounds = {.messages = 4, .losses = 1, .duplications = 1, .cuts = 1, .timeouts = 2}};

// ---- senders ------------------------------------------------------------------------------------

struct ForgetsToResend : SendWindow {
  using SendWindow::SendWindow;
  std::optional<Resend> resend_due(Instant /*now*/) { return std::nullopt; }
};
struct HasNoTimer : SendWindow {
  using SendWindow::SendWindow;
  std::optional<Instant> next_timeout() const { return std::nullopt; }
};
struct ResendsOnce : SendWindow {
  using SendWindow::SendWindow;
  std::optional<Resend> resend_due(Instant now) {
    auto due = SendWindow::resend_due(now);
    return due && due->attempts > 1 ? std::nullopt : due;
  }
};
struct ResendsOtherBytes : SendWindow {
  using SendWindow::SendWindow;
  std::optional<Resend> resend_due(Instant now) {
    auto due = SendWindow::resend_due(now);
    if (due) {
      due->frame = message_frame(static_cast<std::size_t>(due->sequence) + 1);
    }
    return due;
  }
};
struct ResendsWithoutEnd : SendWindow {
  using SendWindow::SendWindow;
  std::optional<Resend> resend_due(Instant now) {
    auto due = SendWindow::resend_due(now);
    last = due ? due : last;
    return last && WindowProbe::is_live(*this, last->sequence) ? last : due;
  }
  std::optional<Resend> last;
};
struct ResendsTooEarly : SendWindow {
  using SendWindow::SendWindow;
  std::optional<Resend> resend_due(Instant now) {
    return SendWindow::resend_due(now + std::chrono::milliseconds(1));
  }
};
struct HoldsOneMore : SendWindow {
  explicit HoldsOneMore(SendRules rules) : SendWindow(more(rules)) {}
  static SendRules more(SendRules rules) {
    ++rules.buffer_messages;
    return rules;
  }
};
struct IgnoresAcknowledgements : SendWindow {
  using SendWindow::SendWindow;
  Acknowledged acknowledge(std::int64_t /*sequence*/, Instant /*now*/) { return {}; }
};
struct AcknowledgesAllBefore : SendWindow {
  using SendWindow::SendWindow;
  void acknowledge(std::int64_t sequence, Instant now) {
    for (std::int64_t i = 0; i <= sequence; ++i) {
      SendWindow::acknowledge(i, now);
    }
  }
};
struct AcknowledgesTheNext : SendWindow {
  using SendWindow::SendWindow;
  void acknowledge(std::int64_t sequence, Instant now) {
    SendWindow::acknowledge(sequence, now);
    SendWindow::acknowledge(sequence + 1, now);
  }
};
struct ForgetsOnResume : SendWindow {
  using SendWindow::SendWindow;
  void on_resume(Instant now) {
    for (std::int64_t i = 0; i < next_sequence(); ++i) {
      SendWindow::acknowledge(i, now);
    }
  }
};
struct LetsNewMessagesOvertake : SendWindow {
  using SendWindow::SendWindow;
  std::size_t unwritten_waiting() const { return 0; }
};
struct DropsTheOldest : SendWindow {
  explicit DropsTheOldest(SendRules rules) : SendWindow(dropping(rules)) {}
  static SendRules dropping(SendRules rules) {
    rules.when_full = protocol::WhenFull::drop_oldest;
    return rules;
  }
};
struct NeverHasRoomAgain : SendWindow {
  using SendWindow::SendWindow;
  bool has_room() const { return next_sequence() < static_cast<std::int64_t>(bounds.window); }
};

// ---- receivers ----------------------------------------------------------------------------------

struct DeliversDuplicates : ReceiveWindow {
  using ReceiveWindow::ReceiveWindow;
  Place offer(std::int64_t sequence, const Frame& frame) {
    const Place place = ReceiveWindow::offer(sequence, frame);
    return place == Place::duplicate ? Place::in_order : place;
  }
};
struct DeliversAcrossGaps : ReceiveWindow {
  using ReceiveWindow::ReceiveWindow;
  Place offer(std::int64_t sequence, const Frame& frame) {
    const Place place = ReceiveWindow::offer(sequence, frame);
    return place == Place::ahead ? Place::in_order : place;
  }
};
struct AcknowledgesWithoutStoring : ReceiveWindow {
  using ReceiveWindow::ReceiveWindow;
  Place offer(std::int64_t sequence, const Frame& frame) {
    return sequence > expected() ? Place::ahead : ReceiveWindow::offer(sequence, frame);
  }
};
struct AcknowledgesWhatItRefuses : ReceiveWindow {
  using ReceiveWindow::ReceiveWindow;
  Place offer(std::int64_t sequence, const Frame& frame) {
    const Place place = ReceiveWindow::offer(sequence, frame);
    return place == Place::refused ? Place::ahead : place;
  }
};
struct StoresOneMore : ReceiveWindow {
  explicit StoresOneMore(ReceiveRules rules) : ReceiveWindow(more(rules)) {}
  static ReceiveRules more(ReceiveRules rules) {
    ++rules.buffer_messages;
    return rules;
  }
};
struct NeverDrains : ReceiveWindow {
  using ReceiveWindow::ReceiveWindow;
  const Frame* next_stored() const { return nullptr; }
};
struct SkipsOneAfterStored : ReceiveWindow {
  using ReceiveWindow::ReceiveWindow;
  void advance() {
    const bool was_stored = next_stored() != nullptr;
    ReceiveWindow::advance();
    if (was_stored) {
      ReceiveWindow::advance();
    }
  }
};
struct StaysAtTheExpected : ReceiveWindow {
  using ReceiveWindow::ReceiveWindow;
  void advance() {
    if (expected() == 0) {
      ReceiveWindow::advance();
    }
  }
};
struct RefusesTheExpectedWhenFull : ReceiveWindow {
  using ReceiveWindow::ReceiveWindow;
  Place offer(std::int64_t sequence, const Frame& frame) {
    return stored() == bounds.buffer ? Place::refused : ReceiveWindow::offer(sequence, frame);
  }
};
struct TakesZeroForOld : ReceiveWindow {
  using ReceiveWindow::ReceiveWindow;
  Place offer(std::int64_t sequence, const Frame& frame) {
    return sequence == 0 ? Place::duplicate : ReceiveWindow::offer(sequence, frame);
  }
};

// ---- table --------------------------------------------------------------------------------------

template <class Sender, class Receiver>
std::vector<Violation> explore_mutant(const protocol::ChannelRules& rules) {
  const StreamSetup setup = make_setup(bounds, rules.send, strict_rules().receive);
  return Explorer<WindowWorld<Sender, Receiver>>(setup, {.stop_at_first = true}).run().violations();
}

struct Mutant {
  const char* name;
  std::vector<Violation> (*explore)(const protocol::ChannelRules& rules);
  Violation expected;
  const protocol::ChannelRules& (*rules)() = strict_rules;
};
void PrintTo(const Mutant& mutant, std::ostream* out) {
  *out << mutant.name;
}
template <class Sender>
constexpr Mutant sender(const char* name, Violation expected) {
  return {.name = name, .explore = explore_mutant<Sender, ReceiveWindow>, .expected = expected};
}
template <class Receiver>
constexpr Mutant receiver(const char* name, Violation expected) {
  return {.name = name, .explore = explore_mutant<SendWindow, Receiver>, .expected = expected};
}

const Mutant mutants[] = {
    sender<ForgetsToResend>("forgets_to_resend", Violation::broken_promise),
    sender<HasNoTimer>("has_no_timer", Violation::never_delivered),
    sender<ResendsOnce>("resends_once", Violation::broken_promise),
    sender<ResendsOtherBytes>("resends_other_bytes", Violation::wrong_resend),
    sender<ResendsWithoutEnd>("resends_without_end", Violation::busy_timer),
    sender<ResendsTooEarly>("resends_too_early", Violation::early_resend),
    sender<HoldsOneMore>("holds_one_more", Violation::window_exceeded),
    sender<IgnoresAcknowledgements>("ignores_acknowledgements", Violation::not_forgotten),
    sender<AcknowledgesAllBefore>("acknowledges_all_before", Violation::never_delivered),
    sender<AcknowledgesTheNext>("acknowledges_the_next", Violation::never_delivered),
    sender<ForgetsOnResume>("forgets_on_resume", Violation::never_delivered),
    // Ours writes everything at once when it may write again, so that nothing can be overtaken.
    {"lets_new_messages_overtake", explore_mutant<LetsNewMessagesOvertake, ReceiveWindow>,
     Violation::overtaken, agent_rules},
    sender<DropsTheOldest>("drops_the_oldest", Violation::lost_for_good),
    sender<NeverHasRoomAgain>("never_has_room_again", Violation::never_delivered),
    receiver<DeliversDuplicates>("delivers_duplicates", Violation::wrong_delivery),
    receiver<DeliversAcrossGaps>("delivers_across_gaps", Violation::wrong_delivery),
    receiver<AcknowledgesWithoutStoring>("acknowledges_without_storing",
                                         Violation::never_delivered),
    receiver<AcknowledgesWhatItRefuses>("acknowledges_what_it_refuses", Violation::never_delivered),
    receiver<StoresOneMore>("stores_one_more", Violation::buffer_exceeded),
    receiver<NeverDrains>("never_drains", Violation::never_delivered),
    receiver<SkipsOneAfterStored>("skips_one_after_stored", Violation::wrong_delivery),
    receiver<StaysAtTheExpected>("stays_at_the_expected", Violation::never_delivered),
    receiver<RefusesTheExpectedWhenFull>("refuses_the_expected_when_full",
                                         Violation::never_delivered),
    receiver<TakesZeroForOld>("takes_zero_for_old", Violation::never_delivered),
};

class WindowMutants : public testing::TestWithParam<Mutant> {};

TEST_P(WindowMutants, is_caught) {
  const std::vector<Violation> found = GetParam().explore(GetParam().rules());
  ASSERT_FALSE(found.empty()) << "survived";
  EXPECT_THAT(found, testing::Contains(GetParam().expected)) << "found: " << name(found.front());
}

INSTANTIATE_TEST_SUITE_P(Windows, WindowMutants, testing::ValuesIn(mutants),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(WindowMutantBounds, the_windows_themselves_pass) {
  EXPECT_THAT((explore_mutant<SendWindow, ReceiveWindow>(strict_rules())), testing::IsEmpty());
}

}  // namespace
}  // namespace ssm::test
