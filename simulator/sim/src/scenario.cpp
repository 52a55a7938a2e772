#include "ssm/sim/scenario.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ssm/protocol/assert.hpp"
#include "ssm/sim/meter.hpp"

namespace ssm::sim {
namespace {

std::string number(double value) {
  const auto whole = static_cast<long long>(value);
  return static_cast<double>(whole) == value ? std::to_string(whole) : std::to_string(value);
}

class Comparison {
 public:
  explicit Comparison(const CaseResult& result) : result_(result) {}

  [[nodiscard]] std::vector<std::string> take() { return std::move(differences_); }

  void same(std::string_view what, std::string_view expected, std::string_view seen) {
    if (expected != seen) {
      differ(std::string(what) + ": expected " + std::string(expected) + ", seen " +
             std::string(seen));
    }
  }

  void contains(std::string_view text, std::string_view part) {
    if (text.find(part) == std::string_view::npos) {
      differ("text: expected '" + std::string(part) + "' in it, seen '" + std::string(text) + "'");
    }
  }

  void within(const Expectation::Bound& bound) {
    const auto found = result_.measures.find(bound.measure);
    if (found == result_.measures.end()) {
      differ(bound.measure + ": expected a value, nothing of it was seen");
      return;
    }
    if (bound.min && found->second < *bound.min) {
      differ(bound.measure + ": expected at least " + number(*bound.min) + ", seen " +
             number(found->second));
    }
    if (bound.max && found->second > *bound.max) {
      differ(bound.measure + ": expected at most " + number(*bound.max) + ", seen " +
             number(found->second));
    }
  }

 private:
  void differ(std::string text) { differences_.push_back(std::move(text)); }

  const CaseResult& result_;
  std::vector<std::string> differences_;
};

std::string_view end_or_running(const std::string& end) {
  return end.empty() ? std::string_view("running") : std::string_view(end);
}

}  // namespace

std::map<std::string, double> measures(const RunResult& result) {
  std::map<std::string, double> all = result.measures;
  all.merge(std::map<std::string, double>{
      {"delivered", static_cast<double>(result.delivered)},
      {"resume_calls", static_cast<double>(result.resume_calls)},
      {"terminate_calls", static_cast<double>(result.terminate_calls)},
      {"client_received", static_cast<double>(result.client_received)},
      {"agent_received", static_cast<double>(result.agent_received)},
      {"client_max_stored", static_cast<double>(result.client_max_stored)},
      {"agent_max_stored", static_cast<double>(result.agent_max_stored)},
      {"virtual_time_s", std::chrono::duration<double>(result.virtual_time).count()}});
  return all;
}

std::vector<std::string> measure_names() {
  std::map<std::string, double> all = measures(RunResult{});
  Observer nobody;
  all.merge(Meter(nobody).values());
  std::vector<std::string> names;
  for (const auto& [name, value] : all) {
    names.push_back(name);
  }
  // Those that an empty run has no value of.
  for (const char* name :
       {"agent_min_gap_ms", "client_min_gap_ms", "connections_broken", "connections_open",
        "connections_served", "most_open_connections", "slowest_connection_s"}) {
    names.insert(std::lower_bound(names.begin(), names.end(), name), name);
  }
  return names;
}

std::vector<std::string> differences(const Expectation& expect, const CaseResult& result) {
  Comparison compare(result);
  if (expect.outcome) {
    compare.same("outcome", name(*expect.outcome), name(result.run.outcome));
  }
  if (!expect.outcome && !expect.violates && !result.run.violations.empty()) {
    compare.same("violated invariant", "none", result.run.text);
  }
  if (expect.violates) {
    compare.same("violated invariant", name(*expect.violates),
                 result.run.violations.empty() ? std::string_view("none")
                                               : name(result.run.violations.front().invariant));
  }
  if (!expect.client_end.empty()) {
    compare.same("end of the client", expect.client_end, end_or_running(result.run.client_end));
  }
  if (!expect.agent_end.empty()) {
    compare.same("end of the agent", expect.agent_end, end_or_running(result.run.agent_end));
  }
  compare.contains(result.run.text, expect.text_contains);
  for (const Expectation::Bound& bound : expect.bounds) {
    compare.within(bound);
  }
  return compare.take();
}

CaseResult run_case(const Scenario& scenario, const Case& which, Observer& observer) {
  const protocol::ClientProfile* client = protocol::find_client_profile(which.client);
  const protocol::AgentProfile* agent = protocol::find_agent_profile(which.agent);
  SSM_ASSERT(client != nullptr && agent != nullptr);
  RunConfig config = scenario.config;
  config.client = *client;
  config.agent = *agent;

  CaseResult result;
  Meter meter(observer);
  result.run = run(config, meter);
  result.measures = measures(result.run);
  result.measures.merge(meter.values());

  result.differences = differences(which.expect, result);
  return result;
}

}  // namespace ssm::sim
