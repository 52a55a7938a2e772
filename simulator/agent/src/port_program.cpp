#include "ssm/agent/port_program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "detail/dial_text.hpp"
#include "ssm/net/stream_connector.hpp"
#include "ssm/net/stream_socket.hpp"
#include "ssm/protocol/port_agent.hpp"
#include "ssm/protocol/version.hpp"

namespace ssm::agent {

using net::EventLoop;
using protocol::Bytes;
using protocol::PortCloseReason;
using protocol::PortConnection;
using protocol::Result;

namespace {

class PortProgram final : public SessionProgram {
 public:
  PortProgram(EventLoop& loop, PortProgramOptions options)
      : loop_(loop), options_(std::move(options)), timer_(loop) {}

  Result<> start(const protocol::AgentConnected& connected,
                 std::function<void()> changed) override {
    changed_ = std::move(changed);
    client_version_ = connected.client_version;
    if (options_.plan.host.empty()) {
      //= PORT-070
      ips_ = {"127.0.0.1", "::1"};
      open();
      return {};
    }
    //= PORT-064
    lookup_ = net::resolve_host(loop_, options_.plan.host,
                                [this](Result<std::vector<std::string>> found) {
                                  resolved(std::move(found));
                                  changed_();
                                });
    return {};
  }

  void receive(protocol::PayloadType type, const protocol::FrameSlice& data) override {
    if (!port_) {
      return;  // not before takes_input, except when the session has failed
    }
    if (!held_.empty() || !port_->receive(type, data.bytes(), EventLoop::now())) {
      held_.push_back({type, data});
    }
    drive();
  }

  bool takes_input() const override { return port_ && held_.empty() && port_->ready_to_receive(); }

  std::uint64_t input_progress() const override { return written_bytes_; }

  std::optional<ProgramOutput> poll_output(protocol::Instant now) override {
    if (!port_) {
      return std::nullopt;
    }
    const auto output = port_->poll_output(now);
    if (!output) {
      drive();
      return std::nullopt;
    }
    return ProgramOutput{.type = output->type, .data = output->data};
  }

  void set_output_possible(bool /*possible*/) override {
    // What was polled may have made room.
    drive();
  }

  void stop() override {
    stopped_ = true;
    lookup_ = {};
    if (port_) {
      port_->stop(EventLoop::now());
      drive();
    }
    timer_.cancel();
  }

  std::optional<ProgramEnd> ended() const override {
    if (stopped_) {
      return ProgramEnd{.kind = ProgramEnd::Kind::cancelled};
    }
    return end_;
  }

 private:
  struct Destination {
    net::PendingOperation dialing;
    net::StreamSocket socket;
    bool write_ended = false;
  };
  struct Held {
    protocol::PayloadType type;
    protocol::FrameSlice data;
  };

  // ---- start

  void resolved(Result<std::vector<std::string>> found) {
    if (!found) {
      //= PORT-066
      fail(detail::lookup_error_text(found.error()));
      return;
    }
    if (any_denied(*found)) {
      //= PORT-061
      //= PORT-062
      fail("Forwarding to IP address " + options_.plan.host + " is forbidden.");
      return;
    }
    ips_ = std::move(*found);
    open();
  }

  //= PORT-063
  [[nodiscard]] bool any_denied(const std::vector<std::string>& addresses) const {
    return std::any_of(addresses.begin(), addresses.end(), [&](const std::string& address) {
      const auto ip = net::canonical_ip(address);
      return std::any_of(
          options_.denied_addresses.begin(), options_.denied_addresses.end(),
          [&](const std::string& denied) { return net::canonical_ip(denied) == ip; });
    });
  }

  void open() {
    protocol::PortChoice choice =
        protocol::choose_agent_port_mode(options_.plan.type, client_version_);
    if (!options_.multiplexes) {
      choice.mode = protocol::PortMode::basic;
    }
    raw_ = choice.mode != protocol::PortMode::mux;
    port_.emplace(
        protocol::PortAgentConfig{
            .choice = choice, .chunk_bytes = options_.chunk_bytes, .rules = options_.rules},
        EventLoop::now());
    drive();
  }

  void fail(std::string text) {
    end_ = ProgramEnd{.kind = ProgramEnd::Kind::failed, .text = std::move(text)};
  }

  // ---- what the port asks for

  /// Handles all events. Never calls `changed_`: whoever calls this does.
  void drive() {
    if (driving_ || !port_) {
      return;
    }
    driving_ = true;
    while (const auto event = port_->poll_event()) {
      std::visit([this](const auto& happened) { handle(happened); }, *event);
    }
    driving_ = false;
    if (const auto due = port_->next_timeout()) {
      timer_.arm(*due, [this] {
        port_->on_timer(EventLoop::now());
        progress();
      });
    } else {
      timer_.cancel();
    }
  }

  void progress() {
    drive();
    changed_();
  }

  void handle(const protocol::PortDial& event) { dial(event.id); }

  void handle(const protocol::PortReadable& event) {
    if (const auto found = destinations_.find(event.id); found != destinations_.end()) {
      found->second.socket.request_write();
    }
  }

  void handle(const protocol::PortWritable& event) {
    if (const auto found = destinations_.find(event.id); found != destinations_.end()) {
      found->second.socket.resume_reading();
    }
  }

