#include "ssm/config/scenario.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include "detail/node.hpp"
#include "detail/plan_converter.hpp"
#include "detail/plan_names.hpp"
#include "ssm/config/document.hpp"
#include "ssm/schema/v1/scenario.pb.h"

namespace ssm::config {
namespace {

using detail::duration_from;
using protocol::Duration;
namespace schema = schema::v1;

/// More is not a network, and times of several round trips must not overflow.
constexpr Duration longest_latency = std::chrono::hours(1);

/// What one workload may be asked for: keys and connections are planned one by one, and a run ends.
constexpr std::uint64_t most_keys = 1'000'000;
constexpr std::uint64_t most_connections = 100'000;
constexpr std::uint64_t most_minutes = 10 * 365 * 24 * 60;
constexpr std::uint64_t most_bytes = 1'000'000'000'000;

template <class Profile>
std::string profile_names(std::span<const Profile> profiles) {
  std::string names;
  for (const Profile& profile : profiles) {
    names += (names.empty() ? "" : ", ") + std::string(profile.name);
  }
  return names;
}

std::uint64_t largest_size(sim::WorkloadKind kind) {
  switch (kind) {
    case sim::WorkloadKind::typing:
      return most_keys;
    case sim::WorkloadKind::ports:
    case sim::WorkloadKind::half_close:
    case sim::WorkloadKind::slow_reader:
      return most_connections;
    case sim::WorkloadKind::idle:
    case sim::WorkloadKind::idle_ports:
      return most_minutes;
    default:
      return most_bytes;
  }
}

/// All names of an enumeration that has a name() and a find function.
template <class Enumeration>
std::string names_of(std::size_t count) {
  std::string names;
  for (std::size_t i = 0; i < count; ++i) {
    names += (i == 0 ? "" : ", ") + std::string(sim::name(static_cast<Enumeration>(i)));
  }
  return names;
}

/// From the schema's message, whose fields are each in range, to the simulator's types, with the
/// checks that take a table or more than one field.
class Converter {
 public:
  Converter(std::string_view file, const Positions& positions)
      : file_(file), positions_(positions) {}

  [[nodiscard]] Loaded<sim::Scenario> convert(const schema::Scenario& from);

 private:
  void network(const schema::ScenarioNetwork& from, sim::NetworkRules& into);
  void link(const std::string& path, const schema::ScenarioLink& from, sim::LinkRules& into);
  void service(const schema::ScenarioService& from, protocol::ServiceRules& into);
  void workload(const schema::ScenarioWorkload& from, sim::Workload& into);
  sim::Case one_case(const std::string& path, const schema::ScenarioCase& from);
  sim::Expectation expectation(const std::string& path, const schema::ScenarioExpectation& from);
  sim::Expectation::Bound bound(const std::string& path, const schema::ScenarioBound& from);

  [[nodiscard]] bool present(std::string_view path) const {
    return positions_.find(path) != positions_.end();
  }

  /// Where the field is written; else where the thing is that should have it.
  [[nodiscard]] Position position_of(std::string_view path) const {
    auto found = positions_.find(path);
    while (found == positions_.end() && path.find('.') != std::string_view::npos) {
      path = path.substr(0, path.rfind('.'));
      found = positions_.find(path);
    }
    return found != positions_.end() ? found->second : Position{1, 1};
  }

  void add(const std::string& path, std::string expected, std::string seen) {
    problems_.list.push_back(
        {file_, position_of(path), path, std::move(expected), std::move(seen)});
  }

