#include "ssm/sim/fault_driver.hpp"

#include <utility>
#include <variant>

#include "ssm/protocol/codec.hpp"

namespace ssm::sim {
namespace {

/// There is one session.
constexpr std::uint64_t session_ordinal = 1;

std::size_t index(Side side) {
  return static_cast<std::size_t>(side);
}

fault::MessageFacts facts_of(Side from, std::uint32_t connection_number,
                             const protocol::MessageView& view) {
  fault::MessageFacts facts = fault::facts_of(view);
  facts.session_ordinal = session_ordinal;
  facts.direction = fault::direction_from(from);
  facts.connection_number = connection_number;
  return facts;
}

}  // namespace

FaultDriver::FaultDriver(Scheduler& scheduler, Network& network, Observer& observer,
                         FaultTarget& target, fault::Plan plan, bool log_decisions)
    : scheduler_(scheduler),
      network_(network),
      observer_(observer),
      target_(target),
      engine_(std::move(plan)),
      log_decisions_(log_decisions) {}

void FaultDriver::start() {
  for (const fault::Rule* rule : engine_.schedule({.session_ordinal = session_ordinal})) {
    scheduler_.post(scheduler_.now() + *rule->match.at, [this, rule] {
      if (!active_) {
        return;
      }
      ++decision_count_;
      if (log_decisions_) {
        decisions_.push_back(*rule);
        decisions_.back().match.probability.reset();
      }
      carry_out(*rule);
    });
  }
}

void FaultDriver::message(Side from, std::uint32_t connection_number, protocol::Frame frame) {
  if (!active_ || engine_.rules().empty()) {
    target_.relay(from, std::move(frame));
    return;
  }
  // The service judges nothing that the ends judge themselves.
  const auto view = protocol::decode(frame.bytes(), {.check_digest = false});
  if (!view) {
    target_.relay(from, std::move(frame));
    return;
  }
  const fault::MessageFacts facts = facts_of(from, connection_number, *view);
  const fault::Decision decision = engine_.decide(facts);
  if (decision.empty()) {
    target_.relay(from, std::move(frame));
    return;
  }
  std::vector<const fault::Rule*> rules;
  for (const fault::Fired& fired : decision) {
    ++decision_count_;
    if (log_decisions_) {
      decisions_.push_back(fault::pinned("decision " + std::to_string(decision_count_), fired,
                                         facts, decision.copy()));
    }
    rules.push_back(fired.rule);
    note(fired.rule->name + " at " + std::string(wire_name(facts.message_type)) + " " +
         std::to_string(facts.acknowledged.value_or(facts.sequence_number)) + " copy " +
         std::to_string(decision.copy()) + " from the " + std::string(name(from)));
  }
  for (const Duration wait : decision.transmissions()) {
    if (wait == Duration::zero()) {
      target_.relay(from, frame);
    } else {
      scheduler_.post(scheduler_.now() + wait, [this, from, frame] { target_.relay(from, frame); });
    }
  }
  for (const fault::Rule* rule : rules) {
    carry_out(*rule);
  }
}

std::optional<std::string> FaultDriver::refusal(Side side, fault::Operation operation) {
  for (ApiTrouble& trouble : api_troubles_) {
    if (trouble.error.operation != operation ||
        (trouble.error.side && trouble.error.side != side) ||
        (trouble.until && scheduler_.now() >= *trouble.until) ||
        (trouble.error.calls && trouble.calls >= *trouble.error.calls)) {
      continue;
    }
    ++trouble.calls;
    return trouble.error.error + " (HTTP " + std::to_string(trouble.error.status) + ")";
  }
  return std::nullopt;
}

void FaultDriver::heal() {
  active_ = false;
  api_troubles_.clear();
  network_.heal();
  for (const Side side : {Side::client, Side::agent}) {
    partitions_[index(side)] = 0;
    if (std::exchange(pauses_[index(side)], 0) > 0) {
      target_.publish(side, false);
    }
  }
}

// --- actions ------------------------------------------------------------------------------------

void FaultDriver::carry_out(const fault::Rule& rule) {
  if (!fault::is_message_action(rule.action)) {
    note(rule.name + ": " + std::string(fault::name(rule.action)));
  }
  std::visit([this](const auto& action) { act(action); }, rule.action);
}

void FaultDriver::act(const fault::Close& action) {
  if (action.frame) {
    target_.close(action.side, action.frame->code, action.frame->reason);
  } else {
    network_.reset(action.side, "connection reset");
  }
}

void FaultDriver::act(const fault::Stall& action) {
  const bool up = action.direction != fault::StallDirection::from_peer;
  const bool down = action.direction != fault::StallDirection::to_peer;
  if (Connection* stalled = network_.stall(action.side, up, down)) {
    after(action.duration, [stalled, up, down] { stalled->release(up, down); });
  }
}

void FaultDriver::act(const fault::Partition& action) {
  ++partitions_[index(action.side)];
  network_.set_partitioned(action.side, true);
  after(action.duration, [this, side = action.side] { end_partition(side); });
}

void FaultDriver::act(const fault::ApiError& action) {
  std::optional<Instant> until;
  if (action.duration) {
    until = scheduler_.now() + *action.duration;
  }
  api_troubles_.push_back({action, until});
}

void FaultDriver::act(const fault::Pause& action) {
  ++pauses_[index(action.side)];
  target_.publish(action.side, true);
  after(action.duration, [this, side = action.side] { end_pause(side); });
}

void FaultDriver::act(const fault::Crash& action) {
  target_.crash(action.side);
}

void FaultDriver::act(const fault::Restart& action) {
  target_.crash(action.side);
  ++restarts_due_;
  scheduler_.post(scheduler_.now() + action.after, [this, side = action.side] {
    --restarts_due_;
    target_.restart(side);
  });
}

void FaultDriver::after(std::optional<Duration> duration, std::function<void()> end) {
  if (duration) {
    scheduler_.post(scheduler_.now() + *duration, [this, end = std::move(end)] {
      if (active_) {
        end();
      }
    });
  }
}

void FaultDriver::end_partition(Side side) {
  if (--partitions_[index(side)] == 0) {
    network_.set_partitioned(side, false);
  }
}

void FaultDriver::end_pause(Side side) {
  if (--pauses_[index(side)] == 0) {
    target_.publish(side, false);
  }
}

void FaultDriver::note(std::string_view text) {
  observer_.note(scheduler_.elapsed(), "fault: " + std::string(text));
}

}  // namespace ssm::sim
