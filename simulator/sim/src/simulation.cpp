#include "ssm/sim/simulation.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "detail/applications.hpp"
#include "detail/digest.hpp"
#include "ssm/sim/agent_node.hpp"
#include "ssm/sim/client_node.hpp"
#include "ssm/sim/service_node.hpp"

namespace ssm::sim {
namespace {

/// An arbitrary date, the same in each run.
constexpr std::int64_t start_unix_ms = 1'790'000'000'000;
constexpr const char* session_id = "simulated-0123456789abcdef0";
constexpr const char* target = "i-0123456789abcdef0";
constexpr const char* stream_url =
    "wss://ssmmessages.us-east-1.amazonaws.com/v1/data-channel/"
    "simulated-0123456789abcdef0?role=publish_subscribe";

/// What the ends get after the session is over, to notice it, besides the time that the links need
/// for what is on its way.
constexpr Duration end_limit = std::chrono::seconds(60);

/// What a full buffer needs to run empty.
Duration drain_time(const LinkRules& link) {
  if (link.bytes_per_second == 0) {
    return Duration{0};
  }
  return std::chrono::seconds(link.buffer_bytes / link.bytes_per_second + 1);
}

/// Everything of one run.
class Run final {
 public:
  Run(const RunConfig& config, Observer& observer);
  RunResult execute();

 private:
  [[nodiscard]] World world() { return {scheduler_, network_, service_, observer_, verdicts_}; }
  [[nodiscard]] protocol::Epoch epoch() const {
    return {.start = scheduler_.start(), .unix_ms_at_start = start_unix_ms};
  }
  /// For one end of an encrypted session.
  [[nodiscard]] std::optional<protocol::SecretSeed> secret();
  [[nodiscard]] std::optional<protocol::ClientEncryption> encryption();
  [[nodiscard]] protocol::ClientConfig client_config();
  [[nodiscard]] protocol::AgentConfig agent_config();
  void start_client();
  void start_agent();
  void crash(Side side);
  void restart(Side side);
  [[nodiscard]] bool over() const;
  [[nodiscard]] bool all_received();
  void run_until(Instant limit);
  void judge(RunResult& result);
  [[nodiscard]] Duration drain_time() const {
    return sim::drain_time(config_.network.client) + sim::drain_time(config_.network.agent);
  }

