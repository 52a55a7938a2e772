#include "ssm/sim/swarm.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace ssm::sim {
namespace {

using namespace std::chrono_literals;
using fault::Direction;
using protocol::MessageType;

/// The drawing of one run. Each draw is made whether or not its result is used, so that an option
/// that fixes one thing does not change the others.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] double unit() {
    return static_cast<double>(random_.below(std::uint64_t{1} << 53U)) * 0x1p-53;
  }
  [[nodiscard]] bool chance(double probability) { return unit() < probability; }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  [[nodiscard]] std::uint64_t next() { return random_.next(); }
  /// Evenly over the orders of magnitude between both.
  [[nodiscard]] double magnitude(double low, double high) {
    return low * std::pow(high / low, unit());
  }
  /// Whole milliseconds, so that plans read well.
  [[nodiscard]] Duration time(Duration low, Duration high) {
    const auto ms = [](Duration one) { return std::chrono::duration<double, std::milli>(one); };
    return std::chrono::milliseconds(
        std::llround(magnitude(std::max(ms(low).count(), 1.0), ms(high).count())));
  }
  [[nodiscard]] Duration within(Duration limit) {
    return std::chrono::milliseconds(below(static_cast<std::uint64_t>(limit / 1ms) + 1));
  }
  [[nodiscard]] Side side() { return chance(0.5) ? Side::client : Side::agent; }

 private:
  protocol::Random random_;
};

