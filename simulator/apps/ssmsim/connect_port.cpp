#include "command_line.hpp"
#include "connect_shared.hpp"
#include "exit_code.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <algorithm>
#include <memory>
#include <utility>

#include "ssm/client/forward_spec.hpp"
#include "ssm/client/port_forwarding.hpp"
#include "ssm/client/standard_stream.hpp"
#include "ssm/host/ready_file.hpp"

namespace ssmsim {
namespace {

namespace client = ssm::client;
namespace host = ssm::host;
namespace json = boost::json;
namespace net = ssm::net;
namespace protocol = ssm::protocol;

constexpr const char* port_command = "ssmsim connect port";

struct PortArguments {
  ConnectArguments common;
  std::vector<std::string> forwards;
  std::string ready_file;
  bool json = false;
  bool verbose = false;
  bool quiet = false;
};

std::string bytes_text(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  return bytes < 10'000       ? fmt::format("{} B", bytes)
         : bytes < 10'000'000 ? fmt::format("{:.1f} kB", value / 1e3)
                              : fmt::format("{:.1f} MB", value / 1e6);
}

std::string_view words(protocol::PortCloseReason reason) {
  using protocol::PortCloseReason;
  switch (reason) {
    case PortCloseReason::ended:
      return "ended";
    case PortCloseReason::refused:
      return "refused by the destination";
    case PortCloseReason::busy:
      return "closed: the agent serves one connection at a time";
    case PortCloseReason::no_stream:
      return "closed: the multiplexer has no stream left for it";
    case PortCloseReason::stalled:
      return "reset: it did not read for too long, and all others had to wait";
    case PortCloseReason::peer_error:
      return "reset: the agent broke the rules of its stream";
    case PortCloseReason::dial_timeout:
      return "closed: the destination did not answer in time";
    case PortCloseReason::session_ended:
      return "reset: the session has ended";
  }
  return "closed";
}

/// One -L: its listener, its session, and what is said about both.
class Forward final : public client::PortWatcher {
 public:
  /// `place` among those asked for, from 1: they listen in the order in which sessions begin.
  Forward(std::size_t place, client::ForwardSpec asked, const PortArguments& arguments)
      : spec(std::move(asked)), place_(place), arguments_(arguments) {}

  [[nodiscard]] std::string name() const {
    return fmt::format("{} -> {}", address.to_string(), spec.destination());
  }
  void note(std::string_view text) const {
    if (!arguments_.quiet) {
      print_note(fmt::format("{}: {}", name(), text));
    }
  }
  [[nodiscard]] json::object to_json() const {
    return {{"forward", place_},
            {"listen", address.to_string()},
            {"host", address.host},
            {"port", address.port},
            {"path", address.path},
            {"destination", spec.destination()},
            {"session_id", access.session_id}};
  }

  void listening(const net::ListenAddress& /*where*/, protocol::PortMode mode,
                 std::string_view agent_version) override {
    const bool multiplexed = mode == protocol::PortMode::mux;
    if (arguments_.verbose) {
      note(fmt::format("agent {}: {}", client::printable(agent_version),
                       multiplexed ? "all connections at once (mux)"
                                   : "one connection after the other (basic)"));
    }
    if (arguments_.json) {
      json::object event = to_json();
      event["event"] = "listening";
      event["mode"] = multiplexed ? "mux" : "basic";
      print_event(event);
    } else {
      client::write_all(STDOUT_FILENO, fmt::format("listening on {}, to {} of {} (session {})\n",
                                                   address.to_string(), spec.destination(),
                                                   arguments_.common.target, access.session_id));
    }
    on_listening();
  }
  void accepted(std::uint64_t number, bool waits) override {
    if (waits && !std::exchange(said_waits_, true)) {
      note("this agent serves one connection at a time; further ones wait for their turn");
    }
    if (arguments_.verbose) {
      note(fmt::format("connection {} accepted", number));
    }
  }
  void closed(std::uint64_t number, protocol::PortCloseReason reason) override {
    using protocol::PortCloseReason;
    const bool expected = reason == PortCloseReason::ended || said_terminating_;
    if (!expected || arguments_.verbose) {
      note(fmt::format("connection {} {}", number, words(reason)));
    }
  }
  void terminating() override { said_terminating_ = true; }
  void ended(const client::PortTotals& result) override { totals = result; }

  void print_totals() const {
    if (arguments_.json) {
      json::object event = to_json();
      event["event"] = "ended";
      event["connections"] = totals.connections;
      event["refused"] = totals.refused;
      event["broken"] = totals.broken;
      event["open"] = totals.open;
      event["bytes_sent"] = totals.bytes_sent;
      event["bytes_received"] = totals.bytes_received;
      event["error"] = problem;
      print_event(event);
    }
    note(fmt::format("{} connections, {} refused, {} broken, {} open; {} sent, {} received",
                     totals.connections, totals.refused, totals.broken, totals.open,
                     bytes_text(totals.bytes_sent), bytes_text(totals.bytes_received)));
  }

