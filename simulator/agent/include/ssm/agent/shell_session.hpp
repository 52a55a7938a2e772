#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ssm/agent/data_channel_request.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/net/http_client.hpp"
#include "ssm/protocol/agent_role.hpp"
#include "ssm/protocol/profile.hpp"

namespace ssm::agent {

struct ShellSessionOptions {
  /// The service: http or https, host, port, and a path before ours, if any.
  net::Url endpoint;
  std::string session_id;
  std::string instance_id;
  protocol::AgentProfile profile;
  /// Program and arguments; see PtyOptions::argv.
  std::vector<std::string> argv;
  /// Of the program; see shell_environment().
  std::vector<std::string> environment;
  RequestSigner sign;
  /// For message ids and delays.
  std::uint64_t seed = 0;
  /// Between SIGHUP and SIGKILL, at the end.
  net::Duration stop_grace = std::chrono::milliseconds(500);
};

/// One shell session at the agent: gets a token, opens the data channel, runs the program in a
/// pseudo terminal, and carries bytes between the two until one of them ends.
///
/// Memory is bounded in both directions. Output: the terminal is read only while the role takes
/// data and the socket is not congested. Input: while more than 64 KiB wait for the terminal the
/// WebSocket is not read, so that TCP slows the service down. If that would also keep back what the
/// program's output waits for (acknowledgements), or goes on without progress, the WebSocket is
/// read again and the next input is left unacknowledged instead, so that the client sends it again;
/// what comes behind it waits in the role's receive window, which has limits of its own.
///
/// Used from the loop's thread. Destroying it kills the program and drops the connection at once;
/// `on_ended` is then not called.
class ShellSession {
 public:
  /// Once, from the event loop, when nothing of the session is left: no process, no connection.
  /// May destroy the ShellSession.
  using OnEnded = std::function<void(protocol::AgentEnd reason, std::string text)>;

  /// Starts at once.
  ShellSession(net::EventLoop& loop, ShellSessionOptions options, OnEnded on_ended);
  ~ShellSession();
  ShellSession(const ShellSession&) = delete;
  ShellSession& operator=(const ShellSession&) = delete;

  /// Ends the session as a channel_closed does (6.7: it may come on the control channel).
  void cancel();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ssm::agent
