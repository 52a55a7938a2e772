#include "trace_observer.hpp"

#include <utility>

namespace ssmsim {
namespace {

namespace trace = ssm::trace;
using ssm::protocol::Side;

trace::Side trace_side(Side side) {
  return side == Side::client ? ssm::schema::v1::TRACE_SIDE_CLIENT
                              : ssm::schema::v1::TRACE_SIDE_AGENT;
}

}  // namespace

TraceObserver::TraceObserver(std::unique_ptr<trace::Sink> sink, std::string session_id)
    : writer_(std::move(sink),
              // No date: the same run gives the same bytes. No secrets either.
              {.program_version = SSMSIM_VERSION,
               .session_id = std::move(session_id),
               .start_unix_ns = 0,
               .unsafe_secrets = true}) {}

void TraceObserver::message(const ssm::sim::ObservedMessage& message) {
  writer_.message(message.at,
                  {.connection_id = message.connection,
                   .side = trace_side(message.side),
                   .direction = message.received ? ssm::schema::v1::TRACE_DIRECTION_RECEIVED
                                                 : ssm::schema::v1::TRACE_DIRECTION_SENT,
                   .is_text = message.text,
                   .data = message.data});
}

void TraceObserver::connection_opened(ssm::sim::Duration at, std::uint64_t connection, Side side) {
  writer_.connection_opened(at, connection, trace_side(side));
}

void TraceObserver::connection_closed(ssm::sim::Duration at, std::uint64_t connection, Side side,
                                      std::string_view detail) {
  writer_.connection_closed(at, connection, trace_side(side), 0, detail);
}

void TraceObserver::note(ssm::sim::Duration at, std::string_view text) {
  writer_.note(at, 0, text);
}

}  // namespace ssmsim
