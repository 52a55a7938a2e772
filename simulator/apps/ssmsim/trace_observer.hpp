#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ssm/sim/observer.hpp"
#include "ssm/trace/writer.hpp"

namespace ssmsim {

/// Records a simulated session as `ssmsim serve --record` records a real one.
class TraceObserver final : public ssm::sim::Observer {
 public:
  TraceObserver(std::unique_ptr<ssm::trace::Sink> sink, std::string session_id);

  void message(const ssm::sim::ObservedMessage& message) override;
  void connection_opened(ssm::sim::Duration at, std::uint64_t connection,
                         ssm::protocol::Side side) override;
  void connection_closed(ssm::sim::Duration at, std::uint64_t connection, ssm::protocol::Side side,
                         std::string_view detail) override;
  void note(ssm::sim::Duration at, std::string_view text) override;

  [[nodiscard]] bool failed() const { return writer_.state() == ssm::trace::Writer::State::failed; }

 private:
  ssm::trace::Writer writer_;
};

}  // namespace ssmsim
