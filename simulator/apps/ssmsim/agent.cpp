#include "command_line.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "shell_option.hpp"
#include "signer.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ssm/agent/control_channel.hpp"
#include "ssm/agent/embedded_agent.hpp"
#include "ssm/client/aws_environment.hpp"
#include "ssm/client/credentials.hpp"
#include "ssm/host/ready_file.hpp"
#include "ssm/protocol/agent_control.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/service/mgs_api.hpp"
#include "ssm/service/secure_random.hpp"

namespace ssmsim {
namespace {

namespace agent = ssm::agent;
namespace client = ssm::client;
namespace json = boost::json;
namespace net = ssm::net;
namespace protocol = ssm::protocol;
namespace service = ssm::service;
using namespace std::chrono_literals;

constexpr const char* agent_command = "ssmsim agent";
/// At the end: for sessions to end and for the service to acknowledge that.
constexpr net::Duration stop_limit = 4s;

struct AgentArguments {
  std::string endpoint;
  std::string instance_id;
  std::string region;
  std::string profile = "strict";
  std::string shell;
  std::string ready_file;
  bool json = false;
  bool quiet = false;
};

struct AgentPlan {
  net::Url endpoint;
  std::string region;
  const protocol::AgentProfile* profile = nullptr;
  client::Credentials credentials;
  ShellChoice shell;
};

std::string profile_names() {
  std::string names;
  for (const protocol::AgentProfile& profile : protocol::agent_profiles()) {
    names += (names.empty() ? "" : ", ") + std::string(profile.name);
  }
  return names;
}

/// What the arguments mean, or the text of the mistake in them.
std::optional<std::string> resolve(const AgentArguments& arguments, AgentPlan& plan) {
  if (auto mistake = resolve_shell(arguments.shell, plan.shell)) {
    return mistake;
  }
  const auto environment = client::process_environment();
  const std::string endpoint = client::resolve_endpoint(arguments.endpoint, environment);
  auto url = net::Url::parse(endpoint);
  if (!url || (url->scheme != "http" && url->scheme != "https")) {
    return fmt::format("the endpoint '{}' is no URL like {}", endpoint, client::default_endpoint);
  }
  plan.endpoint = *std::move(url);
  plan.region = client::resolve_region(arguments.region, environment);
  if (service::control_channel_instance("/v1/control-channel/" + arguments.instance_id) !=
      arguments.instance_id) {
    return fmt::format(
        "--instance-id expects 1 to 256 letters, digits and _ . : @ -, such as "
        "i-0fedcba9876543210, "
        "got '{}'",
        arguments.instance_id);
  }
  plan.profile = protocol::find_agent_profile(arguments.profile);
  if (plan.profile == nullptr) {
    return fmt::format("there is no agent profile '{}'; expected one of: {}", arguments.profile,
                       profile_names());
  }
  auto found = client::find_credentials("", environment);
  if (found) {
    plan.credentials = *std::move(found);
  } else if (plan.endpoint.host.ends_with(".amazonaws.com")) {
    return found.error().reason;
  } else {
    // What a simulator takes.
    plan.credentials = {"test", "test", ""};
  }
  return std::nullopt;
}

/// Answers of a peer may hold anything; a terminal must not obey it.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      c = ' ';
    }
  }
  return text;
}

/// What to do about a channel that could not be had.
std::string_view advice(std::string_view reason) {
  if (reason.find("efused") != std::string_view::npos &&
      reason.find("onnect") != std::string_view::npos) {
    return "Is a server running there? `ssmsim serve` starts one at http://127.0.0.1:4580; "
           "--endpoint or AWS_ENDPOINT_URL_SSM names another one.";
  }
  if (reason.find("UnrecognizedClientException") != std::string_view::npos ||
      reason.find("InvalidSignatureException") != std::string_view::npos) {
    return "The keys are those of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or of the profile "
           "AWS_PROFILE, and --region must be the server's; a simulator accepts test and test in "
           "us-east-1.";
  }
  if (reason.find("AccessDeniedException") != std::string_view::npos) {
    return "These credentials may not call ssmmessages:CreateControlChannel.";
  }
  if (reason.find("TLS") != std::string_view::npos) {
    return "Use an http:// endpoint.";
  }
  return {};
}

