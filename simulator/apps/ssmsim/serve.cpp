#include "command_line.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "shell_option.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "ssm/config/fault_plan.hpp"
#include "ssm/host/ready_file.hpp"
#include "ssm/host/server.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/service/mgs_api.hpp"

namespace ssmsim {
namespace {

namespace host = ssm::host;
namespace net = ssm::net;
namespace protocol = ssm::protocol;

constexpr const char* serve_command = "ssmsim serve";

struct ServeArguments {
  std::string listen = "127.0.0.1:4580";
  std::string region = "us-east-1";
  std::string faults;
  std::string record;
  std::string ready_file;
  std::string agent_profile = "strict";
  std::vector<std::string> agents;
  std::string shell;
  std::string log_level = "warn";
  bool quiet = false;
  bool unsafe_secrets = false;
};

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

/// `HOST:PORT`, `[::1]:PORT` or `PORT`.
std::optional<Address> parse_address(std::string_view text) {
  Address address{.host = "127.0.0.1", .port = 0};
  std::string_view port = text;
  if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
      host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
      return std::nullopt;
    }
    if (host.empty()) {
      return std::nullopt;
    }
    address.host = host;
    port = text.substr(colon + 1);
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) {
    return std::nullopt;
  }
  return address;
}

/// The server hands out shells, so only this machine may reach it.
bool is_loopback(std::string_view host) {
  // A name may begin with 127. as well, and lead anywhere.
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos);
}

std::string agent_profile_names() {
  std::string names;
  for (const protocol::AgentProfile& profile : protocol::agent_profiles()) {
    names += (names.empty() ? "" : ", ") + std::string(profile.name);
  }
  return names;
}

/// `ID=PROFILE` each.
std::optional<std::string> resolve_agents(const std::vector<std::string>& texts,
                                          host::ServerOptions& options) {
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    const std::string id = text.substr(0, equals);
    const bool plausible = equals != std::string::npos && ssm::service::control_channel_instance(
                                                              "/v1/control-channel/" + id) == id;
    if (!plausible) {
      return fmt::format("--agent expects INSTANCE_ID=PROFILE, such as i-old=agent-2.3, got '{}'",
                         text);
    }
    const protocol::AgentProfile* profile =
        protocol::find_agent_profile(std::string_view(text).substr(equals + 1));
    if (profile == nullptr) {
      return fmt::format("--agent {}: there is no such agent profile; expected one of: {}", text,
                         agent_profile_names());
    }
    if (!options.agents.emplace(id, *profile).second) {
      return fmt::format("--agent: the instance '{}' is given twice", id);
    }
  }
  return std::nullopt;
}

/// Turns the arguments into options; on a mistake returns its text and changes nothing else.
std::optional<std::string> resolve(const ServeArguments& arguments, host::ServerOptions& options) {
  const std::optional<Address> address = parse_address(arguments.listen);
  if (!address) {
    return fmt::format("--listen expects HOST:PORT, such as 127.0.0.1:4580, got '{}'",
                       arguments.listen);
  }
  if (!is_loopback(address->host)) {
    return fmt::format(
        "--listen {}: only loopback addresses can be listened on (127.0.0.1, localhost, ::1), "
        "because whoever reaches this server gets a shell with the password `test`",
        address->host);
  }
  options.http.host = address->host;
  options.http.port = address->port;
  options.service.region = arguments.region;
  const protocol::AgentProfile* profile = protocol::find_agent_profile(arguments.agent_profile);
  if (profile == nullptr) {
    return fmt::format("there is no agent profile '{}'; expected one of: {}",
                       arguments.agent_profile, agent_profile_names());
  }
  options.agent_profile = *profile;
  if (auto mistake = resolve_agents(arguments.agents, options)) {
    return mistake;
  }
  ShellChoice shell;
  if (auto mistake = resolve_shell(arguments.shell, shell)) {
    return mistake;
  }
  options.shell = std::move(shell.argv);
  options.shell_script = std::move(shell.script);
  if (!arguments.record.empty()) {
    std::error_code error;
    std::filesystem::create_directories(arguments.record, error);
    if (error || ::access(arguments.record.c_str(), W_OK | X_OK) != 0) {
      return fmt::format("--record: cannot write into the directory '{}': {}", arguments.record,
                         error ? error.message() : std::generic_category().message(errno));
    }
    options.gateway.record_directory = arguments.record;
    options.gateway.unsafe_secrets = arguments.unsafe_secrets;
  }
  options.gateway.program_version = SSMSIM_VERSION;
  if (!arguments.faults.empty()) {
    auto plan = ssm::config::load_fault_plan(arguments.faults, ssm::fault::Driver::serve);
    if (!plan) {
      return plan.error().to_string();
    }
    options.faults = std::move(*plan);
  }
  return std::nullopt;
}

