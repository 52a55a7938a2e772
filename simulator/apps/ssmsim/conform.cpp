#include "command_line.hpp"
#include "commands.hpp"
#include "exit_code.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ssm/conformance/client_run.hpp"
#include "ssm/conformance/report.hpp"

namespace ssmsim {
namespace {

namespace conformance = ssm::conformance;

constexpr const char* client_command = "ssmsim conform client";
constexpr double longest_timeout_s = 3600;

struct ClientArguments {
  std::string program;
  std::vector<std::string> rest;
  std::string filter;
  std::string junit;
  std::string level = "should";
  double timeout_s = 10;
  bool json = false;
  bool list = false;
};

struct ListArguments {
  std::string filter;
  bool json = false;
};

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

bool has_color() {
  const char* no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  return (no_color == nullptr || *no_color == '\0') && isatty(STDOUT_FILENO) == 1;
}

/// Requirements that the filter names itself or by one of their cases.
std::vector<const conformance::Requirement*> selected_requirements(const std::string& filter) {
  std::vector<const conformance::Requirement*> selected;
  for (const conformance::Requirement& requirement : conformance::requirements()) {
    bool any = conformance::selects(filter, requirement.id, {});
    for (const conformance::Case& definition : conformance::client_cases()) {
      any |= definition.requirement_id() == requirement.id &&
             conformance::selects(filter, requirement.id, definition.id);
    }
    if (any) {
      selected.push_back(&requirement);
    }
  }
  return selected;
}

int no_match(std::string_view command, const std::string& filter) {
  return usage_error(command,
                     fmt::format("--filter '{}' names no requirement and no case; `ssmsim conform "
                                 "list` shows all",
                                 filter));
}

// --- client -------------------------------------------------------------------------------------

conformance::Level level_from(const std::string& text) {
  using conformance::Level;
  return text == "must" ? Level::must : text == "may" ? Level::may : Level::should;
}

int list_cases(const std::string& filter) {
  for (const conformance::Case& definition : conformance::client_cases()) {
    if (conformance::selects(filter, definition.requirement_id(), definition.id)) {
      print(fmt::format("{:<32} {}\n", definition.id, definition.does));
    }
  }
  return exit_ok;
}

int exit_code(const conformance::Totals& totals) {
  if (totals.failed > 0) {
    return exit_findings;
  }
  return totals.errors > 0 ? exit_infrastructure : exit_ok;
}

/// Program and arguments; nullopt if an unknown option or no dashes stand before them.
std::optional<std::vector<std::string>> client_words(const ClientArguments& arguments) {
  std::vector<std::string> words;
  if (!arguments.rest.empty() && arguments.rest.front() != "--") {
    return std::nullopt;
  }
  if (!arguments.program.empty()) {
    words = arguments.rest;
    if (words.empty()) {
      words.emplace_back();
    }
    words.front() = arguments.program;
  }
  return words;
}

int run_client(const ClientArguments& arguments) {
  const auto command = client_words(arguments);
  if (!command) {
    return usage_error(
        client_command,
        fmt::format("expected options, then --, then the client's command; seen '{}'",
                    arguments.rest.front()));
  }
  if (selected_requirements(arguments.filter).empty()) {
    return no_match(client_command, arguments.filter);
  }
  if (arguments.list) {
    return list_cases(arguments.filter);
  }
  if (command->empty()) {
    return usage_error(client_command, "expected the client's command after --");
  }
  std::ofstream junit;
  if (!arguments.junit.empty()) {
    junit.open(arguments.junit);
    if (!junit) {
      print_error(fmt::format("--junit: cannot write '{}'", arguments.junit));
      return exit_infrastructure;
    }
  }
  const conformance::ReportOptions report{.command = *command,
                                          .color = !arguments.json && has_color(),
                                          .weakest_level = level_from(arguments.level)};
  std::string area;
  const auto show = [&](const conformance::CaseResult& result) {
    const std::string_view id = result.requirement->id;
    if (const auto now = std::string(id.substr(0, id.find('-'))); now != area) {
      area = now;
      print(area + "\n");
    }
    print(conformance::text_line(result, report));
  };
  const auto results = conformance::run_client_cases(
      {.command = *command,
       .filter = arguments.filter,
       .timeout = std::chrono::duration_cast<ssm::protocol::Duration>(
           std::chrono::duration<double>(arguments.timeout_s))},
      arguments.json ? nullptr : std::function<void(const conformance::CaseResult&)>(show));
  print(arguments.json ? conformance::json_report(results, report)
                       : conformance::text_summary(results, report));
  if (junit.is_open()) {
    junit << conformance::junit_report(results, report);
    junit.close();
    if (!junit) {
      print_error(fmt::format("--junit: cannot write '{}'", arguments.junit));
      return exit_infrastructure;
    }
  }
  return exit_code(conformance::count(results, report.weakest_level));
}

std::string client_footer() {
  std::string text =
      "Each case starts the client anew in a terminal of its own, against a scripted service and\n"
      "agent on a free loopback port. COMMAND stands after --; in its arguments these are "
      "replaced:\n";
  for (const conformance::Placeholder& placeholder : conformance::placeholders()) {
    text += fmt::format("  {:<13} {}\n", placeholder.text, placeholder.meaning);
  }
  return text +
         "The environment has the same as SSMSIM_ENDPOINT, SSMSIM_STREAM_URL, SSMSIM_TOKEN_VALUE,\n"
         "SSMSIM_SESSION_ID, SSMSIM_TARGET and SSMSIM_REGION, and for AWS clients credentials,\n"
         "region and AWS_ENDPOINT_URL.\n"
         "\n"
         "The client must open a shell session, show its output on the terminal, and send what is\n"
         "typed there.\n"
         "\n"
         "Examples:\n"
         "  ssmsim conform client -- ssmsim connect shell --endpoint {endpoint} --target {target}\n"
         "  ssmsim conform client --filter 'WIRE-01*' -- ./my-client {stream_url} {token}\n"
         "  ssmsim conform client --level must --junit report.xml -- \\\n"
         "      aws --endpoint-url {endpoint} ssm start-session --target {target}\n"
         "  ssmsim conform client --list\n"
         "\n"
         "Exit codes: 0 all cases passed, 1 a case failed, 2 usage, 3 a case could not be run.";
}

void add_client(CLI::App& conform, Action& action) {
  auto arguments = std::make_shared<ClientArguments>();
  CLI::App* client = conform.add_subcommand("client", "Judge a client, by running it");
  client->footer(client_footer());
  client
      ->add_option("-f,--filter", arguments->filter,
                   "Requirements or cases to judge; * and ? as in file names")
      ->type_name("GLOB");
  client
      ->add_option("--level", arguments->level,
                   "Weakest level whose failures count; weaker ones are shown only")
      ->check(CLI::IsMember({"must", "should", "may"}))
      ->capture_default_str();
  client
      ->add_option("--timeout", arguments->timeout_s,
                   "How long to wait for each thing a good client does")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.001, longest_timeout_s))
      ->capture_default_str();
  client->add_flag("--json", arguments->json, "One JSON object instead of text");
  client->add_option("--junit", arguments->junit, "Write a JUnit report too")->type_name("FILE");
  client->add_flag("--list", arguments->list, "List the cases and run none");
  // One word for the program, the rest as it is: CLI11 would take the words of a list apart where
  // they look like ["22"].
  client->add_option("COMMAND", arguments->program, "The client, after --; its arguments follow")
      ->type_name("");
  client->prefix_command();
  client->callback([arguments, client, &action] {
    arguments->rest = client->remaining();
    action = [arguments] { return run_client(*arguments); };
  });
}

