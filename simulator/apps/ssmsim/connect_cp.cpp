#include "command_line.hpp"
#include "connect_shared.hpp"
#include "copy_run.hpp"
#include "exit_code.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <utility>

namespace ssmsim {
namespace {

namespace client = ssm::client;

constexpr const char* cp_command = "ssmsim connect cp";

int run_cp_command(const CopyArguments& arguments) {
  std::vector<client::CopyPlace> places;
  for (const std::string& text : arguments.places) {
    auto place = client::parse_copy_place(text);
    if (!place) {
      return usage_error(cp_command,
                         fmt::format("'{}' is neither a path nor like i-123456789:/path", text));
    }
    places.push_back(*std::move(place));
  }
  if (places.size() < 2) {
    return usage_error(cp_command, "expected one or more sources and a destination");
  }
  const client::CopyPlace destination = places.back();
  places.pop_back();
  for (const client::CopyPlace& source : places) {
    if (source.is_remote() == destination.is_remote()) {
      return usage_error(cp_command,
                         fmt::format("one side is on a target, like i-123456789:/path, the other "
                                     "one is here; {} is on the same side as the destination",
                                     source.path));
    }
    if (source.target != places.front().target) {
      return usage_error(cp_command, "all sources are on one target");
    }
  }
  if (destination.is_remote() && arguments.via == CopyVia::command) {
    return usage_error(cp_command,
                       "a command session has no stdin: --via shell or port copies to a target");
  }
  if (!destination.is_remote() && arguments.via == CopyVia::port) {
    return usage_error(cp_command,
                       "a port is for copies to a target: --via command or shell copies from one");
  }
  ConnectArguments common = arguments.common;
  common.target = destination.is_remote() ? destination.target : places.front().target;
  ConnectPlan plan;
  std::string mistake;
  if (!make_connect_plan(common, plan, mistake)) {
    return usage_error(cp_command, mistake);
  }
  CopyRun run(arguments, std::move(plan));
  if (destination.is_remote()) {
    copy_up(run, places, destination.path);
  } else {
    copy_down(run, places, destination.path);
  }
  return run.finish();
}

constexpr const char* cp_footer =
    "A place on a target is TARGET:PATH; a path of this side that has a colon is written ./a:b. "
    "No\n"
    "sshd is needed there: sh, stat, head, find, sha256sum (or shasum, openssl), and for copies "
    "to\n"
    "it base64, or python3 for a port. The bytes go to a temporary file beside the destination,\n"
    ".ssmsim-part-..., whose SHA-256 is compared; only then it takes the destination's place. "
    "After\n"
    "an interruption it stays there, and --resume goes on from it.\n"
    "\n"
    "From a target a command session is used, or else a shell session; to a target a shell "
    "session,\n"
    "or from 4 MB on a port session if python3 is there.\n"
    "\n"
    "Examples:\n"
    "  ssmsim connect cp app.tar i-123456789:/tmp/\n"
    "  ssmsim connect cp -r -p i-123456789:/etc/nginx .\n"
    "  ssmsim connect cp --resume disk.img i-123456789:/var/disk.img\n"
    "\n"
    "Exit codes: 0 all is copied; 1 something is not, and stderr says what and why; 2 usage; 3 "
    "the\n"
    "session could not be started or was lost. --json prints one JSON object on stdout.";

}  // namespace

void add_connect_cp(CLI::App& connect, Action& action) {
  auto arguments = std::make_shared<CopyArguments>();
  CLI::App* cp = connect.add_subcommand("cp", "Copy files and folders to or from an instance");
  cp->footer(cp_footer);
  cp->add_option("PLACE", arguments->places, "Sources, then the destination")->required();
  cp->add_flag("-r,--recursive", arguments->recursive, "Folders too, with what is in them");
  cp->add_flag("-p,--preserve", arguments->preserve, "Permissions and times of modification too");
  cp->add_flag("--resume", arguments->resume,
               "Go on where an earlier run ended; files that are there and equal are left");
  const std::map<std::string, CopyVia> ways = {{"auto", CopyVia::automatic},
                                               {"shell", CopyVia::shell},
                                               {"command", CopyVia::command},
                                               {"port", CopyVia::port}};
  cp->add_option_function<std::string>(
        "--via", [arguments, ways](const std::string& name) { arguments->via = ways.at(name); },
        "Kind of session; default: auto, as below")
      ->check(CLI::IsMember({"auto", "shell", "command", "port"}))
      ->type_name("KIND");
  add_service_options(*cp, arguments->common);
  add_profile_option(*cp, arguments->common);
  cp->add_flag("--json", arguments->json, "What was copied, on stdout");
  cp->add_flag("-v,--verbose", arguments->verbose, "On stderr also what was chosen");
  cp->add_flag("-q,--quiet", arguments->quiet, "No progress, only failures");
  cp->callback(
      [arguments, &action] { action = [arguments] { return run_cp_command(*arguments); }; });
}

}  // namespace ssmsim
