#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "ssm/client/session_driver.hpp"
#include "ssm/client/session_outcome.hpp"

namespace ssm::client {

/// What a session offers to the application that uses it.
class SessionHost {
 public:
  [[nodiscard]] virtual net::EventLoop& loop() = 0;
  [[nodiscard]] virtual SessionDriver& session() = 0;
  [[nodiscard]] virtual const protocol::ClientProfile& profile() const = 0;
  /// Progress for people.
  virtual void note(std::string_view text) = 0;
  /// `receive` answered false and would not any more.
  virtual void receive_possible() = 0;
  /// Ends the client, once what was received is delivered; `at_once`: without waiting for that.
  virtual void finish(SessionOutcome outcome, bool at_once = false) = 0;
  /// `delivered` has become true.
  virtual void check_delivered() = 0;

 protected:
  ~SessionHost() = default;
};

/// What a session is used for: a terminal, a command, forwarded connections. Made when the session
/// begins, destroyed before SessionClient's on_end. Called from the loop, on its thread, and may
/// call its host from inside any call.
class SessionApplication {
 public:
  SessionApplication() = default;
  virtual ~SessionApplication() = default;
  SessionApplication(const SessionApplication&) = delete;
  SessionApplication& operator=(const SessionApplication&) = delete;

  virtual void start() = 0;
  /// Stream data, each byte once and in order. False: it cannot be taken now and is kept, and
  /// nothing more is read from the connection until SessionHost::receive_possible.
  [[nodiscard]] virtual bool receive(protocol::PayloadType type, protocol::Bytes data) = 0;
  /// The session may take input again.
  virtual void input_possible() {}
  /// After each batch of events: acknowledgements may have come.
  virtual void settled() {}
  /// SIGHUP, SIGINT, SIGQUIT or SIGTERM. False: the signal ends the client.
  [[nodiscard]] virtual bool signalled(int /*signal*/) { return false; }
  /// The session is over and everything that came of it was given to `receive`: take no input.
  virtual void session_ended() = 0;
  /// Everything is where it should go. After session_ended the client waits for this.
  [[nodiscard]] virtual bool delivered() const = 0;
  /// How a user gives up while the connection is away, for a note; may be empty.
  [[nodiscard]] virtual std::string_view way_out() const { return {}; }
};

struct SessionOptions {
  /// Makes what the session is for; null: its type is not wanted here.
  std::function<std::unique_ptr<SessionApplication>(const protocol::SessionStarted& started,
                                                    SessionHost& host)>
      make_application;
  /// Progress for people: connection lost, resumed. May be empty.
  std::function<void(std::string_view text)> note = {};
  /// Text of the agent for the user, before the session begins. May be empty.
  std::function<void(std::string_view text)> message = {};
  /// The application is also told of SIGINT and SIGQUIT that the parent process ignores: the AWS
  /// CLI does so only for itself, while the plugin runs, but children inherit it.
  bool hears_ignored_signals = false;
};

/// One session of any type, from its connection to its end: resumes lost connections, gives what
/// comes to an application, and ends on SIGHUP, SIGINT, SIGQUIT and SIGTERM unless that handles
/// them or they were ignored when the process started.
///
/// The caller ignores SIGPIPE. `on_end` is called from the loop, once, and may destroy this object;
/// not after this object was destroyed, which ends everything.
class SessionClient {
 public:
  SessionClient(net::EventLoop& loop, const protocol::ClientConfig& config, SessionApi api,
                SessionOptions options, std::function<void(SessionOutcome)> on_end);
  ~SessionClient();
  SessionClient(const SessionClient&) = delete;
  SessionClient& operator=(const SessionClient&) = delete;

  void start();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

/// True if the process was started with the signal ignored (nohup, background jobs).
[[nodiscard]] bool is_ignored(int signal);

}  // namespace ssm::client
