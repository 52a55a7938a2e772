#include "ssm/client/port_forwarding.hpp"

#include "detail/port_core.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <map>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ssm::client {
namespace {

namespace json = boost::json;
using protocol::PortCloseReason;
using protocol::PortConnection;
using protocol::PortMode;

/// After the flag that ends the session: how long its acknowledgement is waited for (PORT-055).
constexpr auto farewell_limit = std::chrono::seconds(1);
/// The same for TerminateSession, which older agents need.
constexpr auto api_farewell_limit = std::chrono::seconds(10);
/// After the end of the session: how long an application may not read what came for it.
constexpr auto delivery_limit = std::chrono::seconds(10);

/// Where the properties say to listen. Error: a text as the plugin's.
protocol::Result<net::ListenAddress> local_address(const PortProperties& properties) {
  net::ListenAddress address;
  //= PORT-026
  if (properties.local_connection_type == "unix") {
    address.path = properties.local_unix_socket;
    return address;
  }
  //= PORT-023
  //= PORT-024
  const std::string& port = properties.local_port_number;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (!port.empty() && (error != std::errc() || end != port.data() + port.size())) {
    return protocol::Error(protocol::Errc::malformed_field, 0,
                           fmt::format("listen tcp: address {}: invalid port", printable(port)));
  }
  return address;
}

std::string listen_failure(const net::ListenAddress& address, const protocol::Error& error) {
  std::string reason = error.code.message();
  if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z') {
    reason[0] = static_cast<char>(reason[0] + ('a' - 'A'));
  }
  return fmt::format("listen {} {}: bind: {}", address.path.empty() ? "tcp" : "unix",
                     address.to_string(), reason);
}

class PortForwarding final : public SessionApplication {
 public:
  PortForwarding(PortProperties properties, std::string agent_version,
                 const protocol::PortClientConfig& config, SessionHost& host,
                 PortForwardingOptions options)
      : host_(host),
        properties_(std::move(properties)),
        agent_version_(std::move(agent_version)),
        options_(std::move(options)),
        core_(host, config, [this](protocol::PortEvent& event) { on_event(event); }),
        limit_timer_(host.loop()),
        flag_ends_session_(config.choice.terminate_flag) {}
  ~PortForwarding() override {
    totals_.open += locals_.size();
    watcher().ended(totals_);
  }

  void start() override;
  bool receive(protocol::PayloadType type, protocol::Bytes data) override {
    return core_.receive(type, data);
  }
  void input_possible() override { pump(); }
  void settled() override;
  bool signalled(int signal) override;
  void session_ended() override;
  [[nodiscard]] bool delivered() const override { return locals_.empty(); }

 private:
  struct Local {
    net::StreamSocket socket;
    bool write_ended = false;
  };

  [[nodiscard]] PortWatcher& watcher() {
    return options_.watcher == nullptr ? silent_ : *options_.watcher;
  }
  [[nodiscard]] protocol::PortClient& port() { return core_.port(); }

  void accept(net::StreamSocket socket);
  void read(PortConnection id, protocol::Bytes data);
  void write(PortConnection id);
  void broken(PortConnection id);

  void pump() { core_.pump(); }
  void on_event(protocol::PortEvent& event);
  void close(PortConnection id, PortCloseReason reason);
  void after_one_left();
  void terminate();
  void end_if_told();
  void wait_for_delivery();
  void close_if_delivered(PortConnection id);

