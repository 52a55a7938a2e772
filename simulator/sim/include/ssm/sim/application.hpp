#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/sim/scheduler.hpp"

namespace ssm::sim {

/// Stream data on its way from an application to its role.
struct Chunk {
  protocol::PayloadType type = protocol::PayloadType::output;
  /// Valid until the application's next call.
  protocol::Bytes data;
};

/// What runs above a role at one end of a session: the person at the terminal, the program on the
/// target, the forwarded connections. Driven by its node.
class Application {
 public:
  Application() = default;
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;
  Application(Application&&) = delete;
  Application& operator=(Application&&) = delete;
  virtual ~Application() = default;

  /// The session can take data from now on.
  virtual void started(Instant now) = 0;
  virtual void received(protocol::PayloadType type, protocol::Bytes data, Instant now) = 0;
  /// The next data to send, at most `max_bytes`; nothing: not before next_wake().
  virtual std::optional<Chunk> next(std::size_t max_bytes, Instant now) = 0;
  virtual std::optional<Instant> next_wake() const = 0;
  /// False: what is received would have to wait; the node holds the session back.
  [[nodiscard]] virtual bool can_receive(Instant /*now*/) const { return true; }
  /// It has sent all that it ever will, and says so: its input is at its end.
  [[nodiscard]] virtual bool at_end_of_input() const { return false; }
  /// It has sent and received all that it ever will.
  [[nodiscard]] virtual bool finished() const = 0;
};

}  // namespace ssm::sim
