#include "command_line.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "simulate_failure.hpp"
#include "simulate_scenario.hpp"
#include "simulate_seeds.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ssm/config/fault_plan.hpp"
#include "ssm/sim/swarm.hpp"

namespace ssmsim {
namespace {

namespace sim = ssm::sim;
namespace json = boost::json;

constexpr const char* command = "ssmsim simulate";
constexpr std::uint64_t usual_runs = 1000;

struct Arguments {
  std::string seeds;
  std::string seed;
  std::uint64_t runs = 0;
  std::vector<std::string> profiles;
  std::string workload;
  std::string faults;
  std::string scenario;
  std::string out;
  unsigned jobs = 0;
  std::uint64_t max_failures = 10;
  bool no_shrink = false;
  bool check_determinism = false;
  bool json = false;
};

/// What the words mean.
struct Request {
  std::uint64_t first = 1;
  std::uint64_t last = usual_runs;
  sim::SwarmOptions options;
  /// The options that a reproduce line repeats.
  std::string repeated;
};

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

template <class Profile>
std::string names_of(std::span<const Profile> profiles) {
  std::string names;
  for (const Profile& profile : profiles) {
    names += (names.empty() ? "" : ", ") + std::string(profile.name);
  }
  return names;
}

// --- reading the words --------------------------------------------------------------------------

std::optional<std::string> read_seeds(const Arguments& arguments, Request& request) {
  if (!arguments.seed.empty()) {
    const auto seed = sim::parse_seed(arguments.seed);
    if (!seed) {
      return fmt::format("--seed: expected a number or a commit id, seen '{}'", arguments.seed);
    }
    request.first = *seed;
    request.last = *seed + std::max<std::uint64_t>(arguments.runs, 1) - 1;
    return std::nullopt;
  }
  if (arguments.seeds.empty()) {
    request.last = request.first + (arguments.runs == 0 ? usual_runs : arguments.runs) - 1;
    return std::nullopt;
  }
  const std::size_t dash = arguments.seeds.find('-');
  const auto number = [](std::string_view text) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
  };
  const std::string_view text = arguments.seeds;
  const auto first = number(text.substr(0, dash));
  const auto last = dash == std::string::npos ? first : number(text.substr(dash + 1));
  if (!first || !last || *last < *first) {
    return fmt::format("--seeds: expected A-B with A not above B, seen '{}'", text);
  }
  request.first = *first;
  request.last = *last;
  return std::nullopt;
}

std::optional<std::string> read_profiles(const Arguments& arguments, Request& request) {
  for (const std::string& name : arguments.profiles) {
    const auto* client = ssm::protocol::find_client_profile(name);
    const auto* agent = ssm::protocol::find_agent_profile(name);
    if (client == nullptr && agent == nullptr) {
      return fmt::format("--profile: there is no '{}'; clients: {}; agents: {}", name,
                         names_of(ssm::protocol::client_profiles()),
                         names_of(ssm::protocol::agent_profiles()));
    }
    request.options.client = client != nullptr ? client : request.options.client;
    request.options.agent = agent != nullptr ? agent : request.options.agent;
    request.repeated += " --profile " + name;
  }
  return std::nullopt;
}

std::optional<std::string> read_workload(const Arguments& arguments, Request& request) {
  if (arguments.workload.empty()) {
    return std::nullopt;
  }
  request.options.workload = sim::find_workload(arguments.workload);
  request.repeated += " --workload " + arguments.workload;
  if (!request.options.workload) {
    std::string names;
    for (std::size_t kind = 0; kind < sim::workload_kind_count; ++kind) {
      names +=
          (kind == 0 ? "" : ", ") + std::string(sim::name(static_cast<sim::WorkloadKind>(kind)));
    }
    return fmt::format("--workload: expected one of {}; seen '{}'", names, arguments.workload);
  }
  return std::nullopt;
}

/// For a line that is copied into a shell.
std::string shell_word(const std::string& text) {
  if (!text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789_-+=./:@%,") == std::string::npos) {
    return text;
  }
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return quoted + "'";
}

std::optional<std::string> read_plan(const Arguments& arguments, Request& request) {
  if (arguments.faults.empty()) {
    return std::nullopt;
  }
  auto plan = ssm::config::load_fault_plan(arguments.faults, ssm::fault::Driver::simulate);
  if (!plan) {
    return plan.error().to_string();
  }
  request.options.plan = std::move(*plan);
  request.repeated += " --faults " + shell_word(arguments.faults);
  return std::nullopt;
}

// --- runs ---------------------------------------------------------------------------------------

struct Totals {
  std::uint64_t runs = 0;
  std::uint64_t failures = 0;
  std::uint64_t ended_early = 0;
  std::uint64_t delivered = 0;
  std::uint64_t decisions = 0;
  ssm::sim::Duration virtual_time{0};
  std::uint64_t digest = 0;
};

void add(Totals& totals, const SeedResult& result) {
  ++totals.runs;
  totals.failures += result.outcome == sim::Outcome::violated ? 1 : 0;
  totals.ended_early += result.outcome == sim::Outcome::ended ? 1 : 0;
  totals.delivered += result.delivered;
  totals.decisions += result.decisions;
  totals.virtual_time += result.virtual_time;
  totals.digest = totals.digest * 31 + result.digest;
}

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::string summary(const Totals& totals, std::chrono::nanoseconds wall) {
  return fmt::format(
      "{} runs, {} failures, {} ended early with a reason; {} fault decisions, {} messages "
      "delivered,\nvirtual time {:.0f} s, wall time {:.2f} s ({:.0f} messages/s), digest "
      "{:016x}\n",
      totals.runs, totals.failures, totals.ended_early, totals.decisions, totals.delivered,
      seconds(totals.virtual_time), seconds(wall),
      static_cast<double>(totals.delivered) / std::max(seconds(wall), 1e-9), totals.digest);
}

json::object json_of(const SeedResult& result, const FailureReport& report,
                     const std::string& reproduce) {
  return {{"seed", result.seed},
          {"outcome", json::string(sim::name(result.outcome))},
          {"workload", json::string(sim::name(result.workload))},
          {"text", result.text},
          {"delivered", result.delivered},
          {"fault_decisions", result.decisions},
          {"virtual_time_s", seconds(result.virtual_time)},
          {"digest", fmt::format("{:016x}", result.digest)},
          {"shrunk_to", json::array(report.decisions.begin(), report.decisions.end())},
          {"shrunk_text", report.text},
          {"files", report.directory},
          {"reproduce", reproduce}};
}

std::string json_summary(const Request& request, const Totals& totals, const json::array& failures,
                         const json::array& nondeterministic, std::chrono::nanoseconds wall) {
  return json::serialize(json::object{{"first_seed", request.first},
                                      {"last_seed", request.last},
                                      {"runs", totals.runs},
                                      {"failures", totals.failures},
                                      {"ended_early", totals.ended_early},
                                      {"fault_decisions", totals.decisions},
                                      {"messages_delivered", totals.delivered},
                                      {"virtual_time_s", seconds(totals.virtual_time)},
                                      {"wall_time_s", seconds(wall)},
                                      {"digest", fmt::format("{:016x}", totals.digest)},
                                      {"nondeterministic_seeds", nondeterministic},
                                      {"failed", failures}}) +
         "\n";
}

std::string reproduce_line(const Request& request, std::uint64_t seed) {
  return fmt::format("{} --seed {}{}", command, seed, request.repeated);
}

/// Progress for a person who waits.
class Progress {
 public:
  Progress(const Request& request, bool wanted)
      : runs_(request.last - request.first + 1), wanted_(wanted && isatty(STDERR_FILENO) == 1) {}