// --- list, explain ------------------------------------------------------------------------------

std::string joined(std::span<const conformance::Role> roles) {
  std::string text;
  for (const conformance::Role role : roles) {
    text += text.empty() ? "" : ", ";
    text += name(role);
  }
  return text;
}

boost::json::object requirement_json(const conformance::Requirement& requirement) {
  namespace json = boost::json;
  const auto text = [](std::string_view view) { return json::string(view); };
  json::array roles;
  for (const conformance::Role role : requirement.roles) {
    roles.push_back(text(name(role)));
  }
  json::array evidence;
  for (const conformance::Evidence& entry : requirement.evidence) {
    evidence.push_back({{"program", text(entry.program)},
                        {"version", text(entry.version)},
                        {"path", text(entry.path)}});
  }
  json::array cases;
  for (const conformance::Case& definition : conformance::client_cases()) {
    if (definition.requirement_id() == requirement.id) {
      cases.push_back({{"id", text(definition.id)},
                       {"role", "client"},
                       {"does", text(definition.does)},
                       {"expects", text(definition.expects)}});
    }
  }
  json::object object;
  object["id"] = text(requirement.id);
  object["level"] = text(name(requirement.level));
  object["roles"] = std::move(roles);
  object["title"] = text(requirement.title);
  object["basis"] = text(name(requirement.basis));
  object["evidence"] = std::move(evidence);
  object["note"] = text(requirement.note);
  object["cases"] = std::move(cases);
  return object;
}