/// One agent process: its control channel, and the sessions that it is ordered to run.
class AgentRun {
 public:
  AgentRun(const AgentArguments& arguments, const AgentPlan& plan)
      : arguments_(arguments),
        plan_(plan),
        agent_(
            loop_,
            {.endpoint = plan.endpoint,
             .instance_id = arguments.instance_id,
             .profile = *plan.profile,
             .shell = plan.shell.argv,
             .sign = make_signer(plan.credentials, plan.region),
             .seed = service::random_seed(service::system_secure_random()),
             .script = plan.shell.script ? std::optional(plan.shell.script(arguments.instance_id))
                                         : std::nullopt},
            [this](const std::string& id, protocol::AgentEnd end, const std::string& text) {
              session_ended(id, end, text);
            }),
        control_(loop_,
                 {.endpoint = plan.endpoint,
                  .instance_id = arguments.instance_id,
                  .version = std::string(plan.profile->version),
                  .rules = protocol::agent_control_rules(*plan.profile),
                  .sign = make_signer(plan.credentials, plan.region),
                  .seed = service::random_seed(service::system_secure_random())},
                 handlers()),
        stop_timer_(loop_) {}

  int run() {
    const net::SignalWatch stop(loop_, {SIGINT, SIGTERM, SIGHUP}, [this](int) { stop_soon(); });
    tell("starting", fmt::format("{} as {} connects to {}", arguments_.instance_id,
                                 plan_.profile->name, endpoint()));
    control_.start();
    loop_.run();
    if (!arguments_.ready_file.empty() && ready_) {
      ::unlink(arguments_.ready_file.c_str());
    }
    return status_;
  }

 private:
  agent::ControlChannelHandlers handlers() {
    return {.on_ordered =
                [this](const protocol::SessionTask& task) {
                  tell("session_started",
                       fmt::format("session {} of {} begins", task.session_id, task.document_name),
                       {{"session_id", task.session_id}, {"document", task.document_name}});
                  running_.insert(task.session_id);
                  agent_.start_session(task);
                },
            .on_cancelled = [this](const std::string& id) { agent_.cancel_session(id); },
            .on_opened = [this] { opened(); },
            .on_lost = [this](const protocol::ControlLost& lost) { this->lost(lost); },
            .on_unacknowledged =
                [this](const std::string& id) {
                  tell("unacknowledged",
                       fmt::format("the service did not acknowledge the end of session {}", id),
                       {{"session_id", id}});
                },
            .on_refused_message =
                [this](const protocol::Error& error) {
                  tell("message_refused",
                       fmt::format("a message on the control channel was dropped: {}",
                                   error.to_string()));
                }};
  }

  [[nodiscard]] std::string endpoint() const {
    return fmt::format("{}://{}", plan_.endpoint.scheme, plan_.endpoint.host_header());
  }

  /// One line for people on stderr, or one JSON object on stdout.
  void tell(std::string_view event, const std::string& text, json::object more = {}) const {
    if (arguments_.json) {
      json::object line{{"event", event}, {"instance_id", arguments_.instance_id}};
      line.insert(more.begin(), more.end());
      line.emplace("text", text);
      const std::string out = json::serialize(line) + "\n";
      std::fwrite(out.data(), 1, out.size(), stdout);
      std::fflush(stdout);
    } else if (!arguments_.quiet) {
      print_error(printable(text));
    }
  }

  void opened() {
    last_reason_.clear();
    tell("connected", fmt::format("{} is connected to {}", arguments_.instance_id, endpoint()));
    if (arguments_.ready_file.empty() || std::exchange(ready_, true)) {
      return;
    }
    const json::object ready{{"instance_id", arguments_.instance_id},
                             {"endpoint", endpoint()},
                             {"profile", plan_.profile->name},
                             {"version", plan_.profile->version},
                             {"pid", ::getpid()}};
    const auto written =
        ssm::host::write_ready_file(arguments_.ready_file, json::serialize(ready) + "\n");
    if (!written) {
      print_error(fmt::format("--ready-file: {}", written.error().to_string()));
      status_ = exit_infrastructure;
      loop_.stop();
    }
  }

  void lost(const protocol::ControlLost& lost) {
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(lost.retry_in).count();
    const std::string_view hint = lost.reason == last_reason_ ? "" : advice(lost.reason);
    tell("disconnected",
         fmt::format("no control channel: {}. Next try in {:.1f} s.{}{}", lost.reason,
                     static_cast<double>(milliseconds) / 1000, hint.empty() ? "" : " ", hint),
         {{"reason", lost.reason}, {"retry_ms", milliseconds}, {"denied", lost.denied}});
    last_reason_ = lost.reason;
  }

