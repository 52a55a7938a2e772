#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "ssm/protocol/agent_role.hpp"
#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/error.hpp"
#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/terminal_size.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::agent {

/// One message for the client.
struct ProgramOutput {
  protocol::PayloadType type = protocol::PayloadType::output;
  /// Not empty, at most chunk_bytes of the profile and 3 more; valid until the next call.
  protocol::Bytes data;
};

/// How a program's part in a session ended.
struct ProgramEnd {
  enum class Kind : std::uint8_t {
    finished,   ///< by itself, or with output that had to be sent after it was stopped
    failed,     ///< `text` says why
    cancelled,  ///< because it was stopped
    dismissed,  ///< in good order by a client that listens no more: a success, without Terminating
  };
  Kind kind = Kind::finished;
  std::string text = {};
};

/// What runs behind a session at the agent: a shell, a command, connections to a port, a script. It
/// knows nothing of the data channel; AgentSession carries bytes between the two.
///
/// The session calls; the program answers at once and never blocks. It says that answers may have
/// changed by calling `changed`, which is allowed from inside of the session's calls, too.
/// Everything happens on the loop's thread. Destroying a program ends it at once, with all its
/// processes and connections.
class SessionProgram {
 public:
  SessionProgram() = default;
  virtual ~SessionProgram() = default;
  SessionProgram(const SessionProgram&) = delete;
  SessionProgram& operator=(const SessionProgram&) = delete;

  /// The channel is open for the first time. Called at most once, before anything else. The error's
  /// context fails the session; nothing else is called then.
  [[nodiscard]] virtual protocol::Result<> start(const protocol::AgentConnected& connected,
                                                 std::function<void()> changed) = 0;

  // ---- input

  /// Stream data of the client; must be taken.
  virtual void receive(protocol::PayloadType type, const protocol::FrameSlice& data) = 0;
  virtual void resize(protocol::TerminalSize /*size*/) {}
  /// False: more input would be held in memory. It may still come for a while.
  [[nodiscard]] virtual bool takes_input() const = 0;
  /// Grows while input that was taken is passed on.
  [[nodiscard]] virtual std::uint64_t input_progress() const { return 0; }

  // ---- output

  /// The next message, if there is one. Called only while the channel takes it.
  [[nodiscard]] virtual std::optional<ProgramOutput> poll_output(protocol::Instant now) = 0;
  /// Whether the channel takes more. While not, read nothing that would have to be held.
  virtual void set_output_possible(bool /*possible*/) {}
  /// The service has paused the agent.
  virtual void paused() {}

  // ---- end

  /// The client or the service has ended the session: end soon, whatever it takes.
  virtual void stop() = 0;
  /// Set when nothing of it is left and all its output was polled.
  [[nodiscard]] virtual std::optional<ProgramEnd> ended() const = 0;
};

}  // namespace ssm::agent
