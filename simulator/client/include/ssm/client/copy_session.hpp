#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ssm/client/session_client.hpp"

namespace ssm::client {

enum class CopySessionKind : std::uint8_t {
  command,           ///< NonInteractiveCommands: stdout as it is, no stdin
  terminal,          ///< InteractiveCommands: lines both ways
  encoded_terminal,  ///< the same, with what in_terminal encodes
  port,              ///< Port without a type: only input is used
};

/// One session of `connect cp`, read and written in sequence: each call runs the loop, which
/// nothing else runs, until it can go on. Reading faster than is asked for is bounded, as is
/// writing.
class CopySession {
 public:
  struct Options {
    CopySessionKind kind = CopySessionKind::command;
    std::string mark;
    std::function<void(std::string_view text)> note = {};
    /// How long the other side may be silent while an answer is waited for. A hash of a large file
    /// takes its time.
    net::Duration silence_limit = std::chrono::minutes(30);
  };

  CopySession(net::EventLoop& loop, ApiClient& api, const protocol::ClientProfile& profile,
              SessionAccess access, Options options);
  /// Abandons it; see close.
  ~CopySession();
  CopySession(const CopySession&) = delete;
  CopySession& operator=(const CopySession&) = delete;

  /// The session's application runs. False: it is over.
  [[nodiscard]] bool wait_until_started();
  /// A line without its end. Nothing: the session is over, or silent for too long.
  [[nodiscard]] std::optional<std::string> read_line();
  /// What follows the mark in the next line that begins with it; other lines are kept as `noise`.
  [[nodiscard]] std::optional<std::string> read_answer();
  /// The same, if such a line is there already.
  [[nodiscard]] std::optional<std::string> poll_answer();
  /// 1 to `limit` bytes; none at the end.
  [[nodiscard]] std::string read(std::size_t limit);
  /// False: the session is over.
  [[nodiscard]] bool write(std::string_view bytes);
  /// All that was written was acknowledged, for a port: is on its way. False: it is over.
  [[nodiscard]] bool flush();
  /// Waits for the end that the program's brings.
  void wait_for_end(net::Duration limit);
  /// Ends the session at the service, if nobody else will.
  void close();

  /// How it ended; nothing while it lasts.
  [[nodiscard]] const std::optional<SessionOutcome>& outcome() const;
  [[nodiscard]] bool timed_out() const;
  [[nodiscard]] std::optional<int> exit_code() const;
  /// The end of what came on stderr, or beside the marked lines.
  [[nodiscard]] const std::string& noise() const;
  [[nodiscard]] const SessionAccess& access() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ssm::client
