#include "detail/port_core.hpp"

#include "ssm/protocol/version.hpp"

#include <utility>

namespace ssm::client::detail {

PortCore::PortCore(SessionHost& host, const protocol::PortClientConfig& config,
                   std::function<void(protocol::PortEvent&)> on_event)
    : host_(host),
      port_(config, net::EventLoop::now()),
      on_event_(std::move(on_event)),
      timer_(host.loop()) {}

bool PortCore::receive(protocol::PayloadType type, protocol::Bytes data) {
  const bool taken = port_.receive(type, data, net::EventLoop::now());
  pump();
  return taken;
}

void PortCore::pump() {
  if (std::exchange(pumping_, true)) {
    again_ = true;
    return;
  }
  do {
    again_ = false;
    while (auto event = port_.poll_event()) {
      on_event_(*event);
    }
    SessionDriver& session = host_.session();
    const net::Instant now = net::EventLoop::now();
    while (!stopped_ && session.can_send()) {
      const auto output = port_.poll_output(now);
      if (!output) {
        break;
      }
      unacknowledged_ = true;
      again_ = true;
      session.send_stream(output->type, output->data);
    }
  } while (again_);
  pumping_ = false;
  arm_timer();
}

void PortCore::settled() {
  if (unacknowledged_ && host_.session().unacknowledged() == 0) {
    unacknowledged_ = false;
    port_.all_acknowledged(net::EventLoop::now());
    pump();
  }
}

void PortCore::stop() {
  stopped_ = true;
  timer_.cancel();
}

void PortCore::arm_timer() {
  const auto due = port_.next_timeout();
  if (!due || stopped_) {
    timer_.cancel();
    return;
  }
  timer_.arm(*due, [this] {
    port_.on_timer(net::EventLoop::now());
    pump();
  });
}

protocol::PortClientConfig port_client_config(const protocol::ClientProfile& profile,
                                              std::string_view type,
                                              std::string_view agent_version) {
  protocol::PortChoice choice = protocol::choose_client_port_mode(type, agent_version);
  //= PORT-015
  if (choice.mode == protocol::PortMode::mux &&
      !protocol::agent_gate::client_multiplexes(profile.version)) {
    choice.mode = protocol::PortMode::basic;
    choice.keepalive = false;
  }
  const protocol::PortClientRules* rules = protocol::find_port_client_rules(profile.name);
  if (rules == nullptr) {
    rules = protocol::find_port_client_rules(profile.name.starts_with("plugin-") ? "plugin-1.2.677"
                                                                                 : "strict");
  }
  protocol::PortClientConfig config{
      .choice = choice, .chunk_bytes = profile.chunk_bytes, .rules = *rules};
  //= PORT-032
  config.rules.queues_connections = true;
  return config;
}

}  // namespace ssm::client::detail
