#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ssm/agent/data_channel_request.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/net/http_client.hpp"
#include "ssm/protocol/agent_control.hpp"
#include "ssm/protocol/task.hpp"

namespace ssm::agent {

struct ControlChannelOptions {
  /// The service: http or https, host, port, and a path before ours, if any.
  net::Url endpoint;
  std::string instance_id;
  /// Reported as AgentVersion.
  std::string version;
  protocol::AgentControlRules rules;
  RequestSigner sign;
  /// For message ids and delays.
  std::uint64_t seed = 0;
};

/// Called from the event loop. They may call the channel; `on_ordered` and `on_cancelled` must not
/// destroy it.
struct ControlChannelHandlers {
  std::function<void(const protocol::SessionTask& task)> on_ordered = nullptr;
  std::function<void(const std::string& session_id)> on_cancelled = nullptr;
  std::function<void()> on_opened = nullptr;
  std::function<void(const protocol::ControlLost& lost)> on_lost = nullptr;
  /// The service never acknowledged the end of this session.
  std::function<void(const std::string& session_id)> on_unacknowledged = nullptr;
  std::function<void(const protocol::Error& error)> on_refused_message = nullptr;
};

/// The control channel of an agent that is a process of its own: dials out, and dials again for
/// ever. Nothing listens. Drives protocol::AgentControl.
///
/// Used from the loop's thread. Destroying it drops the connection at once.
class ControlChannel {
 public:
  ControlChannel(net::EventLoop& loop, ControlChannelOptions options,
                 ControlChannelHandlers handlers);
  ~ControlChannel();
  ControlChannel(const ControlChannel&) = delete;
  ControlChannel& operator=(const ControlChannel&) = delete;

  void start();
  /// Reported to the service now, or when there is a channel.
  void session_ended(std::string_view session_id, protocol::AgentEnd end, std::string_view text);

  [[nodiscard]] bool open() const;
  /// Ends of sessions that the service has not acknowledged yet.
  [[nodiscard]] std::size_t unacknowledged() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ssm::agent
