#include "command_line.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "trace_decode.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>

namespace ssmsim {
namespace {

struct DecodeArguments {
  std::string file;
  TraceDecodeOptions options;
};

int decode(const DecodeArguments& arguments) {
  if (arguments.file == "-") {
    return decode_trace(std::cin, std::cout, arguments.options);
  }
  // A directory can be opened, and reads as an empty file.
  std::error_code ignored;
  if (std::filesystem::is_directory(arguments.file, ignored)) {
    print_error(fmt::format("{}: expected a file, seen a directory", arguments.file));
    return exit_infrastructure;
  }
  std::ifstream file(arguments.file, std::ios::binary);
  if (!file) {
    print_error(fmt::format("{}: {}", arguments.file, std::generic_category().message(errno)));
    return exit_infrastructure;
  }
  return decode_trace(file, std::cout, arguments.options);
}

void add_decode(CLI::App& trace, Action& action) {
  const auto arguments = std::make_shared<DecodeArguments>();
  CLI::App* command =
      trace.add_subcommand("decode", "Print a recording, or one message, one line per record");
  command->add_option("FILE", arguments->file, "Recording (*.ssmtrace), or - for standard input")
      ->required();
  command->add_flag("--hex", arguments->options.hex,
                    "FILE is a hex dump of one AgentMessage: bare digits, xxd, hexdump -C");
  command->add_flag("--json", arguments->options.json, "One JSON object per line");
  command->footer(
      "A line holds the time in seconds, the connection (-> received, <- sent by the recorder),\n"
      "message type, sequence number, flags, payload type, size, whether the digest is right, and\n"
      "the payload. Lines with ! say what is wrong.\n"
      "\n"
      "Examples:\n"
      "  ssmsim trace decode user-0123456789abcdef0.ssmtrace\n"
      "  ssmsim trace decode --json user-0123456789abcdef0.ssmtrace | jq .message.type\n"
      "  xxd message.bin | ssmsim trace decode --hex -\n"
      "\n"
      "Exit codes: 0 ok; 1 a message is malformed, or the recording is cut or damaged; 2 usage;\n"
      "3 the file cannot be read or is no recording.");
  command->callback([&action, arguments] { action = [arguments] { return decode(*arguments); }; });
}

}  // namespace

void add_trace_command(CLI::App& app, Action& action) {
  CLI::App* trace = app.add_subcommand("trace", "Look into recordings of sessions");
  trace->require_subcommand(1);
  trace->footer("Examples:\n  ssmsim trace decode user-0123456789abcdef0.ssmtrace");
  add_decode(*trace, action);
}

}  // namespace ssmsim
