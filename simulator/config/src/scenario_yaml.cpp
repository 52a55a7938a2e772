#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "detail/yaml_text.hpp"
#include "ssm/config/fault_plan.hpp"
#include "ssm/config/scenario.hpp"

namespace ssm::config {
namespace {

using detail::FlowMap;
using detail::quoted;
using protocol::Duration;

/// Members of a map whose value is not the usual one.
class Changes {
 public:
  void add(std::string_view name, Duration value, Duration usual) {
    if (value != usual) {
      map_.add_duration(name, value);
    }
  }
  void add(std::string_view name, std::uint64_t value, std::uint64_t usual) {
    if (value != usual) {
      map_.add_number(name, std::optional(value));
    }
  }
  void add_flag(std::string_view name, bool value, bool usual) {
    if (value != usual) {
      map_.add(name, value ? "true" : "false");
    }
  }
  void add(std::string_view name, const Changes& inner) {
    if (!inner.empty()) {
      map_.add(name, inner.text());
    }
  }
  [[nodiscard]] bool empty() const { return map_.empty(); }
  [[nodiscard]] std::string text() const { return map_.text(); }

 private:
  FlowMap map_;
};

Changes changes(const sim::LinkRules& link) {
  const sim::LinkRules usual;
  Changes map;
  map.add("latency", link.latency, usual.latency);
  map.add("jitter", link.jitter, usual.jitter);
  map.add("bytes_per_second", link.bytes_per_second, usual.bytes_per_second);
  map.add("buffer", link.buffer_bytes, usual.buffer_bytes);
  return map;
}

Changes changes(const sim::NetworkRules& network) {
  const sim::NetworkRules usual;
  Changes map;
  map.add("client", changes(network.client));
  map.add("agent", changes(network.agent));
  map.add("open_round_trips", network.open_round_trips, usual.open_round_trips);
  map.add("connect_timeout", network.connect_timeout, usual.connect_timeout);
  map.add("unsent_timeout", network.unsent_timeout, usual.unsent_timeout);
  map.add("keep_alive_timeout", network.keep_alive_timeout, usual.keep_alive_timeout);
  return map;
}

Changes changes(const protocol::ServiceRules& service) {
  const protocol::ServiceRules usual;
  Changes map;
  map.add("agent_join_limit", service.agent_join_limit, usual.agent_join_limit);
  map.add("client_join_limit", service.client_join_limit, usual.client_join_limit);
  map.add("client_absence_limit", service.client_absence_limit, usual.client_absence_limit);
  map.add("agent_absence_limit", service.agent_absence_limit, usual.agent_absence_limit);
  map.add("idle_timeout", service.idle_timeout, usual.idle_timeout);
  map.add("max_duration", service.max_duration, usual.max_duration);
  map.add("close_linger", service.close_linger, usual.close_linger);
  map.add("held_messages", service.held_messages, usual.held_messages);
  map.add("held_bytes", service.held_bytes, usual.held_bytes);
  map.add_flag("publication_control", service.publication_control, usual.publication_control);
  map.add("resume_grace", service.resume_grace, usual.resume_grace);
  map.add("recycle_after", service.recycle_after, usual.recycle_after);
  map.add("rate_limit", std::uint64_t{service.rate_limit}, usual.rate_limit);
  map.add("rate_burst", std::uint64_t{service.rate_burst}, usual.rate_burst);
  map.add_flag("rate_closes", service.rate_action == protocol::RateAction::close, false);
  return map;
}

FlowMap workload_map(const sim::Workload& workload) {
  FlowMap map;
  map.add("kind", name(workload.kind));
  if (workload.size != 0) {
    map.add_number("size", std::optional(workload.size));
  }
  if (workload.seed != 0) {
    map.add_number("seed", std::optional(workload.seed));
  }
  if (workload.ends_input) {
    map.add("ends_input", "true");
  }
  if (workload.ssh) {
    map.add("ssh", "true");
  }
  if (workload.encrypted) {
    map.add("encrypted", "true");
  }
  return map;
}

std::string bounds_text(const std::vector<sim::Expectation::Bound>& bounds) {
  std::string text = "    bounds:\n";
  for (const sim::Expectation::Bound& bound : bounds) {
    FlowMap map;
    map.add("measure", bound.measure);
    map.add_number("min", bound.min);
    map.add_number("max", bound.max);
    text += fmt::format("      - {}\n", map.text());
  }
  return text;
}

std::string case_text(std::string_view which, const sim::Case& one) {
  std::string text =
      fmt::format("{}:\n  client: {}\n  agent: {}\n  expect:\n", which, one.client, one.agent);
  const sim::Expectation& expect = one.expect;
  text += fmt::format("    observed: {}\n", quoted(expect.observed));
  if (expect.outcome) {
    text += fmt::format("    outcome: {}\n", name(*expect.outcome));
  }
  if (expect.violates) {
    text += fmt::format("    violates: {}\n", name(*expect.violates));
  }
  const auto optional_text = [&text](std::string_view field, const std::string& value) {
    if (!value.empty()) {
      text += fmt::format("    {}: {}\n", field, quoted(value));
    }
  };
  optional_text("text_contains", expect.text_contains);
  optional_text("client_end", expect.client_end);
  optional_text("agent_end", expect.agent_end);
  if (!expect.bounds.empty()) {
    text += bounds_text(expect.bounds);
  }
  return text;
}

std::string run_text(const sim::RunConfig& config) {
  std::string text;
  if (config.seed != 0) {
    text += fmt::format("seed: {}\n", config.seed);
  }
  if (const Changes network = changes(config.network); !network.empty()) {
    text += fmt::format("network: {}\n", network.text());
  }
  if (const Changes service = changes(config.service); !service.empty()) {
    text += fmt::format("service: {}\n", service.text());
  }
  text += fmt::format("workload: {}\n", workload_map(config.workload).text());
  if (config.plan != fault::Plan{}) {
    text += "faults:\n" + detail::indented(to_yaml(config.plan), 2);
  }
  const sim::RunConfig usual;
  if (config.fault_phase != usual.fault_phase) {
    text += fmt::format("fault_phase: {}\n", detail::duration_text(config.fault_phase));
  }
  if (config.heal_limit != usual.heal_limit) {
    text += fmt::format("heal_limit: {}\n", detail::duration_text(config.heal_limit));
  }
  return text;
}

}  // namespace

std::string to_yaml(const sim::Scenario& scenario, std::string_view comment) {
  std::string text = detail::commented(comment);
  text += fmt::format("name: {}\n", quoted(scenario.name));
  if (!scenario.title.empty()) {
    text += fmt::format("title: {}\n", quoted(scenario.title));
  }
  if (!scenario.references.empty()) {
    text += "references:\n";
    for (const std::string& reference : scenario.references) {
      text += fmt::format("  - {}\n", quoted(reference));
    }
  }
  if (!scenario.description.empty()) {
    text += fmt::format("description: {}\n", quoted(scenario.description));
  }
  text += run_text(scenario.config);
  if (scenario.affected) {
    text += case_text("affected", *scenario.affected);
  }
  return text + case_text("strict", scenario.strict);
}

}  // namespace ssm::config