  void update(const Totals& totals) {
    if (wanted_ && (totals.runs % 64 == 0 || totals.runs == runs_)) {
      fmt::print(stderr, "\r{} of {} runs, {} failures\x1b[K", totals.runs, runs_, totals.failures);
      shown_ = true;
    }
  }
  void clear() {
    if (std::exchange(shown_, false)) {
      fmt::print(stderr, "\r\x1b[K");
    }
  }

 private:
  std::uint64_t runs_;
  bool wanted_;
  bool shown_ = false;
};

/// What is wrong if a second run of the seed is another one.
std::optional<std::string> determinism_problem(const Request& request, std::uint64_t seed,
                                               std::uint64_t digest) {
  const sim::RunResult again = sim::run(sim::draw(seed, request.options));
  if (again.digest == digest) {
    return std::nullopt;
  }
  return fmt::format("seed {} is not deterministic: digests {:016x} and {:016x}\n", seed, digest,
                     again.digest);
}

/// A report that did not arrive is no report.
int finish(int status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) {
    return status;
  }
  print_error("cannot write to stdout");
  return exit_infrastructure;
}

int simulate(const Arguments& arguments) {
  Request request;
  for (const auto read : {read_seeds, read_profiles, read_workload, read_plan}) {
    if (const std::optional<std::string> wrong = read(arguments, request)) {
      return usage_error(command, *wrong);
    }
  }
  if (!arguments.scenario.empty()) {
    return simulate_scenario(command, {.scenario = arguments.scenario,
                                       .client = request.options.client,
                                       .agent = request.options.agent,
                                       .directory = arguments.out,
                                       .json = arguments.json});
  }
  const unsigned jobs =
      arguments.jobs != 0 ? arguments.jobs : std::max(std::thread::hardware_concurrency(), 1U);
  if (!arguments.json) {
    print(request.first == request.last
              ? fmt::format("seed {}\n", request.first)
              : fmt::format("seeds {}-{}\n", request.first, request.last));
    std::fflush(stdout);
  }
  const auto started = std::chrono::steady_clock::now();
  Totals totals;
  json::array failures;
  Progress progress(request, !arguments.json);
  json::array nondeterministic;
  bool written = true;
  run_seeds(request.first, request.last, request.options, jobs, [&](const SeedResult& result) {
    add(totals, result);
    progress.update(totals);
    if (arguments.check_determinism) {
      if (const auto problem = determinism_problem(request, result.seed, result.digest)) {
        nondeterministic.push_back(result.seed);
        if (!arguments.json) {
          progress.clear();
          print(*problem);
        }
      }
    }
    if (result.outcome != sim::Outcome::violated) {
      return true;
    }
    progress.clear();
    if (!arguments.json) {
      print(fmt::format("seed {} failed ({}): {}\n", result.seed, sim::name(result.workload),
                        result.text));
    }
    const std::string reproduce = reproduce_line(request, result.seed);
    const FailureReport report = explain_failure(sim::draw(result.seed, request.options),
                                                 {.shrink = !arguments.no_shrink,
                                                  .show = !arguments.json,
                                                  .directory = arguments.out,
                                                  .name = fmt::format("seed-{}", result.seed),
                                                  .reproduce = reproduce});
    written &= report.written;
    if (arguments.json) {
      failures.push_back(json_of(result, report, reproduce));
    }
    std::fflush(stdout);
    return totals.failures < arguments.max_failures;
  });
  progress.clear();
  const auto wall = std::chrono::steady_clock::now() - started;
  print(arguments.json ? json_summary(request, totals, failures, nondeterministic, wall)
                       : summary(totals, wall));
  if (!written) {
    return finish(exit_infrastructure);
  }
  return finish(totals.failures == 0 && nondeterministic.empty() ? exit_ok : exit_findings);
}

}  // namespace