  std::string file_;
  const Positions& positions_;
  Problems problems_;
};

Loaded<sim::Scenario> Converter::convert(const schema::Scenario& from) {
  sim::Scenario scenario;
  scenario.name = from.name();
  scenario.title = from.title();
  scenario.references.assign(from.references().begin(), from.references().end());
  scenario.description = from.description();
  scenario.config.seed = from.seed();
  network(from.network(), scenario.config.network);
  service(from.service(), scenario.config.service);
  workload(from.workload(), scenario.config.workload);
  if (from.has_faults()) {
    Loaded<fault::Plan> plan = detail::convert_fault_plan(from.faults(), file_, positions_,
                                                          fault::Driver::simulate, "faults.");
    if (plan) {
      scenario.config.plan = std::move(*plan);
    } else {
      problems_ = plan.error();
    }
  }
  if (from.has_fault_phase()) {
    scenario.config.fault_phase = duration_from(from.fault_phase());
  }
  if (from.has_heal_limit()) {
    scenario.config.heal_limit = duration_from(from.heal_limit());
  }
  if (from.has_affected()) {
    scenario.affected = one_case("affected", from.affected());
  }
  scenario.strict = one_case("strict", from.strict());
  if (!problems_.list.empty()) {
    problems_.arrange();
    return std::move(problems_);
  }
  return scenario;
}

void Converter::network(const schema::ScenarioNetwork& from, sim::NetworkRules& into) {
  link("network.client", from.client(), into.client);
  link("network.agent", from.agent(), into.agent);
  if (from.has_open_round_trips()) {
    into.open_round_trips = from.open_round_trips();
  }
  if (from.has_connect_timeout()) {
    into.connect_timeout = duration_from(from.connect_timeout());
  }
  if (from.has_unsent_timeout()) {
    into.unsent_timeout = duration_from(from.unsent_timeout());
  }
  if (from.has_keep_alive_timeout()) {
    into.keep_alive_timeout = duration_from(from.keep_alive_timeout());
  }
}

void Converter::link(const std::string& path, const schema::ScenarioLink& from,
                     sim::LinkRules& into) {
  const auto time = [&](const char* field, const google::protobuf::Duration& value,
                        Duration& target) {
    target = duration_from(value);
    if (target > longest_latency) {
      add(path + field, "at most " + detail::duration_text(longest_latency),
          detail::duration_text(target));
    }
  };
  if (from.has_latency()) {
    time(".latency", from.latency(), into.latency);
  }
  if (from.has_jitter()) {
    time(".jitter", from.jitter(), into.jitter);
  }
  if (from.has_bytes_per_second()) {
    into.bytes_per_second = from.bytes_per_second();
  }
  if (from.has_buffer()) {
    into.buffer_bytes = from.buffer();
  }
}

void Converter::service(const schema::ScenarioService& from, protocol::ServiceRules& into) {
  const auto time = [](bool present, const google::protobuf::Duration& value, Duration& target) {
    if (present) {
      target = duration_from(value);
    }
  };
  time(from.has_agent_join_limit(), from.agent_join_limit(), into.agent_join_limit);
  time(from.has_client_join_limit(), from.client_join_limit(), into.client_join_limit);
  time(from.has_client_absence_limit(), from.client_absence_limit(), into.client_absence_limit);
  time(from.has_agent_absence_limit(), from.agent_absence_limit(), into.agent_absence_limit);
  time(from.has_idle_timeout(), from.idle_timeout(), into.idle_timeout);
  time(from.has_max_duration(), from.max_duration(), into.max_duration);
  time(from.has_close_linger(), from.close_linger(), into.close_linger);
  if (from.has_held_messages()) {
    into.held_messages = from.held_messages();
  }
  if (from.has_held_bytes()) {
    into.held_bytes = from.held_bytes();
  }
  if (from.has_publication_control()) {
    into.publication_control = from.publication_control();
  }
  time(from.has_resume_grace(), from.resume_grace(), into.resume_grace);
  time(from.has_recycle_after(), from.recycle_after(), into.recycle_after);
  if (from.has_rate_limit()) {
    into.rate_limit = static_cast<std::uint32_t>(from.rate_limit());
  }
  if (from.has_rate_burst()) {
    into.rate_burst = static_cast<std::uint32_t>(from.rate_burst());
  }
  if (from.rate_closes()) {
    into.rate_action = protocol::RateAction::close;
  }
}

void Converter::workload(const schema::ScenarioWorkload& from, sim::Workload& into) {
  into.size = from.size();
  into.seed = from.seed();
  into.ends_input = from.ends_input();
  into.ssh = from.ssh();
  into.encrypted = from.encrypted();
  const auto kind = sim::find_workload(from.kind());
  if (!kind) {
    add("workload.kind", "one of " + names_of<sim::WorkloadKind>(sim::workload_kind_count),
        detail::quote(from.kind()));
    return;
  }
  into.kind = *kind;
  const std::uint64_t most = largest_size(*kind);
  if (from.size() > most) {
    add("workload.size", fmt::format("at most {} for this kind", most),
        fmt::format("{}", from.size()));
  }
}

sim::Case Converter::one_case(const std::string& path, const schema::ScenarioCase& from) {
  sim::Case result;
  if (present(path + ".client")) {
    result.client = from.client();
  }
  if (present(path + ".agent")) {
    result.agent = from.agent();
  }
  if (protocol::find_client_profile(result.client) == nullptr) {
    add(path + ".client",
        "a client's profile, one of " + profile_names(protocol::client_profiles()),
        detail::quote(result.client));
  }
  if (protocol::find_agent_profile(result.agent) == nullptr) {
    add(path + ".agent", "an agent's profile, one of " + profile_names(protocol::agent_profiles()),
        detail::quote(result.agent));
  }
  result.expect = expectation(path + ".expect", from.expect());
  return result;
}

sim::Expectation Converter::expectation(const std::string& path,
                                        const schema::ScenarioExpectation& from) {
  sim::Expectation result;
  result.observed = from.observed();
  if (present(path + ".outcome")) {
    result.outcome = sim::find_outcome(from.outcome());
    if (!result.outcome) {
      add(path + ".outcome", "one of completed, ended, violated", detail::quote(from.outcome()));
    }
  }
  if (present(path + ".violates")) {
    result.violates = sim::find_invariant(from.violates());
    if (!result.violates) {
      add(path + ".violates", "one of " + names_of<sim::Invariant>(sim::invariant_count),
          detail::quote(from.violates()));
    }
    if (result.outcome && *result.outcome != sim::Outcome::violated) {
      add(path + ".violates", "no violated invariant beside this outcome",
          detail::quote(from.violates()));
    }
  }
  result.text_contains = from.text_contains();
  result.client_end = from.client_end();
  result.agent_end = from.agent_end();
  for (int i = 0; i < from.bounds_size(); ++i) {
    result.bounds.push_back(bound(fmt::format("{}.bounds[{}]", path, i), from.bounds(i)));
  }
  return result;
}

sim::Expectation::Bound Converter::bound(const std::string& path,
                                         const schema::ScenarioBound& from) {
  sim::Expectation::Bound result{.measure = from.measure()};
  const std::vector<std::string> names = sim::measure_names();
  if (std::find(names.begin(), names.end(), from.measure()) == names.end()) {
    add(path + ".measure", fmt::format("one of {}", fmt::join(names, ", ")),
        detail::quote(from.measure()));
  }
  if (from.has_min()) {
    result.min = from.min();
  }
  if (from.has_max()) {
    result.max = from.max();
  }
  if (!result.min && !result.max) {
    add(path, "min, max or both", "none of them");
  } else if (result.min && result.max && *result.max < *result.min) {
    add(path + ".max", fmt::format("at least min, which is {}", *result.min),
        fmt::format("{}", *result.max));
  }
  return result;
}

}  // namespace

Loaded<sim::Scenario> parse_scenario(std::string_view text, std::string_view file) {
  schema::Scenario message;
  const Loaded<Positions> positions = load_document(text, file, message);
  if (!positions) {
    return positions.error();
  }
  return Converter(file, *positions).convert(message);
}

Loaded<sim::Scenario> load_scenario(const std::string& path) {
  const Loaded<std::string> text = read_file(path);
  if (!text) {
    return text.error();
  }
  return parse_scenario(*text, path);
}

}  // namespace ssm::config
