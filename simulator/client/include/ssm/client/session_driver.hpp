#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ssm/client/api_client.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/net/http_client.hpp"
#include "ssm/net/websocket.hpp"
#include "ssm/protocol/client_role.hpp"

namespace ssm::client {

/// The API as a session needs it after its start.
struct SessionApi {
  /// For ResumeSession and TerminateSession; null when they cannot be called: a lost connection
  /// then ends the session at once.
  ApiClient* client = nullptr;
  /// With no client: why, for people.
  std::string why_not;
};

/// Connects a ClientRole to a WebSocket, the clock and the API: it moves bytes, arms one timer and
/// forwards; what to do when is the role's decision.
///
/// Lives on one loop. The callbacks run from the loop or from inside calls to this object, and must
/// not destroy it (post that to the loop).
class SessionDriver {
 public:
  struct Handlers {
    std::function<void(protocol::ClientEvent& event)> on_event;
    /// After each batch of events: a moment to look at `unacknowledged`.
    std::function<void()> on_settled;
    /// A try to open or resume the connection failed; the role decides whether there is another.
    std::function<void(std::string_view why)> on_try_failed;
  };

  SessionDriver(net::EventLoop& loop, protocol::ClientConfig config, SessionApi api,
                Handlers handlers);
  SessionDriver(const SessionDriver&) = delete;
  SessionDriver& operator=(const SessionDriver&) = delete;

  void start();

  [[nodiscard]] bool can_send() const { return role_.can_send(); }
  /// At most the profile's chunk size; needs can_send().
  void send_input(protocol::Bytes data);
  /// The same of any payload type.
  void send_stream(protocol::PayloadType type, protocol::Bytes data);
  void send_size(protocol::TerminalSize size);
  /// There is no more input: see ClientRole::finish_input.
  void finish_input();
  /// Calls TerminateSession, if there is an API; the session's end is told by the service.
  void terminate_by_api() { request_terminate(); }
  [[nodiscard]] std::size_t unacknowledged() const { return role_.unacknowledged(); }

  /// While the reader is slow: nothing more is taken from the connection, this one and later ones.
  void pause_reading();
  void resume_reading();

  /// Drops the connection and reports nothing more. The session goes on at the service.
  void abandon();

  [[nodiscard]] const std::string& session_id() const { return session_id_; }

 private:
  /// Carries out what the role wants until it wants nothing more.
  void settle();
  void perform(protocol::ClientOutput& output);
  void connect(const std::string& url);
  void connected(net::WebSocket socket);
  void try_failed(std::string_view why);
  void request_resume();
  void request_terminate();
  void arm_timer();

  net::EventLoop& loop_;
  std::string session_id_;
  SessionApi api_;
  Handlers handlers_;
  protocol::ClientRole role_;
  bool settling_ = false;
  bool abandoned_ = false;
  bool reading_paused_ = false;
  net::WebSocket socket_;
  net::PendingOperation connecting_;
  net::PendingOperation resuming_;
  net::PendingOperation terminating_;
  net::Timer timer_;
};

/// A role's configuration with the loop's clocks and a seed from the system.
[[nodiscard]] protocol::ClientConfig client_config(const protocol::ClientProfile& profile,
                                                   SessionAccess access);

}  // namespace ssm::client
