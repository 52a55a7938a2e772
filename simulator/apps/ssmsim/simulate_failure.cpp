#include "simulate_failure.hpp"

#include "command_line.hpp"
#include "trace_observer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

#include "ssm/config/fault_plan.hpp"
#include "ssm/config/scenario.hpp"
#include "ssm/fault/describe.hpp"
#include "ssm/sim/shrink.hpp"

namespace ssmsim {
namespace {

namespace fs = std::filesystem;
namespace sim = ssm::sim;

const std::string test_headers =
    "#include <gtest/gtest.h>\n"
    "\n"
    "#include <chrono>\n"
    "\n"
    "#include \"ssm/sim/simulation.hpp\"\n"
    "\n";

/// A plan of more is not for reading.
constexpr std::size_t shown_decisions = 20;

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

bool write_text(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) {
    print_error(fmt::format("--out: cannot write '{}'", path.string()));
    return false;
  }
  return true;
}

bool write_trace(const fs::path& path, const sim::RunConfig& config) {
  std::error_code ignored;
  fs::remove(path, ignored);
  auto file = ssm::trace::create_file(path.string());
  if (!file) {
    print_error(fmt::format("--out: {}", file.error().to_string()));
    return false;
  }
  TraceObserver observer(std::move(*file), "simulated");
  (void)sim::run(config, observer);
  if (observer.failed()) {
    print_error(fmt::format("--out: cannot write '{}'", path.string()));
    return false;
  }
  return true;
}

sim::Shrunk shrink(const sim::RunConfig& failing) {
  const bool show = isatty(STDERR_FILENO) == 1;
  sim::Shrunk shrunk =
      sim::shrink(failing, {.on_progress = [show](std::size_t decisions, unsigned runs) {
                    if (show) {
                      fmt::print(stderr, "\rshrinking: {} fault decisions left after {} runs\x1b[K",
                                 decisions, runs);
                    }
                  }});
  if (show) {
    fmt::print(stderr, "\r\x1b[K");
  }
  return shrunk;
}

void show(const sim::Shrunk& shrunk, const std::vector<std::string>& decisions) {
  print(fmt::format("  shrunk from {} fault decisions to {} in {} runs\n", shrunk.decisions_before,
                    decisions.size(), shrunk.runs));
  for (std::size_t index = 0; index < std::min(decisions.size(), shown_decisions); ++index) {
    print(fmt::format("    {}\n", decisions[index]));
  }
  if (decisions.size() > shown_decisions) {
    print(fmt::format("    and {} more\n", decisions.size() - shown_decisions));
  }
  print(fmt::format("  then: {}\n", shrunk.result.text));
}

/// The shrunk run without its seed, and what should come of it.
sim::Scenario scenario_of(const sim::RunConfig& config, const std::string& name) {
  sim::Scenario scenario;
  scenario.name = name;
  scenario.config = config;
  scenario.strict = {
      .client = std::string(config.client.name),
      .agent = std::string(config.agent.name),
      .expect = {.observed = "Everything arrives, or the session ends with a reason."}};
  return scenario;
}

bool write_files(const sim::Shrunk& shrunk, const fs::path& directory,
                 const FailureOptions& options) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    print_error(fmt::format("--out: cannot create '{}': {}", directory.string(), error.message()));
    return false;
  }
  const std::string comment = fmt::format("{}: {}", options.name, shrunk.result.text);
  const fs::path plan = directory / "plan.yaml";
  const fs::path scenario = directory / "scenario.yaml";
  const fs::path test = directory / "test.cpp";
  const fs::path trace = directory / "run.ssmtrace";
  if (!write_text(plan, ssm::config::to_yaml(shrunk.config.plan, comment)) ||
      !write_text(scenario,
                  ssm::config::to_yaml(scenario_of(shrunk.config, options.name), comment)) ||
      !write_text(test, test_headers + sim::google_test(shrunk.config, options.name)) ||
      !write_trace(trace, shrunk.config)) {
    return false;
  }
  if (options.show) {
    print(fmt::format("  plan      {}\n  scenario  {}\n  test      {}\n  recording {}\n",
                      plan.string(), scenario.string(), test.string(), trace.string()));
    print(fmt::format("  replay:   ssmsim simulate --scenario {}\n", scenario.string()));
  }
  return true;
}

}  // namespace

FailureReport explain_failure(const sim::RunConfig& failing, const FailureOptions& options) {
  FailureReport report;
  sim::Shrunk shrunk{.config = failing, .result = {}};
  if (options.shrink) {
    shrunk = shrink(failing);
    for (const ssm::fault::Rule& rule : shrunk.config.plan.rules) {
      report.decisions.push_back(ssm::fault::describe(rule));
    }
    report.text = shrunk.result.text;
    if (options.show) {
      show(shrunk, report.decisions);
    }
  } else if (!options.directory.empty()) {
    shrunk.result = sim::run(failing);
  }
  if (!options.directory.empty()) {
    const fs::path directory = fs::path(options.directory) / options.name;
    report.written = write_files(shrunk, directory, options);
    report.directory = report.written ? directory.string() : std::string();
  }
  if (options.show) {
    print(fmt::format("  reproduce: {}\n", options.reproduce));
  }
  return report;
}

}  // namespace ssmsim
