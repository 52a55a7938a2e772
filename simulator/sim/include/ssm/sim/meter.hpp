#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/protocol/service_role.hpp"
#include "ssm/sim/observer.hpp"

namespace ssm::sim {

/// What was counted in a run, by name; oracles of scenarios are stated in these.
///
/// For each end: `client_`/`agent_` and
///   `messages`      stream messages that the service got from it, copies included
///   `copies`        of these, how many came again
///   `max_copies`    of one message
///   `min_gap_ms`    shortest time between two copies of one message on one connection
///   `acks`          acknowledgements from it
///   `max_acks`      of one message
///   `connections`   that it opened
///   `max_ack_wait_ms`  longest time from the service's sending a message to it until its first
///                   acknowledgement came, or until nothing happened any more
class Meter final : public Observer {
 public:
  explicit Meter(Observer& next) : next_(next) {}

  void message(const ObservedMessage& message) override;
  void connection_opened(Duration at, std::uint64_t connection, protocol::Side side) override;
  void connection_closed(Duration at, std::uint64_t connection, protocol::Side side,
                         std::string_view detail) override {
    next_.connection_closed(at, connection, side, detail);
  }
  void note(Duration at, std::string_view text) override { next_.note(at, text); }

  /// Every name with its value; one without a value (no copies: no gap) is absent.
  [[nodiscard]] std::map<std::string, double> values() const;

 private:
  struct Copies {
    std::uint64_t count = 0;
    std::uint64_t connection = 0;
    Duration last{};
  };
  struct End {
    std::uint64_t messages = 0;
    std::uint64_t copies = 0;
    std::uint64_t max_copies = 0;
    std::optional<Duration> min_gap;
    std::uint64_t acks = 0;
    std::uint64_t max_acks = 0;
    std::uint64_t connections = 0;
    std::map<std::int64_t, Copies> sent;
    std::map<std::int64_t, std::uint64_t> acked;
    /// Stream messages to it that it did not acknowledge yet, and since when.
    std::map<std::int64_t, Duration> unacknowledged;
    Duration max_ack_wait{0};
  };
  [[nodiscard]] End& end(protocol::Side side) { return ends_[static_cast<std::size_t>(side)]; }
  void count_acknowledge(End& from, std::int64_t sequence, Duration at);
  void count_stream(End& from, const ObservedMessage& message, std::int64_t sequence);

  Observer& next_;
  std::array<End, 2> ends_;
  Duration last_{0};
};

}  // namespace ssm::sim