  client::ForwardSpec spec;
  net::ListenAddress address;  ///< with the real port
  std::shared_ptr<net::StreamListener> listener;
  client::SessionAccess access;
  std::unique_ptr<client::SessionClient> session;
  std::optional<client::SessionOutcome> outcome;
  std::string problem;
  client::PortTotals totals;
  std::function<void()> on_listening;

 private:
  static void print_event(const json::object& event) {
    client::write_all(STDOUT_FILENO, json::serialize(event) + "\n");
  }

  std::size_t place_;
  const PortArguments& arguments_;
  bool said_waits_ = false;
  bool said_terminating_ = false;
};

class PortRun {
 public:
  PortRun(const PortArguments& arguments, ConnectPlan plan)
      : arguments_(arguments), plan_(std::move(plan)), api_(make_connect_api(loop_, plan_)) {}

  int run(std::vector<client::ForwardSpec> specs) {
    for (client::ForwardSpec& spec : specs) {
      forwards_.push_back(
          std::make_unique<Forward>(forwards_.size() + 1, std::move(spec), arguments_));
    }
    if (!bind_all() || !start_sessions()) {
      return exit_infrastructure;
    }
    for (const auto& forward : forwards_) {
      begin(*forward);
    }
    loop_.run();
    return finish();
  }

 private:
  /// Before any session: a port in use is none of AWS's business.
  bool bind_all() {
    for (const auto& forward : forwards_) {
      auto listener = net::StreamListener::bind(loop_, forward->spec.local);
      if (!listener) {
        print_error(listener.error().to_string());
        print_error(
            "No session was started. Another program may be listening there; port 0 picks "
            "a free one.");
        return false;
      }
      forward->listener = std::make_shared<net::StreamListener>(*std::move(listener));
      forward->address = forward->listener->address();
      if (!is_loopback(forward->address)) {
        print_note(fmt::format("{} is open to other machines", forward->address.to_string()));
      }
    }
    return true;
  }

  [[nodiscard]] static bool is_loopback(const net::ListenAddress& address) {
    return !address.path.empty() || address.host == "::1" || address.host == "localhost" ||
           address.host.starts_with("127.");
  }

  [[nodiscard]] client::StartSessionRequest request_for(const client::ForwardSpec& spec) const {
    client::StartSessionRequest request = plan_.request;
    if (request.document_name.empty()) {
      request.document_name = spec.to_remote_host() ? "AWS-StartPortForwardingSessionToRemoteHost"
                                                    : "AWS-StartPortForwardingSession";
    }
    if (spec.host_port != 0) {
      request.parameters["portNumber"] = {std::to_string(spec.host_port)};
    }
    if (spec.to_remote_host()) {
      request.parameters["host"] = {spec.host};
    }
    return request;
  }

  bool start_sessions() {
    for (const auto& forward : forwards_) {
      auto access = start_session(loop_, api_, request_for(forward->spec));
      if (!access) {
        report_start_failure(plan_, access.error());
        for (const auto& other : forwards_) {
          if (!other->access.session_id.empty()) {
            client::terminate_and_wait(loop_, api_, other->access.session_id);
          }
        }
        return false;
      }
      forward->access = *std::move(access);
    }
    return true;
  }

  void begin(Forward& forward) {
    forward.on_listening = [this] { one_listens(); };
    forward.session = std::make_unique<client::SessionClient>(
        loop_, client::client_config(*plan_.profile, forward.access),
        client::SessionApi{.client = &api_, .why_not = {}},
        client::SessionOptions{
            .make_application =
                [&forward](const protocol::SessionStarted& started, client::SessionHost& session) {
                  return client::make_port_forwarding(
                      started, session,
                      {.listener = std::move(forward.listener), .watcher = &forward});
                },
            .note = [&forward](std::string_view text) { forward.note(text); },
            .message = [&forward](std::string_view text) { forward.note(text); }},
        [this, &forward](client::SessionOutcome outcome) { ended(forward, std::move(outcome)); });
    forward.session->start();
  }

  void one_listens() {
    ++listening_;
    if (listening_ != forwards_.size() || arguments_.ready_file.empty()) {
      return;
    }
    json::array all;
    for (const auto& forward : forwards_) {
      all.push_back(forward->to_json());
    }
    const json::object ready{{"pid", ::getpid()}, {"forwards", std::move(all)}};
    const auto written =
        host::write_ready_file(arguments_.ready_file, json::serialize(ready) + "\n");
    if (!written) {
      print_error(fmt::format("--ready-file: {}", written.error().to_string()));
    }
  }

