#include "ssm/client/session_driver.hpp"

#include <fmt/format.h>

#include <random>
#include <type_traits>
#include <utility>
#include <variant>

namespace ssm::client {
namespace {

std::string describe(const net::WebSocketEnd& end) {
  if (!end.detail.empty()) {
    return printable(end.detail);
  }
  return end.reason.empty() ? fmt::format("closed by the service with code {}", end.code)
                            : fmt::format("closed by the service with code {} ({})", end.code,
                                          printable(end.reason));
}

}  // namespace

SessionDriver::SessionDriver(net::EventLoop& loop, protocol::ClientConfig config, SessionApi api,
                             Handlers handlers)
    : loop_(loop),
      session_id_(config.session_id),
      api_(std::move(api)),
      handlers_(std::move(handlers)),
      role_(std::move(config)),
      timer_(loop) {}

void SessionDriver::start() {
  role_.start(net::EventLoop::now());
  settle();
}

void SessionDriver::send_input(protocol::Bytes data) {
  role_.send_input(data, net::EventLoop::now());
  settle();
}

void SessionDriver::send_stream(protocol::PayloadType type, protocol::Bytes data) {
  role_.send_stream(type, data, net::EventLoop::now());
  settle();
}

void SessionDriver::finish_input() {
  role_.finish_input(net::EventLoop::now());
  settle();
}

void SessionDriver::send_size(protocol::TerminalSize size) {
  role_.send_size(size, net::EventLoop::now());
  settle();
}

void SessionDriver::pause_reading() {
  reading_paused_ = true;
  role_.set_reading(false, net::EventLoop::now());
  if (socket_.open()) {
    socket_.pause_reading();
  }
}

void SessionDriver::resume_reading() {
  reading_paused_ = false;
  role_.set_reading(true, net::EventLoop::now());
  if (socket_.open()) {
    socket_.resume_reading();
  }
}

void SessionDriver::abandon() {
  abandoned_ = true;
  timer_.cancel();
  connecting_ = {};
  resuming_ = {};
  if (socket_.open()) {
    socket_.drop();
  }
}

void SessionDriver::settle() {
  // Inside a callback the loop below is already running and will see what was added.
  if (settling_ || abandoned_) {
    return;
  }
  settling_ = true;
  for (bool progress = true; progress && !abandoned_;) {
    progress = false;
    while (auto output = role_.poll_output()) {
      perform(*output);
      progress = true;
    }
    while (auto event = role_.poll_event()) {
      handlers_.on_event(*event);
      progress = true;
      if (abandoned_) {
        break;
      }
    }
  }
  settling_ = false;
  if (!abandoned_) {
    arm_timer();
    if (handlers_.on_settled) {
      handlers_.on_settled();
    }
  }
}

void SessionDriver::perform(protocol::ClientOutput& output) {
  std::visit(
      [this](auto& wanted) {
        using Wanted = std::decay_t<decltype(wanted)>;
        if constexpr (std::is_same_v<Wanted, protocol::OpenConnection>) {
          connect(wanted.url);
        } else if constexpr (std::is_same_v<Wanted, protocol::DropConnection>) {
          connecting_ = {};
          socket_.drop();
        } else if constexpr (std::is_same_v<Wanted, protocol::SendText>) {
          socket_.send_text(wanted.text);
        } else if constexpr (std::is_same_v<Wanted, protocol::SendBinary>) {
          socket_.send_binary(std::move(wanted.frame));
        } else if constexpr (std::is_same_v<Wanted, protocol::SendPing>) {
          //= TRANS-018
          socket_.send_ping("keepalive");
        } else if constexpr (std::is_same_v<Wanted, protocol::RequestResume>) {
          request_resume();
        } else if constexpr (std::is_same_v<Wanted, protocol::RequestTerminate>) {
          request_terminate();
        } else {
          // Not asked for: the configuration says that there is no encryption.
          static_assert(std::is_same_v<Wanted, protocol::GenerateDataKey>);
          role_.data_key_failed("there is no KMS access", net::EventLoop::now());
        }
      },
      output);
}

void SessionDriver::connect(const std::string& url) {
  const protocol::Result<net::Url> parsed = net::Url::parse(url);
  if (!parsed) {
    role_.connection_failed(fmt::format("the StreamUrl is no URL to connect to: {}",
                                        printable(parsed.error().to_string())),
                            net::EventLoop::now());
    return;
  }
  connecting_ = net::connect_websocket(
      loop_, *parsed, {}, {}, [this](protocol::Result<net::WebSocket> socket) {
        if (socket) {
          connected(*std::move(socket));
        } else {
          const std::string why = printable(socket.error().to_string());
          try_failed(why);
          role_.connection_failed(why, net::EventLoop::now());
        }
        settle();
      });
}

void SessionDriver::connected(net::WebSocket socket) {
  socket_ = std::move(socket);
  if (reading_paused_) {
    socket_.pause_reading();
  }
  role_.connection_opened(net::EventLoop::now());
  // Only now, so that the opening message is queued before anything can arrive.
  settle();
  if (abandoned_) {
    return;
  }
  socket_.start({.on_message =
                     [this](const protocol::Frame& message, bool /*is_text*/) {
                       //= TRANS-015
                       role_.receive(message, net::EventLoop::now());
                       settle();
                     },
                 .on_end =
                     [this](const net::WebSocketEnd& end) {
                       //= TRANS-024
                       role_.connection_lost(describe(end), net::EventLoop::now());
                       settle();
                     },
                 .on_writable = {},
                 .on_ping = {},
                 .on_pong =
                     [this](std::string_view) {
                       role_.pong_received(net::EventLoop::now());
                       settle();
                     }});
}

void SessionDriver::try_failed(std::string_view why) {
  if (handlers_.on_try_failed) {
    handlers_.on_try_failed(why);
  }
}

void SessionDriver::request_resume() {
  if (api_.client == nullptr) {
    protocol::ClientEvent end =
        protocol::ClientEnded{protocol::ClientEnd::resume_exhausted, api_.why_not};
    handlers_.on_event(end);
    abandon();
    return;
  }
  resuming_ = api_.client->resume_session(session_id_, [this](ApiResult<SessionAccess> access) {
    if (access) {
      //= RESUME-003
      role_.resume_answered(access->token, access->stream_url, net::EventLoop::now());
    } else {
      const std::string why = fmt::format("ResumeSession: {}", access.error().to_string());
      try_failed(why);
      role_.resume_failed(why, net::EventLoop::now());
    }
    settle();
  });
}

void SessionDriver::request_terminate() {
  //= RESUME-019
  if (api_.client != nullptr) {
    terminating_ = api_.client->terminate_session(session_id_, [](const auto& /*result*/) {});
  }
}

void SessionDriver::arm_timer() {
  const auto deadline = role_.next_timeout();
  if (!deadline) {
    timer_.cancel();
    return;
  }
  timer_.arm(*deadline, [this] {
    role_.on_timer(net::EventLoop::now());
    settle();
  });
}

protocol::ClientConfig client_config(const protocol::ClientProfile& profile, SessionAccess access) {
  std::random_device device;
  const std::uint64_t high = device();
  return {.profile = profile,
          .session_id = std::move(access.session_id),
          .stream_url = std::move(access.stream_url),
          .token = std::move(access.token),
          .epoch = {.start = net::EventLoop::now(), .unix_ms_at_start = net::EventLoop::unix_ms()},
          .seed = (high << 32U) | device()};
}

}  // namespace ssm::client