  SessionHost& host_;
  PortProperties properties_;
  std::string agent_version_;
  PortForwardingOptions options_;
  PortWatcher silent_;
  detail::PortCore core_;
  net::Timer limit_timer_;
  std::unique_ptr<net::SignalWatch> stop_signal_;
  std::map<PortConnection, Local> locals_;
  PortConnection next_id_ = 0;
  PortTotals totals_;
  bool flag_ends_session_;
  bool terminating_ = false;
  bool over_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

// --- beginning ----------------------------------------------------------------------------------

void PortForwarding::start() {
  const auto fail = [this](std::string text) {
    //= PORT-028
    host_.finish({.end = SessionEnd::local_failure, .text = std::move(text)}, true);
  };
  if (!options_.listener) {
    const auto address = local_address(properties_);
    if (!address) {
      fail(address.error().context);
      return;
    }
    auto listener = net::StreamListener::bind(host_.loop(), *address);
    if (!listener) {
      fail(listen_failure(*address, listener.error()));
      return;
    }
    options_.listener = std::make_shared<net::StreamListener>(*std::move(listener));
  }
  //= PORT-027
  const auto listening =
      options_.listener->listen([this](net::StreamSocket socket) { accept(std::move(socket)); });
  if (!listening) {
    fail(listen_failure(options_.listener->address(), listening.error()));
    return;
  }
  if (options_.ends_on_stop_signal) {
    stop_signal_ = std::make_unique<net::SignalWatch>(
        host_.loop(), std::initializer_list<int>{SIGTSTP}, [this](int /*signal*/) { terminate(); });
  }
  watcher().listening(options_.listener->address(), port().mode(), agent_version_);
  pump();
}

// --- local connections --------------------------------------------------------------------------

void PortForwarding::accept(net::StreamSocket socket) {
  const PortConnection id = ++next_id_;
  const bool waits = port().mode() != PortMode::mux && !locals_.empty();
  ++totals_.connections;
  Local& local = locals_[id];
  local.socket = std::move(socket);
  local.socket.start({.room = [this, id] { return over_ ? 0 : port().room(id); },
                      .on_data = [this, id](protocol::Bytes data) { read(id, data); },
                      .on_end =
                          [this, id] {
                            port().eof(id, net::EventLoop::now());
                            pump();
                          },
                      .on_error = [this, id](boost::system::error_code) { broken(id); },
                      .on_writable = [this, id] { write(id); }});
  watcher().accepted(id, waits);
  port().connection_accepted(id, net::EventLoop::now());
  pump();
}

void PortForwarding::read(PortConnection id, protocol::Bytes data) {
  totals_.bytes_sent += port().data(id, data, net::EventLoop::now());
  pump();
}

void PortForwarding::write(PortConnection id) {
  const auto found = locals_.find(id);
  if (found == locals_.end()) {
    return;
  }
  Local& local = found->second;
  const net::Instant now = net::EventLoop::now();
  while (true) {
    const protocol::Bytes bytes = port().readable(id);
    if (bytes.empty()) {
      break;
    }
    const std::size_t count = local.socket.write_some(bytes);
    totals_.bytes_received += count;
    const bool whole = count == bytes.size();
    if (count > 0) {
      port().consumed(id, count, now);
    }
    if (!whole) {
      break;
    }
  }
  if (port().readable(id).empty() && port().read_ended(id) && port().mode() == PortMode::mux &&
      !std::exchange(local.write_ended, true)) {
    //= MUX-033
    local.socket.shutdown_write();
  }
  pump();
  if (over_) {
    wait_for_delivery();
    close_if_delivered(id);
  }
}

void PortForwarding::broken(PortConnection id) {
  locals_.erase(id);
  port().reset(id, net::EventLoop::now());
  pump();
  after_one_left();
}

// --- the session --------------------------------------------------------------------------------

void PortForwarding::after_one_left() {
  // Without multiplexing it is the next one's turn now.
  if (port().mode() != PortMode::mux) {
    for (auto& [id, local] : locals_) {
      local.socket.resume_reading();
    }
  }
  if (over_) {
    host_.check_delivered();
  }
}

void PortForwarding::on_event(protocol::PortEvent& event) {
  std::visit(
      [this](auto& happened) {
        using Happened = std::decay_t<decltype(happened)>;
        if constexpr (std::is_same_v<Happened, protocol::PortReadable>) {
          if (const auto found = locals_.find(happened.id); found != locals_.end()) {
            found->second.socket.request_write();
          }
        } else if constexpr (std::is_same_v<Happened, protocol::PortWritable>) {
          if (const auto found = locals_.find(happened.id); found != locals_.end()) {
            found->second.socket.resume_reading();
          }
        } else if constexpr (std::is_same_v<Happened, protocol::PortClosed>) {
          close(happened.id, happened.reason);
        } else if constexpr (std::is_same_v<Happened, protocol::PortDestinationRefused>) {
          watcher().destination_refused();
        } else if constexpr (std::is_same_v<Happened, protocol::PortReceivePossible>) {
          // Not from inside PortClient::receive.
          host_.loop().post([host = &host_, alive = std::weak_ptr(alive_)] {
            if (alive.lock()) {
              host->receive_possible();
            }
          });
        } else if constexpr (std::is_same_v<Happened, protocol::PortTerminateByApi>) {
          //= PORT-057
          host_.session().terminate_by_api();
        } else if constexpr (std::is_same_v<Happened, protocol::PortEnded>) {
          host_.finish({.end = SessionEnd::protocol_failure, .text = happened.text}, true);
        }
      },
      event);
}

void PortForwarding::close(PortConnection id, PortCloseReason reason) {
  const auto found = locals_.find(id);
  if (found == locals_.end()) {
    return;
  }
  if (reason == PortCloseReason::ended || reason == PortCloseReason::refused) {
    found->second.socket.close();
  } else {
    found->second.socket.reset();
  }
  locals_.erase(found);
  if (terminating_) {
    ++totals_.open;
  } else if (reason == PortCloseReason::refused) {
    ++totals_.refused;
  } else if (reason != PortCloseReason::ended) {
    ++totals_.broken;
  }
  watcher().closed(id, reason);
  after_one_left();
}

void PortForwarding::settled() {
  core_.settled();
  end_if_told();
}

// --- its end ------------------------------------------------------------------------------------

bool PortForwarding::signalled(int /*signal*/) {
  terminate();
  return true;
}

//= PORT-055
//= PORT-056
void PortForwarding::terminate() {
  if (over_) {
    return;
  }
  if (std::exchange(terminating_, true)) {
    host_.finish({.end = SessionEnd::left}, true);
    return;
  }
  watcher().terminating();
  options_.listener.reset();
  const net::Instant now = net::EventLoop::now();
  limit_timer_.arm(now + (flag_ends_session_ ? net::Duration(farewell_limit)
                                             : net::Duration(api_farewell_limit)),
                   [this] { host_.finish({.end = SessionEnd::left}, true); });
  port().terminate(now);
  pump();
  end_if_told();
}

void PortForwarding::end_if_told() {
  if (terminating_ && !over_ && flag_ends_session_ && !port().has_output() &&
      host_.session().unacknowledged() == 0) {
    host_.finish({.end = SessionEnd::left, .terminated = true}, true);
  }
}

void PortForwarding::session_ended() {
  over_ = true;
  core_.stop();
  options_.listener.reset();
  // Who is not read from or written to meanwhile would never be closed.
  wait_for_delivery();
  std::vector<PortConnection> ids;
  for (const auto& [id, local] : locals_) {
    ids.push_back(id);
  }
  for (const PortConnection id : ids) {
    close_if_delivered(id);
  }
}

void PortForwarding::wait_for_delivery() {
  limit_timer_.arm(net::EventLoop::now() + delivery_limit, [this] {
    locals_.clear();
    host_.check_delivered();
  });
}

void PortForwarding::close_if_delivered(PortConnection id) {
  //= PORT-050
  const auto found = locals_.find(id);
  if (found != locals_.end() && port().readable(id).empty()) {
    found->second.socket.close();
    locals_.erase(found);
    after_one_left();
  }
}

}  // namespace

