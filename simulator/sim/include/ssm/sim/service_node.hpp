#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "ssm/protocol/service_role.hpp"
#include "ssm/sim/fault_driver.hpp"
#include "ssm/sim/network.hpp"
#include "ssm/sim/observer.hpp"
#include "ssm/sim/scheduler.hpp"

namespace ssm::sim {

/// Of an API call.
struct ApiReply {
  bool ok = false;
  std::string token = {};
  std::string stream_url = {};
  /// For a call that failed.
  std::string error = {};
};

/// The service of one session: its API, the two connections, the relay, and what the fault plan
/// does to it. Message faults act before the relay, as in `ssmsim serve`; timed faults act on the
/// network and the API.
class ServiceNode final : public ConnectionUser, private FaultTarget {
 public:
  ServiceNode(Scheduler& scheduler, Network& network, Observer& observer,
              protocol::ServiceConfig config, fault::Plan plan, bool log_decisions);

  /// The session exists from now on, and timed faults count from here.
  void start();
  /// The client's first token, as StartSession returns it.
  [[nodiscard]] std::string first_token();

  /// An API call by that end; `answer` is called a round trip later, or after a timeout.
  void call(Side side, fault::Operation operation, std::function<void(ApiReply)> answer);

  /// The agent's report on its control channel that the session failed.
  void task_failed(const std::string& text);

  /// From now on nothing goes wrong any more: no rule fires, and what a fault holds is released.
  void heal() { faults_.heal(); }
  [[nodiscard]] const FaultDriver& faults() const { return faults_; }

  /// Messages that reached the role of an end.
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  [[nodiscard]] std::uint64_t calls(fault::Operation operation) const {
    return calls_[static_cast<std::size_t>(operation)];
  }
  [[nodiscard]] const protocol::ServiceRole& role() const { return role_; }
  /// Of the session's end; empty for a normal one.
  [[nodiscard]] const std::string& end_text() const { return end_text_; }

  /// The process of an end dies; a new one starts in its place.
  std::function<void(Side)> on_crash;
  std::function<void(Side)> on_restart;

  void opened(Connection& connection) final;
  std::string refusal(Connection& connection) final;
  void failed(Connection& connection, const std::string& detail) final;
  void lost(Connection& connection, const std::string& detail) final;
  void arrived(Connection& connection, Packet packet) final;
  void room(Connection& connection) final;

 private:
  struct End {
    Connection* connection = nullptr;
    std::uint32_t connections = 0;
    std::set<std::string> tokens;
  };
  [[nodiscard]] End& end(Side side) { return ends_[static_cast<std::size_t>(side)]; }

  [[nodiscard]] std::string new_token(Side side);
  [[nodiscard]] ApiReply answer(Side side, fault::Operation operation);
  void attach(Connection& connection, const protocol::Frame& first);
  void detach(Side side);
  void pump();
  void handle(const protocol::Deliver& output);
  void handle(const protocol::CloseSide& output);
  void handle(const protocol::StatusChanged& event);
  void handle(const protocol::ServiceEnded& event);
  void handle(const protocol::MessageRefused& event);
  void observe(const Connection& connection, bool received, bool text,
               const protocol::Frame& frame);

  void relay(Side from, protocol::Frame frame) override;
  void close(Side side, std::uint16_t code, std::string reason) override;
  void publish(Side side, bool pause) override;
  void crash(Side side) override;
  void restart(Side side) override;

  void note(std::string_view text);

  Scheduler& scheduler_;
  Network& network_;
  Observer& observer_;
  protocol::ServiceConfig config_;
  protocol::ServiceRole role_;
  FaultDriver faults_;
  Alarm alarm_;
  std::array<End, 2> ends_;
  std::uint64_t tokens_ = 0;
  std::uint64_t delivered_ = 0;
  std::array<std::uint64_t, fault::operation_names.size()> calls_{};
  std::string end_text_;
};

}  // namespace ssm::sim
