#include "simulate_scenario.hpp"

#include "command_line.hpp"
#include "exit_code.hpp"
#include "trace_observer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json.hpp>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "ssm/config/scenario.hpp"
#include "ssm/scenarios/bugs.hpp"
#include "ssm/sim/scenario.hpp"

namespace ssmsim {
namespace {

namespace config = ssm::config;
namespace fs = std::filesystem;
namespace json = boost::json;
namespace scenarios = ssm::scenarios;
namespace sim = ssm::sim;

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

/// The text in lines of at most `width`, each but the first behind `indent` spaces.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width = 100) {
  std::string result;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, length);
    if (column > indent && column + 1 + word.size() > width) {
      result += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return result;
}

/// `  expected  text`
void print_row(std::string_view what, std::string_view text) {
  constexpr std::size_t indent = 12;
  print(fmt::format("  {:<{}}{}\n", what, indent - 2, wrapped(text, indent)));
}

json::array texts(const std::vector<std::string>& list) {
  return json::array(list.begin(), list.end());
}

// --- the scenarios ------------------------------------------------------------------------------

config::Loaded<sim::Scenario> load_embedded(const scenarios::Embedded& bug) {
  return config::parse_scenario(bug.text, fmt::format("bugs/{}.yaml", bug.name));
}

config::Loaded<sim::Scenario> load(const std::string& name) {
  const scenarios::Embedded* bug = scenarios::find_bug(name);
  return bug != nullptr ? load_embedded(*bug) : config::load_scenario(name);
}

json::object json_of(const sim::Case& one) {
  return {{"client", one.client}, {"agent", one.agent}, {"observed", one.expect.observed}};
}

int list(bool as_json) {
  json::array all;
  for (const scenarios::Embedded& bug : scenarios::bugs()) {
    const config::Loaded<sim::Scenario> scenario = load_embedded(bug);
    if (!scenario) {
      print_error(scenario.error().to_string());
      return exit_infrastructure;
    }
    if (as_json) {
      json::object one{{"name", scenario->name},
                       {"title", scenario->title},
                       {"references", texts(scenario->references)},
                       {"description", scenario->description},
                       {"strict", json_of(scenario->strict)}};
      if (scenario->affected) {
        one["affected"] = json_of(*scenario->affected);
      }
      all.push_back(std::move(one));
      continue;
    }
    print(fmt::format("{:<9}{}\n", scenario->name, scenario->title));
    if (scenario->affected) {
      print(fmt::format("         {} with {}\n", scenario->affected->client,
                        scenario->affected->agent));
    }
  }
  if (as_json) {
    print(json::serialize(all) + "\n");
  }
  return exit_ok;
}

// --- recordings ---------------------------------------------------------------------------------

fs::path recording_path(const ScenarioOptions& options, const sim::Scenario& scenario,
                        std::string_view which) {
  std::string name = scenario.name;
  std::replace_if(
      name.begin(), name.end(),
      [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '.'; }, '_');
  return fs::path(options.directory) / fmt::format("{}-{}.ssmtrace", name, which);
}

/// Runs the case, recorded if that was asked for; nothing if the recording could not be written,
/// which was said.
std::optional<sim::CaseResult> run(const sim::Scenario& scenario, const sim::Case& which,
                                   const std::string& path) {
  if (path.empty()) {
    sim::Observer nobody;
    return sim::run_case(scenario, which, nobody);
  }
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  fs::remove(path, error);
  auto file = ssm::trace::create_file(path);
  if (!file) {
    print_error(fmt::format("--out: {}", file.error().to_string()));
    return std::nullopt;
  }
  TraceObserver observer(std::move(*file), "simulated");
  sim::CaseResult result = sim::run_case(scenario, which, observer);
  if (observer.failed()) {
    print_error(fmt::format("--out: cannot write '{}'", path));
    return std::nullopt;
  }
  return result;
}

// --- report -------------------------------------------------------------------------------------

/// One run and what it is called.
struct Report {
  std::string_view which;
  const sim::Case& expected;
  sim::CaseResult result;
  std::string recording;
  /// Held against what was expected.
  bool judged = true;
};

std::string observed(const sim::RunResult& run) {
  return run.text.empty() ? std::string(sim::name(run.outcome))
                          : fmt::format("{}: {}", sim::name(run.outcome), run.text);
}

std::string measures_text(const sim::CaseResult& result) {
  std::string text;
  for (const auto& [name, value] : result.measures) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  }
  return text;
}

