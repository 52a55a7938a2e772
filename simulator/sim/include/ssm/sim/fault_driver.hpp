#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ssm/fault/engine.hpp"
#include "ssm/sim/network.hpp"
#include "ssm/sim/observer.hpp"
#include "ssm/sim/scheduler.hpp"

namespace ssm::sim {

/// What a fault plan does to the rest of the system.
class FaultTarget {
 public:
  FaultTarget() = default;
  FaultTarget(const FaultTarget&) = delete;
  FaultTarget& operator=(const FaultTarget&) = delete;
  FaultTarget(FaultTarget&&) = delete;
  FaultTarget& operator=(FaultTarget&&) = delete;
  virtual ~FaultTarget() = default;

  /// One transmission of a message goes to the relay.
  virtual void relay(Side from, protocol::Frame frame) = 0;
  /// The service closes the side's connection; without a code, TCP ends without a close frame.
  virtual void close(Side side, std::uint16_t code, std::string reason) = 0;
  /// pause_publication, or start_publication, to that side.
  virtual void publish(Side side, bool pause) = 0;
  virtual void crash(Side side) = 0;
  virtual void restart(Side side) = 0;
};

/// Carries out a fault plan in virtual time: every action that a plan can have. Keeps what was
/// decided, as rules without chance. Not thread safe.
class FaultDriver {
 public:
  FaultDriver(Scheduler& scheduler, Network& network, Observer& observer, FaultTarget& target,
              fault::Plan plan, bool log_decisions);

  /// The session starts: timed rules count from now.
  void start();

  /// A message of that end, which is to be relayed: does it, once, often, late or not at all, and
  /// what else the plan has for it. `connection_number` counts the connections of its end.
  void message(Side from, std::uint32_t connection_number, protocol::Frame frame);
  /// What an API call is answered instead, if anything.
  [[nodiscard]] std::optional<std::string> refusal(Side side, fault::Operation operation);

  /// Nothing happens any more, and what lasts is ended. A message that is held up still arrives
  /// late, a restart that is due still comes, and who crashed for good stays away.
  void heal();

  [[nodiscard]] const std::vector<fault::Rule>& decisions() const { return decisions_; }
  [[nodiscard]] std::uint64_t decision_count() const { return decision_count_; }
  /// Processes that crashed and will have a successor.
  [[nodiscard]] unsigned restarts_due() const { return restarts_due_; }

 private:
  struct ApiTrouble {
    fault::ApiError error;
    std::optional<Instant> until;
    std::uint32_t calls = 0;
  };

  void carry_out(const fault::Rule& rule);
  void act(const fault::Drop&) {}
  void act(const fault::Duplicate&) {}
  void act(const fault::Delay&) {}
  void act(const fault::Close& action);
  void act(const fault::Stall& action);
  void act(const fault::Partition& action);
  void act(const fault::ApiError& action);
  void act(const fault::Pause& action);
  void act(const fault::Crash& action);
  void act(const fault::Restart& action);
  /// Ends what lasts, unless it is healed before.
  void after(std::optional<Duration> duration, std::function<void()> end);
  void end_partition(Side side);
  void end_pause(Side side);
  void note(std::string_view text);

  Scheduler& scheduler_;
  Network& network_;
  Observer& observer_;
  FaultTarget& target_;
  fault::Engine engine_;
  bool log_decisions_;
  bool active_ = true;
  /// What lasts, by side; of several at once the last to end counts.
  std::array<unsigned, 2> partitions_{};
  std::array<unsigned, 2> pauses_{};
  unsigned restarts_due_ = 0;
  std::vector<ApiTrouble> api_troubles_;
  std::vector<fault::Rule> decisions_;
  std::uint64_t decision_count_ = 0;
};

}  // namespace ssm::sim
