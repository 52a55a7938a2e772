#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/protocol/byte_queue.hpp"
#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/time.hpp"
#include "ssm/protocol/utf8_boundary.hpp"

/// The agent's side of NonInteractiveCommands as data flow: what a command writes becomes stream
/// payloads, what the client types becomes signals.
/// Source: amazon-ssm-agent agent/session/shell/shell.go and shell_unix.go.

namespace ssm::protocol {

/// CMD-008: at most 30 characters out of letters, digits, CR, LF, `_`, `:`, `-`.
/// Error: malformed_field.
[[nodiscard]] Result<void> check_output_prefix(std::string_view prefix);

enum class CommandSignal : std::uint8_t { interrupt, quit };
/// CMD-009: the signal that a client's input asks for: the first 0x03 (SIGINT) or 0x1C (SIGQUIT) in
/// it. Other input and other payload types have no effect.
[[nodiscard]] std::optional<CommandSignal> find_command_signal(PayloadType type, Bytes payload);

/// What differs between agents. The defaults are ours.
struct CommandOutputRules {
  /// Wait before the text of a start failure, and once more before it if the command could not even
  /// be prepared (agent: 1 s, 2 s).
  Duration start_failure_wait{0};
  Duration preparation_failure_wait{0};
  /// Separate streams: the exit code of a start failure comes before its text.
  bool exit_code_before_error = false;
  /// Separate streams: a pause ends both streams at the next read; what the command writes after
  /// that is lost.
  bool pause_ends_streams = false;
  /// See Utf8Boundary.
  bool damages_replacement_character = false;
};
/// `strict`, `agent-3.3`; nullptr for other names.
[[nodiscard]] const CommandOutputRules* find_command_output_rules(std::string_view name);

struct CommandOutputConfig {
  /// stdout and stderr travel as payload types 1 and 11, followed by the exit code (12). Otherwise
  /// both are one stream of type 1, which begins when the command has ended.
  bool separate_output = false;
  std::string stdout_prefix = {};
  std::string stderr_prefix = {};
  /// Bytes read at once, prefix included; held-back UTF-8 bytes come on top.
  std::size_t chunk_bytes = 1024;
  CommandOutputRules rules = {};
};

enum class CommandStream : std::uint8_t { standard_output, standard_error };

/// Everything was sent: end the session so.
struct CommandEnd {
  bool success = true;
  bool reports_terminating = true;  ///< agent_session_state Terminating comes first (CMD-012)
};

struct CommandOutputPart {
  PayloadType type = PayloadType::output;
  Bytes data;  ///< valid until the next call
};

/// Pure; not thread safe. Holds at most 64 KiB for each stream.
class CommandOutput {
 public:
  explicit CommandOutput(CommandOutputConfig config);

  /// How many bytes write() takes now. Without separate streams that is 0 until the command has
  /// ended: until then the driver keeps the output, in a file, and afterwards writes it as
  /// standard_output (CMD-003).
  [[nodiscard]] std::size_t room(CommandStream stream) const;
  /// How many bytes were taken.
  std::size_t write(CommandStream stream, Bytes bytes);
  /// The pipe, or the file, has ended.
  void stream_ended(CommandStream stream);

  /// The process was waited for; -1 for one that a signal ended.
  void exited(int exit_code);
  /// channel_closed: the process was killed. No exit code follows.
  void cancelled();
  /// It could not be started; `prepared` false: the executable was not even found. `error` is the
  /// operating system's text.
  void start_failed(std::string_view error, bool prepared, Instant now);
  /// The service has paused the agent.
  void paused();

  [[nodiscard]] std::optional<CommandOutputPart> poll_output(Instant now);
  /// When poll_output will have something, if nothing else happens.
  [[nodiscard]] std::optional<Instant> next_timeout() const { return error_at_; }
  /// Set when everything was given to poll_output.
  [[nodiscard]] std::optional<CommandEnd> finished() const;

 private:
  struct Stream {
    ByteQueue queue;
    Utf8Boundary boundary;
    std::string prefix;
    bool needs_prefix = true;
    bool ended = false;
    bool flushed = false;
  };

  [[nodiscard]] Stream& of(CommandStream stream) {
    return streams_[static_cast<std::size_t>(stream)];
  }
  [[nodiscard]] const Stream& of(CommandStream stream) const {
    return streams_[static_cast<std::size_t>(stream)];
  }
  [[nodiscard]] bool next_chunk(Stream& stream);
  [[nodiscard]] bool streams_sent() const;
  [[nodiscard]] std::optional<CommandOutputPart> start_failure(Instant now);
  CommandOutputPart exit_code_part(int exit_code);

  CommandOutputConfig config_;
  std::array<Stream, 2> streams_;
  std::size_t next_ = 0;  ///< the stream whose turn it is
  std::optional<int> exit_code_;
  bool exit_code_sent_ = false;
  bool ended_ = false;  ///< the command, in whatever way
  bool cancelled_ = false;
  bool streams_broken_ = false;
  bool failed_to_start_ = false;
  bool prepared_ = true;
  std::string error_;
  std::optional<Instant> error_at_;
  std::vector<std::byte> chunk_;
};

}  // namespace ssm::protocol