void print_report(const Report& report) {
  print(fmt::format("\n{}: {} with {}\n", report.which, report.expected.client,
                    report.expected.agent));
  if (report.judged) {
    print_row("expected", report.expected.expect.observed);
  }
  print_row("observed", observed(report.result.run));
  print_row("measures", measures_text(report.result));
  if (!report.recording.empty()) {
    print_row("recording", report.recording);
  }
  if (!report.judged) {
    return;
  }
  print_row("verdict", report.result.differences.empty() ? "as described" : "not as described");
  for (const std::string& difference : report.result.differences) {
    print_row("", difference);
  }
}

json::object json_of(const Report& report) {
  json::object measures;
  for (const auto& [name, value] : report.result.measures) {
    measures[name] = value;
  }
  json::object object{{"case", json::string(report.which)},
                      {"client", report.expected.client},
                      {"agent", report.expected.agent},
                      {"outcome", json::string(sim::name(report.result.run.outcome))},
                      {"text", report.result.run.text},
                      {"measures", std::move(measures)}};
  if (report.judged) {
    object["expected"] = report.expected.expect.observed;
    object["as_described"] = report.result.differences.empty();
    object["differences"] = texts(report.result.differences);
  }
  if (!report.recording.empty()) {
    object["recording"] = report.recording;
  }
  return object;
}

void print_head(const sim::Scenario& scenario) {
  print(fmt::format("{}{}{}\n", scenario.name, scenario.title.empty() ? "" : ": ", scenario.title));
  if (!scenario.references.empty()) {
    print(fmt::format("{}\n", fmt::join(scenario.references, ", ")));
  }
  std::string_view text = scenario.description;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    print(fmt::format("  {}\n", wrapped(line, 2)));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
}

/// The case with the profiles that were asked for.
sim::Case with_profiles(sim::Case one, const ScenarioOptions& options) {
  if (options.client != nullptr) {
    one.client = options.client->name;
  }
  if (options.agent != nullptr) {
    one.agent = options.agent->name;
  }
  return one;
}

}  // namespace

int simulate_scenario(const char* command, const ScenarioOptions& options) {
  if (options.scenario == "list") {
    return list(options.json);
  }
  const config::Loaded<sim::Scenario> scenario = load(options.scenario);
  if (!scenario) {
    const bool is_file = fs::exists(options.scenario);
    return usage_error(command,
                       "--scenario: " + scenario.error().to_string() +
                           (is_file ? "" : "; `--scenario list` shows the names of the others"));
  }
  const bool judged = options.client == nullptr && options.agent == nullptr;
  const sim::Case asked_for = with_profiles(scenario->strict, options);
  std::vector<std::pair<std::string_view, const sim::Case*>> cases;
  if (!judged) {
    cases.emplace_back("asked for", &asked_for);
  } else {
    if (scenario->affected) {
      cases.emplace_back("affected", &*scenario->affected);
    }
    cases.emplace_back("strict", &scenario->strict);
  }
  if (!options.json) {
    print_head(*scenario);
  }
  json::array reports;
  bool as_described = true;
  for (const auto& [which, one] : cases) {
    const std::string path =
        options.directory.empty()
            ? std::string()
            : recording_path(options, *scenario, judged ? which : "profile").string();
    std::optional<sim::CaseResult> result = run(*scenario, *one, path);
    if (!result) {
      return exit_infrastructure;
    }
    as_described &= !judged || result->differences.empty();
    const Report report{which, *one, std::move(*result), path, judged};
    if (options.json) {
      reports.push_back(json_of(report));
    } else {
      print_report(report);
    }
  }
  if (options.json) {
    json::object object{{"name", scenario->name},
                        {"title", scenario->title},
                        {"references", texts(scenario->references)},
                        {"cases", std::move(reports)}};
    if (judged) {
      object["as_described"] = as_described;
    }
    print(json::serialize(object) + "\n");
  }
  return as_described ? exit_ok : exit_findings;
}

}  // namespace ssmsim
