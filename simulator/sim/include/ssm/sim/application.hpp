#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

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

/// What the handshake told.
struct SessionFacts {
  /// Of the other end; empty where there was no handshake.
  std::string peer_version;
};

/// How an application's part in a session is over.
struct Finished {
  bool failed = false;
  std::string text = {};
};

/// What runs above a role at one end of a session: the person at the terminal, the program on the
/// target, the forwarded connections. Driven by its node, which calls `next` and `next_wake` after
/// each of the other calls.
class Application {
 public:
  Application() = default;
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;
  Application(Application&&) = delete;
  Application& operator=(Application&&) = delete;
  virtual ~Application() = default;

  /// The session can take data from now on.
  virtual void started(const SessionFacts& facts, Instant now) = 0;
  /// False: there is no room; the node keeps the data, reads no further, and gives it again when
  /// can_receive() says so.
  [[nodiscard]] virtual bool received(protocol::PayloadType type, protocol::Bytes data,
                                      Instant now) = 0;
  [[nodiscard]] virtual bool can_receive() const { return true; }
  /// The next data to send, at most `max_bytes`; nothing: not before next_wake().
  virtual std::optional<Chunk> next(std::size_t max_bytes, Instant now) = 0;
  /// When next() or wake() will have something to do; in the past: now.
  [[nodiscard]] virtual std::optional<Instant> next_wake() const = 0;
  /// Its time has come, whether or not data can be sent.
  virtual void wake(Instant /*now*/) {}
  /// Everything that was sent is acknowledged.
  virtual void all_acknowledged(Instant /*now*/) {}
  /// It has sent all that it ever will, and says so: its input is at its end.
  [[nodiscard]] virtual bool at_end_of_input() const { return false; }
  /// It has sent and received all that it ever will.
  [[nodiscard]] virtual std::optional<Finished> finished() const = 0;
  /// Its own words about what it got, for reports.
  [[nodiscard]] virtual std::string progress() const = 0;
  [[nodiscard]] virtual std::uint64_t received_bytes() const = 0;
  /// How many there will be in all.
  [[nodiscard]] virtual std::uint64_t expected_bytes() const = 0;
  /// What else it counted, by name, for the oracles of scenarios.
  [[nodiscard]] virtual std::map<std::string, double> measures(Instant /*now*/) const { return {}; }
  /// All that was expected arrived.
  [[nodiscard]] virtual bool complete() const = 0;
};

}  // namespace ssm::sim