int list(const ListArguments& arguments) {
  const auto selected = selected_requirements(arguments.filter);
  if (selected.empty()) {
    return no_match("ssmsim conform list", arguments.filter);
  }
  boost::json::array all;
  for (const conformance::Requirement* requirement : selected) {
    if (arguments.json) {
      all.push_back(requirement_json(*requirement));
    } else {
      print(fmt::format("{:<9} {:<6} {:<14} {}\n", requirement->id, name(requirement->level),
                        joined(requirement->roles), requirement->title));
    }
  }
  if (arguments.json) {
    print(boost::json::serialize(all) + "\n");
  }
  return exit_ok;
}

int explain(const std::string& id) {
  // A case explains itself with its requirement.
  const std::string requirement_id = id.substr(0, id.find('/'));
  const conformance::Requirement* requirement = conformance::find_requirement(requirement_id);
  if (requirement == nullptr) {
    return usage_error("ssmsim conform explain",
                       fmt::format("there is no requirement '{}'; `ssmsim conform list` shows all",
                                   requirement_id));
  }
  print(fmt::format("{} ({}, {})\n{}\n", requirement->id, name(requirement->level),
                    joined(requirement->roles), requirement->title));
  if (!requirement->note.empty()) {
    print(fmt::format("{}\n", requirement->note));
  }
  print(fmt::format("\nEvidence, {}:\n", name(requirement->basis)));
  for (const conformance::Evidence& entry : requirement->evidence) {
    print(fmt::format("  {} {} {}\n", entry.program, entry.version, entry.path));
  }
  bool any = false;
  for (const conformance::Case& definition : conformance::client_cases()) {
    if (definition.requirement_id() == requirement->id) {
      print(fmt::format("{}  {}\n    {}\n    expects: {}\n", any ? "" : "\nCases for clients:\n",
                        definition.id, definition.does, definition.expects));
      any = true;
    }
  }
  if (!any) {
    print("\nThere is no case for it yet.\n");
  }
  return exit_ok;
}

void add_list(CLI::App& conform, Action& action) {
  auto arguments = std::make_shared<ListArguments>();
  CLI::App* command = conform.add_subcommand("list", "List the requirements");
  command
      ->add_option("-f,--filter", arguments->filter,
                   "Requirements to list; * and ? as in file names")
      ->type_name("GLOB");
  command->add_flag("--json", arguments->json, "A JSON array, with evidence and cases");
  command->footer(
      "Examples:\n"
      "  ssmsim conform list\n"
      "  ssmsim conform list --filter 'WIRE-01*' --json");
  command->callback([arguments, &action] { action = [arguments] { return list(*arguments); }; });
}

void add_explain(CLI::App& conform, Action& action) {
  auto id = std::make_shared<std::string>();
  CLI::App* command =
      conform.add_subcommand("explain", "Show one requirement, its evidence and its cases");
  command->add_option("ID", *id, "Requirement or case")->required();
  command->footer("Examples:\n  ssmsim conform explain WIRE-010");
  command->callback([id, &action] { action = [id] { return explain(*id); }; });
}

}  // namespace

void add_conform_command(CLI::App& app, Action& action) {
  CLI::App* conform = app.add_subcommand("conform", "Judge an implementation by the protocol");
  conform->require_subcommand(1);
  conform->footer(
      "Examples:\n"
      "  ssmsim conform client -- ssmsim connect shell --endpoint {endpoint} --target {target}\n"
      "  ssmsim conform explain WIRE-010");
  add_client(*conform, action);
  add_list(*conform, action);
  add_explain(*conform, action);
}

}  // namespace ssmsim
