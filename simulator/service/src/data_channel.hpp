#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detail/delayed_messages.hpp"
#include "gateway_connection.hpp"
#include "ssm/fault/engine.hpp"
#include "ssm/net/event_loop.hpp"
#include "ssm/protocol/service_role.hpp"
#include "ssm/service/gateway.hpp"
#include "ssm/trace/writer.hpp"

namespace ssm::service {

[[nodiscard]] inline trace::Side trace_side(protocol::Side side) {
  return side == protocol::Side::client ? schema::v1::TRACE_SIDE_CLIENT
                                        : schema::v1::TRACE_SIDE_AGENT;
}

/// One session in the gateway: drives its ServiceRole between at most two connections, applies the
/// fault plan, slows one end down while the other cannot take more, and records.
class DataChannel {
 public:
  DataChannel(Gateway& gateway, const Session& session, std::uint64_t ordinal);

  void start();
  /// Takes over a connection whose token was accepted; an older one of that side is dropped.
  void attach(protocol::Side side, Gateway::Connection& connection,
              const protocol::Frame& first_frame);
  void message(Gateway::Connection& connection, protocol::Frame frame, bool is_text);
  void writable(const Gateway::Connection& connection);
  void connection_ended(Gateway::Connection& connection, const net::WebSocketEnd& end);
  void terminate(std::string_view text, bool failed);
  void task_complete(TaskOutcome outcome, std::string_view output);

 private:
  [[nodiscard]] Gateway::Connection*& end(protocol::Side side) {
    return ends_[static_cast<std::size_t>(side)];
  }
  void detach(protocol::Side side);
  /// The connection is no longer an end of this session; what it still sends is ignored.
  static void let_go(Gateway::Connection& connection);
  /// Takes messages from an end, or stops: while the other end cannot take more of them, or too
  /// many are held back.
  void update_reading(protocol::Side side);

  // Faults: data_channel_faults.cpp.
  [[nodiscard]] fault::Decision decide(const Gateway::Connection& from,
                                       const protocol::Frame& frame);
  void receive_with_faults(protocol::Side from, const protocol::Frame& frame,
                           fault::Decision decision);
  void apply(const fault::Rule& rule);
  void execute(const fault::Close& close, std::string_view rule);
  void arm_delay_timer();
  void arm_fault_timer();

  void pump();
  void handle(const protocol::Deliver& output);
  void handle(const protocol::CloseSide& output);
  void handle(const protocol::StatusChanged& event);
  void handle(const protocol::ServiceEnded& event);
  void handle(const protocol::MessageRefused& event);
  void arm_timer();
  void open_recording(const Session& session);
  void record(const Gateway::Connection& connection, bool received, bool is_text,
              const protocol::Frame& frame, fault::Decision decision = {});
  [[nodiscard]] std::chrono::nanoseconds elapsed() const;

  Gateway& gateway_;
  std::string id_;
  std::string target_;
  std::uint64_t ordinal_;
  net::Instant started_at_;
  protocol::ServiceRole role_;
  std::array<Gateway::Connection*, 2> ends_{};
  std::array<std::uint32_t, 2> connection_counts_{};
  bool agent_done_ = false;
  bool forgotten_ = false;
  net::Timer timer_;
  std::optional<net::Instant> armed_for_;

  detail::DelayedMessages delayed_;
  net::Timer delay_timer_;
  std::optional<net::Instant> delay_armed_for_;
  /// Of this session, by time; those before `next_timed_` are done.
  std::vector<const fault::Rule*> timed_;
  std::size_t next_timed_ = 0;
  net::Timer fault_timer_;

  std::unique_ptr<trace::Writer> recording_;
};

}  // namespace ssm::service
