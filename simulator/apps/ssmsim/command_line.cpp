#include "command_line.hpp"

#include "exit_code.hpp"

#include <fmt/format.h>
#include <CLI/Error.hpp>

#include <cstdio>
#include <iostream>

namespace ssmsim {
namespace {

/// The subcommand that was being read when the mistake was found.
const CLI::App& innermost(const CLI::App& app, std::string& full_name) {
  full_name += full_name.empty() ? app.get_name() : " " + app.get_name();
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : innermost(*parsed.back(), full_name);
}

std::string names_of_subcommands(const CLI::App& app) {
  std::string names;
  for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; })) {
    names += (names.empty() ? "" : ", ") + subcommand->get_name();
  }
  return names;
}

}  // namespace

bool parse_command_line(CLI::App& app, int argc, const char* const* argv, int& status) {
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      status = app.exit(error, std::cout, std::cerr);
      return false;
    }
    std::string name;
    const CLI::App& where = innermost(app, name);
    std::string text = error.what();
    if (const std::string expected = names_of_subcommands(where); !expected.empty()) {
      text += fmt::format("; expected one of: {}", expected);
    }
    status = usage_error(name, text);
    return false;
  }
}

void print_error(std::string_view text) {
  const std::string line = fmt::format("ssmsim: {}\n", text);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

int usage_error(std::string_view command, std::string_view text) {
  print_error(text);
  const std::string hint = fmt::format("Try `{} --help`.\n", command);
  std::fwrite(hint.data(), 1, hint.size(), stderr);
  return exit_usage;
}

}  // namespace ssmsim
