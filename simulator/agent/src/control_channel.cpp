#include "ssm/agent/control_channel.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <variant>

#include "detail/channel_opening.hpp"
#include "ssm/net/websocket.hpp"

namespace ssm::agent {

using net::EventLoop;
using protocol::Result;

namespace {

std::string describe(const net::WebSocketEnd& end) {
  return end.reason.empty()
             ? fmt::format("connection ended: {}", end.detail)
             : fmt::format("closed by the service with {}: {}", end.code, end.reason);
}

}  // namespace

class ControlChannel::Impl {
 public:
  Impl(EventLoop& loop, ControlChannelOptions options, ControlChannelHandlers handlers)
      : loop_(loop),
        options_(std::move(options)),
        handlers_(std::move(handlers)),
        machine_({.rules = options_.rules,
                  .instance_id = options_.instance_id,
                  .version = options_.version,
                  .platform_type = "linux",
                  .epoch = {.start = EventLoop::now(), .unix_ms_at_start = EventLoop::unix_ms()},
                  .seed = options_.seed}),
        timer_(loop) {}

  void start() {
    machine_.start(EventLoop::now());
    advance();
  }
  void session_ended(std::string_view session_id, protocol::AgentEnd end, std::string_view text) {
    machine_.session_ended(session_id, end, text, EventLoop::now());
    advance();
  }
  [[nodiscard]] const protocol::AgentControl& machine() const { return machine_; }

 private:
  void perform(const protocol::RequestControlChannel& request);
  void perform(const protocol::OpenConnection& request);
  void perform(const protocol::DropConnection& /*request*/) { socket_.reset(); }
  void perform(const protocol::SendText& request) { detail::send(socket_, request); }
  void perform(const protocol::SendBinary& request) { detail::send(socket_, request); }
  void perform(const protocol::SendPing& request) { detail::send(socket_, request); }

  void handle(const protocol::ControlOpened& /*event*/) { tell(handlers_.on_opened); }
  void handle(const protocol::ControlLost& event) { tell(handlers_.on_lost, event); }
  void handle(const protocol::SessionOrdered& event) { tell(handlers_.on_ordered, event.task); }
  void handle(const protocol::SessionCancelled& event) {
    tell(handlers_.on_cancelled, event.session_id);
  }
  void handle(const protocol::CompletionUnacknowledged& event) {
    tell(handlers_.on_unacknowledged, event.session_id);
  }
  void handle(const protocol::ControlMessageRefused& event) {
    tell(handlers_.on_refused_message, event.error);
  }
  template <class Handler, class... Arguments>
  static void tell(const Handler& handler, const Arguments&... arguments) {
    if (handler) {
      handler(arguments...);
    }
  }

  void connection_open(net::WebSocket socket);
  void advance();
  void arm_timer();

  EventLoop& loop_;
  ControlChannelOptions options_;
  ControlChannelHandlers handlers_;
  protocol::AgentControl machine_;
  net::PendingOperation operation_;
  std::optional<net::WebSocket> socket_;
  net::Timer timer_;
  bool advancing_ = false;
};

void ControlChannel::Impl::advance() {
  if (std::exchange(advancing_, true)) {
    return;
  }
  while (true) {
    if (const auto output = machine_.poll_output()) {
      std::visit([this](const auto& request) { perform(request); }, *output);
    } else if (const auto event = machine_.poll_event()) {
      std::visit([this](const auto& happened) { handle(happened); }, *event);
    } else {
      break;
    }
  }
  advancing_ = false;
  arm_timer();
}

void ControlChannel::Impl::arm_timer() {
  if (const auto deadline = machine_.next_timeout()) {
    timer_.arm(*deadline, [this] {
      machine_.on_timer(EventLoop::now());
      advance();
    });
  } else {
    timer_.cancel();
  }
}

void ControlChannel::Impl::perform(const protocol::RequestControlChannel& request) {
  const net::Url url = create_control_channel_url(options_.endpoint, options_.instance_id);
  operation_ = net::http_request(
      loop_, url, create_control_channel_request(url, request.request_id, options_.sign),
      detail::request_timeout, [this](const Result<net::HttpResponse>& answer) {
        detail::give_token(machine_, answer);
        advance();
      });
}

void ControlChannel::Impl::perform(const protocol::OpenConnection& /*request*/) {
  const net::Url url = control_channel_url(options_.endpoint, options_.instance_id);
  operation_ = net::connect_websocket(
      loop_, url, data_channel_headers(url, options_.sign), net::WebSocketOptions{},
      [this](Result<net::WebSocket> opened) {
        detail::give_connection(machine_, std::move(opened), [this](net::WebSocket socket) {
          connection_open(std::move(socket));
        });
        advance();
      });
}

void ControlChannel::Impl::connection_open(net::WebSocket socket) {
  // A handle that was replaced reports nothing any more.
  socket_ = std::move(socket);
  socket_->start({
      .on_message =
          [this](const net::Frame& message, bool is_text) {
            if (!is_text) {
              machine_.receive(message.bytes(), EventLoop::now());
              advance();
            }
          },
      .on_end =
          [this](const net::WebSocketEnd& end) {
            const std::string reason = describe(end);
            socket_.reset();
            machine_.connection_lost(reason, EventLoop::now());
            advance();
          },
      .on_writable = nullptr,
      .on_ping = nullptr,
      .on_pong =
          [this](std::string_view) {
            machine_.pong_received(EventLoop::now());
            arm_timer();
          },
  });
  machine_.connection_opened(EventLoop::now());
}

ControlChannel::ControlChannel(EventLoop& loop, ControlChannelOptions options,
                               ControlChannelHandlers handlers)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(handlers))) {}

ControlChannel::~ControlChannel() = default;

void ControlChannel::start() {
  impl_->start();
}

void ControlChannel::session_ended(std::string_view session_id, protocol::AgentEnd end,
                                   std::string_view text) {
  impl_->session_ended(session_id, end, text);
}

bool ControlChannel::open() const {
  return impl_->machine().state() == protocol::ConnectionState::open;
}

std::size_t ControlChannel::unacknowledged() const {
  return impl_->machine().unacknowledged();
}

}  // namespace ssm::agent