  void ended(Forward& forward, client::SessionOutcome outcome) {
    forward.problem = describe_end(outcome, forward.access);
    if (!forward.problem.empty()) {
      print_note(fmt::format("{}: {}", forward.name(), forward.problem));
    }
    forward.outcome = std::move(outcome);
    // Later: this is one of its callbacks.
    loop_.post([&forward] { forward.session.reset(); });
    if (++ended_ == forwards_.size()) {
      loop_.stop();
    }
  }

  int finish() {
    if (!arguments_.ready_file.empty()) {
      ::unlink(arguments_.ready_file.c_str());
    }
    bool good = true;
    for (const auto& forward : forwards_) {
      if (is_left_open(*forward->outcome)) {
        client::terminate_and_wait(loop_, api_, forward->access.session_id);
      }
      forward->session.reset();
      forward->print_totals();
      good = good && forward->problem.empty();
    }
    // The same signal comes to all.
    die_of_signal(*forwards_.front()->outcome);
    return good ? exit_ok : exit_infrastructure;
  }

  const PortArguments& arguments_;
  ConnectPlan plan_;
  net::EventLoop loop_;
  client::ApiClient api_;
  std::vector<std::unique_ptr<Forward>> forwards_;
  std::size_t listening_ = 0;
  std::size_t ended_ = 0;
};

int run_port_command(const PortArguments& arguments) {
  ConnectPlan plan;
  std::string mistake;
  if (arguments.common.target.empty()) {
    return usage_error(port_command, "--target is required");
  }
  if (arguments.forwards.empty()) {
    return usage_error(port_command, "expected at least one -L, like -L 8080:localhost:80");
  }
  std::vector<client::ForwardSpec> specs;
  for (const std::string& text : arguments.forwards) {
    auto spec = client::parse_forward(text, mistake);
    if (!spec) {
      return usage_error(port_command, mistake);
    }
    if (spec->host_port == 0 && arguments.common.document_name.empty()) {
      return usage_error(port_command,
                         fmt::format("-L '{}' says not where to; without host:hostport a "
                                     "--document-name has to",
                                     text));
    }
    specs.push_back(*std::move(spec));
  }
  if (!make_connect_plan(arguments.common, plan, mistake)) {
    return usage_error(port_command, mistake);
  }
  return PortRun(arguments, std::move(plan)).run(std::move(specs));
}

constexpr const char* port_footer =
    "-L is that of ssh: [bind:]port:host:hostport, or /path/to/socket:host:hostport for a local\n"
    "Unix socket. Port 0 picks a free one. With the host localhost (or none) the destination is a\n"
    "port of the target (AWS-StartPortForwardingSession), with another one it is reached from "
    "there\n"
    "(AWS-StartPortForwardingSessionToRemoteHost). Each -L is a session of its own. Agents above\n"
    "3.0.196.0 carry all connections at once (mux), older ones one after the other (basic).\n"
    "Connections to it are refused until `listening on` is printed. ^C ends all of it.\n"
    "A connection that is not read holds up to 32 MiB; after that all connections of the same -L\n"
    "wait for it, and after 10 s without a read it is reset: the protocol has no flow control.\n"
    "\n"
    "Examples:\n"
    "  ssmsim connect port --target i-123456789 -L 8080:localhost:80\n"
    "  ssmsim connect port --target i-123456789 -L 0:localhost:22 -L 5432:db.internal:5432\n"
    "  ssmsim connect port --target i-123456789 -L /tmp/web.sock:localhost:80 --ready-file r.json\n"
    "  ssmsim connect port --target i-123456789 -L 8080 --document-name MyForwarding\n"
    "\n"
    "Exit codes: 0 ended by a signal or by the other side without an error, 2 usage, 3 a port was\n"
    "taken, a session could not be started, was lost, or was closed with an error.";

}  // namespace

void add_connect_port(CLI::App& connect, Action& action) {
  auto arguments = std::make_shared<PortArguments>();
  CLI::App* port = connect.add_subcommand("port", "Forward local ports or Unix sockets");
  port->footer(port_footer);
  port->add_option("-L", arguments->forwards, "What to forward; may be repeated")
      ->type_name("SPEC")
      ->allow_extra_args(false);
  add_connect_options(*port, arguments->common,
                      "Session document of type LocalPortForwarding; default: by the host");
  port->add_option("--ready-file", arguments->ready_file,
                   "Written when all of them listen: JSON with pid, addresses, session ids")
      ->type_name("FILE");
  port->add_flag("--json", arguments->json, "On stdout one JSON object for each event");
  port->add_flag("-v,--verbose", arguments->verbose,
                 "On stderr also each connection, and how they are carried");
  port->add_flag("-q,--quiet", arguments->quiet, "On stderr only failures");
  port->callback(
      [arguments, &action] { action = [arguments] { return run_port_command(*arguments); }; });
}

}  // namespace ssmsim