  void handle(const protocol::PortClosed& event) {
    const auto found = destinations_.find(event.id);
    if (found == destinations_.end()) {
      return;
    }
    Destination destination = std::move(found->second);
    destinations_.erase(found);
    const bool broken =
        event.reason == PortCloseReason::stalled || event.reason == PortCloseReason::peer_error;
    if (broken) {
      destination.socket.reset();
    } else {
      //= PORT-059
      destination.socket.close();
    }
  }

  void handle(const protocol::PortReceivePossible& /*event*/) {
    while (!held_.empty() &&
           port_->receive(held_.front().type, held_.front().data.bytes(), EventLoop::now())) {
      held_.pop_front();
    }
  }

  void handle(const protocol::PortEnded& event) {
    held_.clear();
    if (event.exit_code != 0) {
      fail(event.text);
    } else {
      //= PORT-004
      const bool dismissed = event.reason == protocol::PortEndReason::terminated;
      end_ =
          ProgramEnd{.kind = dismissed ? ProgramEnd::Kind::dismissed : ProgramEnd::Kind::finished};
    }
  }

  // Of clients only.
  void handle(const protocol::PortDestinationRefused& /*event*/) {}
  void handle(const protocol::PortInputFinished& /*event*/) {}
  void handle(const protocol::PortTerminateByApi& /*event*/) {}

  // ---- connections

  void dial(PortConnection id) {
    const Result<std::uint16_t> port = detail::parse_port(options_.plan.port);
    if (!port) {
      // Not from inside the loop over its events alone: the port takes it at any time.
      port_->dial_failed(id, port.error().context, EventLoop::now());
      return;
    }
    std::vector<net::StreamAddress> addresses;
    for (const std::string& ip : ips_) {
      addresses.push_back({.ip = ip, .port = *port});
    }
    //= PORT-065
    // With multiplexing the port itself watches the time.
    destinations_[id].dialing = net::connect_stream(
        loop_, std::move(addresses), raw_ ? options_.rules.dial_limit : std::nullopt,
        [this, id](Result<net::StreamSocket> opened) {
          if (opened) {
            connected(id, std::move(*opened));
          } else {
            destinations_.erase(id);
            port_->dial_failed(id, detail::dial_error_text(opened.error()), EventLoop::now());
          }
          progress();
        });
  }

  void connected(PortConnection id, net::StreamSocket socket) {
    Destination& destination = destinations_[id];
    destination.dialing = {};
    destination.socket = std::move(socket);
    destination.socket.start({.room = [this, id] { return port_->room(id); },
                              .on_data =
                                  [this, id](Bytes data) {
                                    const std::size_t taken =
                                        port_->data(id, data, EventLoop::now());
                                    SSM_ASSERT(taken == data.size());
                                    progress();
                                  },
                              .on_end =
                                  [this, id] {
                                    port_->eof(id, EventLoop::now());
                                    progress();
                                  },
                              .on_error =
                                  [this, id](boost::system::error_code) {
                                    destinations_.erase(id);
                                    port_->reset(id, EventLoop::now());
                                    progress();
                                  },
                              .on_writable = [this, id] { write(id); }});
    port_->dialed(id, EventLoop::now());
  }

  void write(PortConnection id) {
    const auto found = destinations_.find(id);
    if (found == destinations_.end()) {
      return;
    }
    Destination& destination = found->second;
    const net::Instant now = EventLoop::now();
    while (true) {
      const Bytes bytes = port_->readable(id);
      if (bytes.empty()) {
        break;
      }
      const std::size_t count = destination.socket.write_some(bytes);
      written_bytes_ += count;
      const bool all = count == bytes.size();
      port_->consumed(id, count, now);
      if (!all) {
        break;
      }
    }
    if (port_->read_ended(id) && !std::exchange(destination.write_ended, true)) {
      destination.socket.shutdown_write();
    }
    progress();
  }

  EventLoop& loop_;
  PortProgramOptions options_;
  std::function<void()> changed_;
  std::string client_version_;
  net::PendingOperation lookup_;
  std::vector<std::string> ips_;
  bool raw_ = true;
  std::optional<protocol::PortAgent> port_;
  net::Timer timer_;
  std::map<PortConnection, Destination> destinations_;
  /// Input that came while the port took none, in order.
  std::deque<Held> held_;
  bool driving_ = false;
  bool stopped_ = false;
  std::uint64_t written_bytes_ = 0;
  std::optional<ProgramEnd> end_;
};

}  // namespace

std::vector<std::string> default_denied_addresses() {
  return {"169.254.169.254", "fd00:ec2::254",   "169.254.169.253",
          "fd00:ec2::253",   "169.254.169.123", "fd00:ec2::123",
          "169.254.169.250", "169.254.169.251", "fd00:ec2::240"};
}

PortProgramOptions port_program_options(PortPlan plan, const protocol::AgentProfile& profile) {
  const protocol::PortAgentRules* rules = protocol::find_port_agent_rules(profile.name);
  if (rules == nullptr) {
    // Older releases are not known to differ.
    rules = protocol::find_port_agent_rules("agent-3.3");
  }
  return {.plan = std::move(plan),
          .chunk_bytes = profile.chunk_bytes,
          .rules = *rules,
          .multiplexes = protocol::client_gate::agent_multiplexes(profile.version)};
}

std::unique_ptr<SessionProgram> make_port_program(EventLoop& loop, PortProgramOptions options) {
  return std::make_unique<PortProgram>(loop, std::move(options));
}

}  // namespace ssm::agent
