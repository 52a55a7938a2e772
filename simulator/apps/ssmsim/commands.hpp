#pragma once

#include <CLI/App.hpp>

#include <functional>

namespace ssmsim {

/// What the command line asked for; its result is the exit code.
using Action = std::function<int()>;

/// Each adds its subcommand, whose callback sets `action`.
void add_serve_command(CLI::App& app, Action& action);
void add_agent_command(CLI::App& app, Action& action);
void add_connect_command(CLI::App& app, Action& action);
void add_trace_command(CLI::App& app, Action& action);
void add_conform_command(CLI::App& app, Action& action);
void add_simulate_command(CLI::App& app, Action& action);

}  // namespace ssmsim
