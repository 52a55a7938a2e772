#pragma once

#include <cstdint>
#include <string_view>

#include "ssm/protocol/bytes.hpp"
#include "ssm/protocol/service_role.hpp"
#include "ssm/sim/scheduler.hpp"

namespace ssm::sim {

/// A message at the service, where both directions can be seen.
struct ObservedMessage {
  Duration at{};
  std::uint64_t connection = 0;
  protocol::Side side = protocol::Side::client;
  bool received = false;  ///< by the service; otherwise sent by it
  bool text = false;
  protocol::Bytes data;
};

/// Looks on. What it is shown depends on nothing but the run's configuration, so that two runs of
/// the same can be compared by it. Does nothing by default.
class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  Observer(Observer&&) = delete;
  Observer& operator=(Observer&&) = delete;
  virtual ~Observer() = default;

  virtual void message(const ObservedMessage& /*message*/) {}
  virtual void connection_opened(Duration /*at*/, std::uint64_t /*connection*/,
                                 protocol::Side /*side*/) {}
  virtual void connection_closed(Duration /*at*/, std::uint64_t /*connection*/,
                                 protocol::Side /*side*/, std::string_view /*detail*/) {}
  /// An event that no message carries: an end's state, a timed fault, a violation.
  virtual void note(Duration /*at*/, std::string_view /*text*/) {}
};

}  // namespace ssm::sim