LinkRules draw_link(Draw& draw) {
  LinkRules link;
  link.latency = draw.time(1ms, 300ms);
  const Duration jitter = draw.time(1ms, 2 * link.latency);
  link.jitter = draw.chance(0.5) ? jitter : Duration{0};
  const double rate = draw.magnitude(16'000, 10'000'000);
  link.bytes_per_second = draw.chance(0.4) ? static_cast<std::uint64_t>(rate) : 0;
  const double buffer = draw.magnitude(16'384, 1'048'576);
  if (draw.chance(0.4)) {
    link.buffer_bytes = static_cast<std::size_t>(buffer);
  }
  return link;
}

Workload draw_workload(Draw& draw, std::optional<WorkloadKind> fixed) {
  Workload workload;
  // The slow reader moves 20 MB: not in each of ten thousand runs.
  const auto drawn = static_cast<WorkloadKind>(draw.below(drawn_workload_count));
  workload.kind = fixed.value_or(drawn);
  workload.seed = draw.next();
  const double part = draw.unit();
  const auto between = [part](double low, double high) {
    return static_cast<std::uint64_t>(low * std::pow(high / low, part));
  };
  switch (workload.kind) {
    case WorkloadKind::typing:
      workload.size = between(10, 200);
      break;
    case WorkloadKind::idle:
      workload.size = between(2, 300);
      break;
    case WorkloadKind::ports:
    case WorkloadKind::half_close:
      workload.size = between(1, 100);
      break;
    case WorkloadKind::slow_reader:
      workload.size = between(2, 10);
      break;
    default:
      workload.size = between(1'000, 1'000'000);
  }
  return workload;
}

/// The faults of one class, if it is drawn.
class PlanDraw {
 public:
  PlanDraw(Draw& draw, Duration phase) : draw_(draw), phase_(phase) {}

  fault::Plan all() {
    plan_.seed = draw_.next();
    for (const Direction direction : {Direction::client_to_agent, Direction::agent_to_client}) {
      for (const bool acknowledgements : {false, true}) {
        messages(direction, acknowledgements);
      }
    }
    closes();
    timed();
    return std::move(plan_);
  }

 private:
  static constexpr double class_chance = 0.25;

  void add(std::string name, fault::Match match, fault::Action action) {
    plan_.rules.push_back({.name = std::move(name), .match = match, .action = std::move(action)});
  }

  /// Loss, duplication and reordering of data, or of acknowledgements, in one direction.
  void messages(Direction direction, bool acknowledgements) {
    fault::Match match;
    match.direction = direction;
    match.message_type = acknowledgements ? MessageType::acknowledge
                         : direction == Direction::client_to_agent
                             ? MessageType::input_stream_data
                             : MessageType::output_stream_data;
    const std::string what = std::string(name(direction)) + (acknowledgements ? " acks" : " data");
    const double lost = draw_.magnitude(0.001, 0.3);
    const double doubled = draw_.magnitude(0.001, 0.3);
    const double late = draw_.magnitude(0.001, 0.3);
    const Duration delay = draw_.time(1ms, 3s);
    const Duration echo = draw_.time(1ms, 3s);
    if (draw_.chance(class_chance)) {
      match.probability = lost;
      add("lose " + what, match, fault::Drop{});
    }
    if (draw_.chance(class_chance)) {
      match.probability = doubled;
      add("double " + what, match,
          fault::Duplicate{.copies = 1, .after = fault::Delay{Duration{0}, echo}});
    }
    if (draw_.chance(class_chance)) {
      match.probability = late;
      add("delay " + what, match, fault::Delay{Duration{0}, delay});
    }
  }

  /// Connections that break while messages pass.
  void closes() {
    for (const Side side : {Side::client, Side::agent}) {
      const double often = draw_.magnitude(0.0005, 0.02);
      const bool frame = draw_.chance(0.5);
      if (draw_.chance(class_chance)) {
        fault::Match match;
        match.direction =
            side == Side::client ? Direction::agent_to_client : Direction::client_to_agent;
        match.probability = often;
        add("cut the " + std::string(name(side)), match, close(side, frame));
      }
    }
  }

  static fault::Close close(Side side, bool frame) {
    fault::Close action{.side = side};
    if (frame) {
      action.frame = fault::Close::Frame{.code = 1000, .reason = "Bye"};
    }
    return action;
  }

  /// Things that happen at a time, whatever is sent.
  void timed() {
    const std::uint64_t count = draw_.chance(0.6) ? draw_.below(6) : 0;
    for (std::uint64_t index = 0; index < count; ++index) {
      fault::Match match;
      match.at = draw_.within(phase_);
      const Side side = draw_.side();
      // Mostly shorter than what the service waits for an agent.
      const Duration lasts = draw_.time(100ms, 90s);
      const auto direction = static_cast<fault::StallDirection>(draw_.below(3));
      const bool other = draw_.chance(0.5);
      const std::uint64_t kind = draw_.below(6);
      add("event " + std::to_string(index + 1), match, action(kind, side, lasts, direction, other));
    }
  }

  static fault::Action action(std::uint64_t kind, Side side, Duration lasts,
                              fault::StallDirection direction, bool other) {
    switch (kind) {
      case 0:
        return close(side, other);
      case 1:
        return fault::Stall{side, direction, lasts};
      case 2:
        // Half-open for good: only a timeout helps.
        return fault::Stall{side, fault::StallDirection::both, std::nullopt};
      case 3:
        return fault::Partition{side, lasts};
      case 4:
        return fault::ApiError{.operation = side == Side::client
                                                ? fault::Operation::resume_session
                                                : fault::Operation::create_data_channel,
                               .side = side,
                               .duration = lasts};
      default:
        return fault::Pause{Side::agent, lasts};
    }
  }

  Draw& draw_;
  Duration phase_;
  fault::Plan plan_;
};

/// What the service does besides relaying, and whether it has a key for the session. Seldom,
/// because each hides what other faults show.
void draw_service(Draw& draw, RunConfig& config) {
  constexpr double service_chance = 0.15;
  // Longer than the slowest link needs for what an end sends again after a reconnection.
  const Duration recycle_after = draw.time(2min, 20min);
  const double rate_limit = draw.magnitude(50, 2000);
  if (draw.chance(service_chance)) {
    config.service.recycle_after = recycle_after;
  }
  if (draw.chance(service_chance)) {
    config.service.rate_limit = static_cast<std::uint32_t>(rate_limit);
  }
  config.workload.encrypted = draw.chance(service_chance);
}

}  // namespace

RunConfig draw(std::uint64_t seed, const SwarmOptions& options) {
  Draw draw(seed);
  RunConfig config;
  config.seed = draw.next();
  config.client = options.client != nullptr ? *options.client : protocol::client_profiles().front();
  config.agent = options.agent != nullptr ? *options.agent : protocol::agent_profiles().front();
  config.workload = draw_workload(draw, options.workload);
  config.network.client = draw_link(draw);
  config.network.agent = draw_link(draw);
  // Idleness is what one of the workloads is about.
  config.service.idle_timeout = Duration{0};
  const Duration phase = draw.time(500ms, 2min);
  config.fault_phase = config.workload.kind == WorkloadKind::idle
                           ? Duration(std::chrono::minutes(config.workload.size))
                           : phase;
  fault::Plan drawn = PlanDraw(draw, config.fault_phase).all();
  config.plan = options.plan ? *options.plan : std::move(drawn);
  draw_service(draw, config);
  return config;
}

std::optional<std::uint64_t> parse_seed(std::string_view text) {
  const char* const end = text.data() + text.size();
  std::uint64_t number = 0;
  if (const auto [rest, error] = std::from_chars(text.data(), end, number);
      error == std::errc() && rest == end) {
    return number;
  }
  if (text.size() < 7 || text.size() > 40 ||
      text.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view last = text.substr(text.size() - std::min<std::size_t>(text.size(), 16));
  std::from_chars(last.data(), last.data() + last.size(), number, 16);
  return number;
}

}  // namespace ssm::sim