/// How to use it, for a person who started it by hand.
std::string banner(host::Server& server, std::string_view region) {
  std::string instances;
  for (const auto& instance : server.state().instances.all()) {
    instances += (instances.empty() ? "" : ", ") + instance.id;
  }
  return fmt::format(
      "ssmsim {} serves {}\n"
      "credentials test / test, region {}, instances {}\n"
      "a shell: ssmsim connect shell --endpoint {} --target i-123456789\n"
      "with the AWS CLI, the directory of ssmsim first in PATH:\n"
      "  AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test aws --region {} --endpoint-url {} "
      "ssm start-session --target i-123456789\n",
      SSMSIM_VERSION, server.endpoint(), region, instances, server.endpoint(), region,
      server.endpoint());
}

int serve(const ServeArguments& arguments) {
  spdlog::set_default_logger(spdlog::stderr_color_st("ssmsim"));
  spdlog::set_pattern("%H:%M:%S.%e %l: %v");
  spdlog::set_level(spdlog::level::from_str(arguments.log_level));
  host::ServerOptions options;
  if (const auto mistake = resolve(arguments, options)) {
    return usage_error(serve_command, *mistake);
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  net::EventLoop loop;
  auto server = host::Server::start(loop, std::move(options));
  if (!server) {
    print_error(
        fmt::format("cannot listen on {}: {}", arguments.listen, server.error().to_string()));
    print_error("Another server may be running there; --listen 127.0.0.1:0 picks a free port.");
    return exit_infrastructure;
  }
  const net::SignalWatch stop(loop, {SIGINT, SIGTERM, SIGHUP}, [&loop](int) { loop.stop(); });
  if (!arguments.ready_file.empty()) {
    const auto written =
        host::write_ready_file(arguments.ready_file, {.endpoint = (*server)->endpoint(),
                                                      .region = arguments.region,
                                                      .access_key_id = "test",
                                                      .secret_access_key = "test",
                                                      .pid = ::getpid()});
    if (!written) {
      print_error(fmt::format("--ready-file: {}", written.error().to_string()));
      return exit_infrastructure;
    }
  }
  if (!arguments.quiet) {
    fmt::print(stderr, "{}", banner(**server, arguments.region));
  }
  loop.run();
  if (!arguments.ready_file.empty()) {
    ::unlink(arguments.ready_file.c_str());
  }
  return exit_ok;
}

constexpr const char* serve_footer =
    "Nothing but the endpoint differs from AWS: `aws --endpoint-url http://127.0.0.1:4580 ssm\n"
    "start-session --target i-123456789` opens a shell on this machine, as the user who runs the\n"
    "server. Stop it with ^C or SIGTERM; all sessions and their programs end with it.\n"
    "\n"
    "Examples:\n"
    "  ssmsim serve\n"
    "  ssmsim serve --listen 127.0.0.1:0 --ready-file /tmp/ssmsim.json --quiet\n"
    "  ssmsim serve --faults docs/faults/close-after-100.yaml --record /tmp/traces\n"
    "  ssmsim serve --agent-profile agent-3.3\n"
    "  ssmsim serve --shell scripted\n"
    "  ssmsim serve --agent i-old=agent-2.3 --agent i-123456789=agent-3.3\n"
    "\n"
    "Exit codes: 0 stopped by a signal, 2 usage or a faulty plan, 3 cannot listen or write.";

}  // namespace

void add_serve_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<ServeArguments>();
  CLI::App* serve_app =
      app.add_subcommand("serve", "Fake service with embedded mock agents, on one port");
  serve_app->footer(serve_footer);
  serve_app->add_option("--listen", arguments->listen, "Loopback address; port 0 picks a free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  serve_app->add_option("--region", arguments->region, "Region that signatures must name")
      ->type_name("NAME")
      ->capture_default_str();
  serve_app->add_option("--faults", arguments->faults, "Fault plan, YAML or JSON")
      ->type_name("FILE");
  serve_app->add_option("--record", arguments->record, "Record each session into this directory")
      ->type_name("DIR");
  serve_app->add_flag("--unsafe-secrets", arguments->unsafe_secrets,
                      "Keep tokens readable in recordings");
  serve_app
      ->add_option("--ready-file", arguments->ready_file,
                   "Written when ready: JSON with endpoint, pid, region, credentials")
      ->type_name("FILE");
  serve_app
      ->add_option("--agent-profile", arguments->agent_profile,
                   "Agents to behave as: " + agent_profile_names())
      ->type_name("NAME")
      ->capture_default_str();
  serve_app
      ->add_option("--agent", arguments->agents,
                   "A further instance, or another profile for a default one; repeatable")
      ->type_name("INSTANCE_ID=PROFILE")
      ->allow_extra_args(false);
  serve_app->add_option("--shell", arguments->shell, shell_option_help)->type_name("PROGRAM");
  serve_app->add_option("--log-level", arguments->log_level, "On stderr")
      ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  serve_app->add_flag("-q,--quiet", arguments->quiet, "No start text");
  serve_app->callback([arguments, &action] { action = [arguments] { return serve(*arguments); }; });
}

}  // namespace ssmsim
