#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ssm/agent/data_channel_request.hpp"
#include "ssm/agent/session_program.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/net/http_client.hpp"
#include "ssm/protocol/agent_role.hpp"
#include "ssm/protocol/profile.hpp"
#include "ssm/protocol/session_description.hpp"

namespace ssm::agent {

struct AgentSessionOptions {
  /// The service: http or https, host, port, and a path before ours, if any.
  net::Url endpoint;
  std::string session_id;
  std::string instance_id;
  protocol::AgentProfile profile;
  /// What the handshake tells the client, and whether there is one.
  protocol::SessionDescription description;
  RequestSigner sign;
  /// For message ids and delays.
  std::uint64_t seed = 0;
};

/// One session at the agent: gets a token, opens the data channel, starts the program, and carries
/// bytes between the two until one of them ends.
///
/// Memory is bounded in both directions. Output: the program is asked for output only while the
/// role takes data and the socket is not congested. Input: while the program takes no more the
/// WebSocket is not read, so that TCP slows the service down. If that would also keep back what the
/// program's output waits for (acknowledgements), or goes on without progress, the WebSocket is
/// read again and the next input is left unacknowledged instead, so that the client sends it again;
/// what comes behind it waits in the role's receive window, which has limits of its own.
///
/// Used from the loop's thread. Destroying it ends the program and drops the connection at once;
/// `on_ended` is then not called.
class AgentSession {
 public:
  /// Once, from the event loop, when nothing of the session is left: no process, no connection.
  /// May destroy the AgentSession.
  using OnEnded = std::function<void(protocol::AgentEnd reason, std::string text)>;

  /// Starts at once.
  AgentSession(net::EventLoop& loop, AgentSessionOptions options,
               std::unique_ptr<SessionProgram> program, OnEnded on_ended);
  ~AgentSession();
  AgentSession(const AgentSession&) = delete;
  AgentSession& operator=(const AgentSession&) = delete;

  /// Ends the session as a channel_closed does (6.7: it may come on the control channel).
  void cancel();

  /// Plays a process that hangs: from now on, until called with false, sockets are neither read nor
  /// written, the program is left alone and no timer runs.
  void set_stalled(bool stalled);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ssm::agent
