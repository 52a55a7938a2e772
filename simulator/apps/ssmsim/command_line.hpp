#pragma once

#include <CLI/App.hpp>

#include <string>
#include <string_view>

namespace ssmsim {

/// Parses with `app`. True: go on. False: help or the version was printed, or the mistake was
/// explained on stderr; `status` is the exit code.
[[nodiscard]] bool parse_command_line(CLI::App& app, int argc, const char* const* argv,
                                      int& status);

/// `ssmsim: <text>` on stderr, one line each.
void print_error(std::string_view text);
/// print_error, the way to the help, and exit_usage.
[[nodiscard]] int usage_error(std::string_view command, std::string_view text);

}  // namespace ssmsim
