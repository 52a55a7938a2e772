#include "ssm/client/stream_forwarding.hpp"

#include "detail/port_core.hpp"
#include "ssm/client/port_forwarding.hpp"
#include "ssm/client/standard_stream.hpp"

#include <sys/stat.h>

#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ssm::client {
namespace {

/// The one connection that there is.
constexpr protocol::PortConnection connection = 1;
constexpr std::size_t read_bytes = std::size_t{32} * 1024;
/// Output that waits for a slow reader before the session is made to wait.
constexpr std::size_t output_high_water_bytes = std::size_t{256} * 1024;

bool is_pipe(int fd) {
  struct stat status{};
  return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

class StreamForwarding final : public SessionApplication {
 public:
  StreamForwarding(const protocol::PortClientConfig& config, SessionHost& host,
                   const StreamForwardingOptions& options)
      : host_(host),
        options_(options),
        input_(host.loop(), options.input, StreamUse::reading),
        output_(host.loop(), options.output, StreamUse::writing),
        core_(host, config, [this](protocol::PortEvent& event) { on_event(event); }),
        quiet_timer_(host.loop()) {}

  void start() override;
  bool receive(protocol::PayloadType type, protocol::Bytes data) override;
  void input_possible() override { core_.pump(); }
  void settled() override { core_.settled(); }
  void session_ended() override;
  [[nodiscard]] bool delivered() const override {
    return output_.descriptor().queued_bytes() == 0 && core_.port().readable(connection).empty();
  }

 private:
  void read(protocol::Bytes data);
  void write();
  void on_event(protocol::PortEvent& event);
  void leave() { host_.finish({.end = SessionEnd::left}, true); }
  void wait_for_quiet();

  SessionHost& host_;
  StreamForwardingOptions options_;
  StandardStream input_;
  StandardStream output_;
  detail::PortCore core_;
  net::Timer quiet_timer_;
  std::vector<std::byte> untaken_;  ///< read, while there was no room
  bool input_ended_ = false;
  bool finishing_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

void StreamForwarding::start() {
  net::Descriptor& output = output_.descriptor();
  output.on_drained([this] {
    write();
    host_.check_delivered();
  });
  output.on_write_error([this](boost::system::error_code) { leave(); });
  if (is_pipe(options_.output)) {
    // Never readable, but it reports that its reader has gone.
    //= SSH-015
    output.wait_readable([this] { leave(); });
  }
  core_.port().connection_accepted(connection, net::EventLoop::now());
  input_.descriptor().start_reading(
      read_bytes, [this](protocol::Bytes data) { read(data); },
      [this](boost::system::error_code) {
        input_ended_ = true;
        core_.port().eof(connection, net::EventLoop::now());
        core_.pump();
      });
}

void StreamForwarding::read(protocol::Bytes data) {
  //= SSH-004
  //= SSH-007
  const std::size_t count = core_.port().data(connection, data, net::EventLoop::now());
  if (count < data.size()) {
    untaken_.assign(data.begin() + static_cast<std::ptrdiff_t>(count), data.end());
    input_.descriptor().pause();
  }
  core_.pump();
}

bool StreamForwarding::receive(protocol::PayloadType type, protocol::Bytes data) {
  const bool taken = core_.receive(type, data);
  if (finishing_ || input_ended_) {
    wait_for_quiet();
  }
  return taken;
}

void StreamForwarding::write() {
  net::Descriptor& output = output_.descriptor();
  while (output.queued_bytes() < output_high_water_bytes) {
    //= SSH-002
    const protocol::Bytes bytes = core_.port().readable(connection);
    if (bytes.empty()) {
      break;
    }
    output.write(bytes);
    core_.port().consumed(connection, bytes.size(), net::EventLoop::now());
  }
  core_.pump();
}

void StreamForwarding::on_event(protocol::PortEvent& event) {
  if (std::holds_alternative<protocol::PortReadable>(event)) {
    write();
  } else if (std::holds_alternative<protocol::PortWritable>(event)) {
    const auto again = std::exchange(untaken_, {});
    if (!again.empty()) {
      read(again);
    }
    if (untaken_.empty()) {
      input_.descriptor().resume();
    }
  } else if (std::holds_alternative<protocol::PortReceivePossible>(event)) {
    // Not from inside PortClient::receive.
    host_.loop().post([host = &host_, alive = std::weak_ptr(alive_)] {
      if (alive.lock()) {
        host->receive_possible();
      }
    });
  } else if (std::holds_alternative<protocol::PortInputFinished>(event)) {
    //= SSH-009
    finishing_ = true;
    wait_for_quiet();
  }
}

void StreamForwarding::wait_for_quiet() {
  quiet_timer_.arm(net::EventLoop::now() + options_.quiet_limit, [this] {
    if (delivered()) {
      //= SSH-008
      host_.session().finish_input();
    } else {
      wait_for_quiet();
    }
  });
}

void StreamForwarding::session_ended() {
  core_.stop();
  quiet_timer_.cancel();
  input_.descriptor().pause();
  write();
}

}  // namespace

std::unique_ptr<SessionApplication> make_stream_forwarding(const protocol::SessionStarted& started,
                                                           SessionHost& host,
                                                           const StreamForwardingOptions& options) {
  const PortProperties properties = parse_port_properties(started.properties);
  if (started.session_type != "Port" || forwards_connections(properties)) {
    return nullptr;
  }
  const protocol::PortClientConfig config =
      detail::port_client_config(host.profile(), properties.type, started.agent_version);
  return std::make_unique<StreamForwarding>(config, host, options);
}

}  // namespace ssm::client