  const RunConfig& config_;
  Scheduler scheduler_;
  detail::DigestObserver observer_;
  Verdicts verdicts_;
  protocol::Random seeds_;
  Network network_;
  ServiceNode service_;
  detail::Applications applications_;
  /// The last of each is alive; the others were killed.
  std::vector<std::unique_ptr<ClientNode>> clients_;
  std::vector<std::unique_ptr<AgentNode>> agents_;
};

Run::Run(const RunConfig& config, Observer& observer)
    : config_(config),
      observer_(observer),
      verdicts_(scheduler_, observer_),
      seeds_(config.seed),
      network_(scheduler_, config.network, seeds_.next(), service_),
      service_(scheduler_, network_, observer_,
               {.rules = config.service,
                .session_id = session_id,
                .target = target,
                .epoch = epoch(),
                .seed = seeds_.next()},
               config.plan, config.log_decisions),
      applications_(config, verdicts_) {
  service_.on_crash = [this](Side side) { crash(side); };
  service_.on_restart = [this](Side side) { restart(side); };
}

std::optional<protocol::SecretSeed> Run::secret() {
  if (!config_.workload.encrypted) {
    return std::nullopt;
  }
  protocol::SecretSeed seed{};
  for (std::byte& one : seed) {
    one = static_cast<std::byte>(seeds_.below(256));
  }
  return seed;
}

std::optional<protocol::ClientEncryption> Run::encryption() {
  if (const auto seed = secret()) {
    return protocol::ClientEncryption{.secret = *seed, .target_id = target};
  }
  return std::nullopt;
}

protocol::ClientConfig Run::client_config() {
  return {.profile = config_.client,
          .session_id = session_id,
          .stream_url = stream_url,
          .token = service_.first_token(),
          .epoch = epoch(),
          .seed = seeds_.next(),
          .encryption = encryption()};
}

protocol::AgentConfig Run::agent_config() {
  return {.profile = config_.agent,
          .session_id = session_id,
          .instance_id = target,
          .session = applications_.session(),
          .epoch = epoch(),
          .seed = seeds_.next(),
          .secret = secret()};
}

void Run::start_client() {
  clients_.push_back(std::make_unique<ClientNode>(
      world(), client_config(), applications_.client(),
      clients_.empty() ? ClientNode::Began::yes : ClientNode::Began::no));
  clients_.back()->start();
}

void Run::start_agent() {
  agents_.push_back(std::make_unique<AgentNode>(world(), agent_config(), applications_.agent()));
  agents_.back()->start();
}

void Run::crash(Side side) {
  if (side == Side::client) {
    clients_.back()->kill();
  } else {
    agents_.back()->kill();
  }
}

void Run::restart(Side side) {
  // One that came to its end before the crash has no successor, and two crashes have one.
  if (side == Side::client && clients_.back()->killed()) {
    start_client();
  } else if (side == Side::agent && agents_.back()->killed()) {
    start_agent();
  }
}

bool Run::over() const {
  return clients_.back()->ended() && agents_.back()->ended() &&
         service_.faults().restarts_due() == 0;
}

bool Run::all_received() {
  return applications_.client().complete() && applications_.agent().complete();
}

void Run::run_until(Instant limit) {
  while (!over() && !verdicts_.any() && scheduler_.step(limit)) {
  }
}

RunResult Run::execute() {
  service_.start();
  start_agent();
  start_client();
  const Instant start = scheduler_.now();
  Instant healed_at = start;
  if (config_.fault_phase > Duration::zero()) {
    run_until(start + config_.fault_phase);
    healed_at = scheduler_.now();
    service_.heal();
  }
  run_until(std::max(healed_at, start + applications_.duration()) + config_.heal_limit +
            drain_time());
  if (!over() && (clients_.back()->ended() || agents_.back()->ended())) {
    run_until(scheduler_.now() + end_limit + drain_time());
  }
  RunResult result;
  judge(result);
  return result;
}

void Run::judge(RunResult& result) {
  const ClientNode& client = *clients_.back();
  const AgentNode& agent = *agents_.back();
  Application& above_client = applications_.client();
  Application& above_agent = applications_.agent();
  const std::string progress =
      "client: " + above_client.progress() + "; agent: " + above_agent.progress();
  if (!verdicts_.any()) {
    if (!over()) {
      verdicts_.violated(
          client.ended() || agent.ended() ? Invariant::ends_agree : Invariant::completes_or_ends,
          std::string("the client ") + (client.ended() ? "ended" : "goes on") + ", the agent " +
              (agent.ended() ? "ended" : "goes on") + "; " + progress);
    } else if (client.ended()->normal && agent.ended()->normal) {
      if (!all_received()) {
        verdicts_.violated(Invariant::completes_or_ends,
                           "the session ended as if all were well; " + progress);
      } else if (agent.role().unacknowledged() > 0) {
        // Of its last input the client may not hear: the session ends when the agent has it.
        verdicts_.violated(Invariant::acknowledged_at_end,
                           "the agent ended as if all were well; " +
                               std::to_string(agent.role().unacknowledged()) +
                               " messages were not acknowledged");
      }
    }
  }
  result.client_received = above_client.received_bytes();
  result.client_expected = above_client.expected_bytes();
  result.agent_received = above_agent.received_bytes();
  result.agent_expected = above_agent.expected_bytes();
  result.client_max_stored = client.max_stored();
  result.agent_max_stored = agent.max_stored();
  result.measures = above_client.measures(scheduler_.now());
  if (client.ended()) {
    result.client_end = client.ended()->reason;
  }
  if (agent.ended()) {
    result.agent_end = agent.ended()->reason;
  }
  result.decisions = service_.faults().decisions();
  result.decision_count = service_.faults().decision_count();
  result.delivered = service_.delivered();
  result.connections = network_.opened();
  result.resume_calls = service_.calls(fault::Operation::resume_session);
  result.terminate_calls = service_.calls(fault::Operation::terminate_session);
  result.virtual_time = scheduler_.elapsed();
  result.violations = verdicts_.take();
  result.digest = observer_.digest();
  if (!result.violations.empty()) {
    result.outcome = Outcome::violated;
    result.text = std::string(name(result.violations.front().invariant)) + ": " +
                  result.violations.front().text;
  } else if (all_received() && client.ended()->normal) {
    result.outcome = Outcome::completed;
  } else {
    result.outcome = Outcome::ended;
    result.text = "client: " + client.ended()->reason + " " + client.ended()->text +
                  "; agent: " + agent.ended()->reason + " " + agent.ended()->text;
  }
}

}  // namespace

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::completed:
      return "completed";
    case Outcome::ended:
      return "ended";
    case Outcome::violated:
      return "violated";
  }
  return "unknown";
}

std::optional<Outcome> find_outcome(std::string_view name) {
  for (const Outcome outcome : {Outcome::completed, Outcome::ended, Outcome::violated}) {
    if (sim::name(outcome) == name) {
      return outcome;
    }
  }
  return std::nullopt;
}

RunResult run(const RunConfig& config, Observer& observer) {
  return Run(config, observer).execute();
}

RunResult run(const RunConfig& config) {
  Observer nobody;
  return run(config, nobody);
}

}  // namespace ssm::sim