void add_simulate_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* simulate_command =
      app.add_subcommand("simulate", "Run whole sessions in virtual time, and break them");
  simulate_command->footer(
      "Each run is a client, the service, an agent and a network, drawn from its seed: what the\n"
      "session is used for, how fast the links are, what goes wrong. After a time everything is\n"
      "healed. Then all data must have arrived, each byte once and in order, or the session must\n"
      "have ended with a reason. A failing run is shrunk to the few faults that it needs.\n"
      "\n"
      "A scenario is one run in a file: what goes wrong, which profiles show a bug then, and "
      "which\n"
      "do not. Public bugs come with the program.\n"
      "\n"
      "Examples:\n"
      "  ssmsim simulate\n"
      "  ssmsim simulate --seeds 1-10000 --out failures\n"
      "  ssmsim simulate --seed 42 --profile plugin-1.2.677 --profile agent-3.3\n"
      "  ssmsim simulate --seed $(git rev-parse HEAD) --runs 500\n"
      "  ssmsim simulate --workload upload --faults plan.yaml\n"
      "  ssmsim simulate --scenario list\n"
      "  ssmsim simulate --scenario BUG-001\n"
      "  ssmsim simulate --scenario BUG-001 --profile plugin-1.2.677\n"
      "\n"
      "Exit codes: 0 all held, 1 a run failed or is not as its scenario says, 2 usage, 3 a file\n"
      "could not be written.");
  auto* seeds =
      simulate_command->add_option("--seeds", arguments->seeds, "Seeds to run, both included");
  seeds->type_name("A-B");
  auto* seed =
      simulate_command->add_option("--seed", arguments->seed, "One seed: a number, or a commit id");
  seed->type_name("SEED")->excludes(seeds);
  auto* runs = simulate_command->add_option("--runs", arguments->runs,
                                            "How many seeds, from --seed or 1 on");
  runs->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->excludes(seeds);
  simulate_command
      ->add_option("--profile", arguments->profiles,
                   "Behaviour of the client or of the agent; may be given for both")
      ->type_name("NAME")
      ->allow_extra_args(false);
  auto* workload = simulate_command->add_option("--workload", arguments->workload,
                                                "What the session is used for");
  workload->type_name("NAME");
  auto* faults = simulate_command->add_option("--faults", arguments->faults,
                                              "A fault plan, instead of drawn faults");
  faults->type_name("FILE");
  simulate_command
      ->add_option(
          "--scenario", arguments->scenario,
          "One scenario: a name, a file, or `list`; with --profile it runs once with those "
          "profiles and is not judged")
      ->type_name("NAME|FILE")
      ->excludes(seeds)
      ->excludes(seed)
      ->excludes(runs)
      ->excludes(workload)
      ->excludes(faults);
  simulate_command
      ->add_option("--out", arguments->out,
                   "Where each failure's fault plan, scenario, test and recording are written")
      ->type_name("DIR");
  simulate_command->add_option("--jobs", arguments->jobs, "Threads; default: one for each core")
      ->type_name("N")
      ->check(CLI::Range(1U, 1024U));
  simulate_command
      ->add_option("--max-failures", arguments->max_failures, "Stop after so many failures")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  simulate_command->add_flag("--no-shrink", arguments->no_shrink, "Show failures as they are");
  simulate_command->add_flag("--check-determinism", arguments->check_determinism,
                             "Run each seed twice; both runs must be the same");
  simulate_command->add_flag("--json", arguments->json, "One JSON object instead of text");
  simulate_command->callback(
      [arguments, &action] { action = [arguments] { return simulate(*arguments); }; });
}

}  // namespace ssmsim