PortProperties parse_port_properties(std::string_view text) {
  PortProperties properties;
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) {
    return properties;
  }
  const std::pair<std::string_view, std::string*> members[] = {
      {"type", &properties.type},
      {"portNumber", &properties.port_number},
      {"host", &properties.host},
      {"localPortNumber", &properties.local_port_number},
      {"localConnectionType", &properties.local_connection_type},
      {"localUnixSocket", &properties.local_unix_socket}};
  for (const auto& [name, destination] : members) {
    const json::value* member = value.get_object().if_contains(name);
    //= PORT-017
    if (const json::string* content = member == nullptr ? nullptr : member->if_string()) {
      destination->assign(content->data(), content->size());
    }
  }
  return properties;
}

std::unique_ptr<SessionApplication> make_port_forwarding(const protocol::SessionStarted& started,
                                                         SessionHost& host,
                                                         PortForwardingOptions options) {
  PortProperties properties = parse_port_properties(started.properties);
  if (started.session_type != "Port" || !forwards_connections(properties)) {
    return nullptr;
  }
  const protocol::PortClientConfig config =
      detail::port_client_config(host.profile(), properties.type, started.agent_version);
  return std::make_unique<PortForwarding>(std::move(properties), started.agent_version, config,
                                          host, std::move(options));
}

}  // namespace ssm::client