  void session_ended(const std::string& id, protocol::AgentEnd end, const std::string& text) {
    running_.erase(id);
    tell("session_ended",
         fmt::format("session {} has ended: {}{}{}", id, protocol::name(end),
                     text.empty() ? "" : ": ", text),
         {{"session_id", id}, {"outcome", protocol::name(end)}, {"detail", text}});
    control_.session_ended(id, end, text);
  }

  /// Ends the sessions and reports them first; at once when asked a second time.
  void stop_soon() {
    if (std::exchange(stopping_, true)) {
      loop_.stop();
      return;
    }
    deadline_ = net::EventLoop::now() + stop_limit;
    const auto sessions = running_;  // ends change it
    for (const std::string& id : sessions) {
      agent_.cancel_session(id);
    }
    stop_when_done();
  }

  void stop_when_done() {
    const bool reported = control_.unacknowledged() == 0 || !control_.open();
    const net::Instant now = net::EventLoop::now();
    if ((agent_.sessions() == 0 && reported) || now >= deadline_) {
      loop_.stop();
      return;
    }
    stop_timer_.arm(now + 10ms, [this] { stop_when_done(); });
  }

  const AgentArguments& arguments_;
  const AgentPlan& plan_;
  net::EventLoop loop_;
  agent::EmbeddedAgent agent_;
  agent::ControlChannel control_;
  net::Timer stop_timer_;
  net::Instant deadline_{};
  std::set<std::string> running_;
  std::string last_reason_;
  bool ready_ = false;
  bool stopping_ = false;
  int status_ = exit_ok;
};

int run_agent(const AgentArguments& arguments) {
  AgentPlan plan;
  if (const auto mistake = resolve(arguments, plan)) {
    return usage_error(agent_command, *mistake);
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  return AgentRun(arguments, plan).run();
}

constexpr const char* agent_footer =
    "The agent dials out to the service and waits for sessions; nothing listens here. Whoever may\n"
    "start sessions there gets a shell on this machine, as the user who runs the agent. An "
    "instance\n"
    "that the server does not know is added to it; one that it plays itself is taken over for as\n"
    "long as this agent is connected.\n"
    "\n"
    "A lost connection is tried again for ever: `strict` after up to 10 s, profiles of real "
    "agents\n"
    "as those do, after 5 s to 40 min. SIGTERM and ^C end all sessions and their programs; a "
    "second\n"
    "one does not wait for them.\n"
    "\n"
    "Credentials are those of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or of the profile\n"
    "AWS_PROFILE, else test and test.\n"
    "\n"
    "Examples:\n"
    "  ssmsim agent --instance-id i-0fedcba9876543210\n"
    "  ssmsim agent --instance-id i-old --profile agent-2.3 --endpoint http://127.0.0.1:4580\n"
    "  ssmsim agent --instance-id i-ci --json --ready-file /tmp/agent.json\n"
    "\n"
    "Exit codes: 0 stopped by a signal, 2 usage, 3 cannot write the ready file.";

}  // namespace

void add_agent_command(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<AgentArguments>();
  CLI::App* agent_app =
      app.add_subcommand("agent", "Mock agent as a process of its own; only dials out");
  agent_app->footer(agent_footer);
  agent_app->add_option("--instance-id", arguments->instance_id, "Instance that this agent is of")
      ->type_name("ID")
      ->required();
  agent_app
      ->add_option("--endpoint", arguments->endpoint,
                   "Service; default: AWS_ENDPOINT_URL_SSM, AWS_ENDPOINT_URL, or "
                   "http://127.0.0.1:4580")
      ->type_name("URL");
  agent_app->add_option("--region", arguments->region, "Region to sign for")->type_name("NAME");
  agent_app->add_option("--profile", arguments->profile, "Agent to behave as: " + profile_names())
      ->type_name("NAME")
      ->capture_default_str();
  agent_app->add_option("--shell", arguments->shell, shell_option_help)->type_name("PROGRAM");
  agent_app
      ->add_option("--ready-file", arguments->ready_file,
                   "Written when first connected: JSON with instance_id, endpoint, profile, pid")
      ->type_name("FILE");
  agent_app->add_flag("--json", arguments->json, "Each event as a line of JSON on standard output");
  agent_app->add_flag("-q,--quiet", arguments->quiet, "Say nothing about the connection");
  agent_app->callback(
      [arguments, &action] { action = [arguments] { return run_agent(*arguments); }; });
}

}  // namespace ssmsim
