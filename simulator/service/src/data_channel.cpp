#include "data_channel.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>
#include <variant>
#include <vector>

#include "ssm/protocol/codec.hpp"
#include "ssm/service/secure_random.hpp"
#include "ssm/trace/format.hpp"

namespace ssm::service {
namespace {

using protocol::Side;

SessionStatus to_session_status(protocol::ServiceStatus status) {
  switch (status) {
    case protocol::ServiceStatus::connecting:
      return SessionStatus::connecting;
    case protocol::ServiceStatus::connected:
      return SessionStatus::connected;
    case protocol::ServiceStatus::disconnected:
      return SessionStatus::disconnected;
  }
  return SessionStatus::connecting;
}

protocol::ServiceConfig role_config(const protocol::ServiceRules& rules, const Session& session,
                                    net::Instant now, std::uint64_t seed) {
  return {.rules = rules,
          .session_id = session.id,
          .target = session.target,
          .epoch = {.start = now, .unix_ms_at_start = net::EventLoop::unix_ms()},
          .seed = seed};
}

}  // namespace

DataChannel::DataChannel(Gateway& gateway, const Session& session, std::uint64_t ordinal)
    : gateway_(gateway),
      id_(session.id),
      target_(session.target),
      ordinal_(ordinal),
      started_at_(net::EventLoop::now()),
      role_(role_config(gateway.options_.rules, session, started_at_,
                        random_seed(gateway.state_.random))),
      timer_(gateway.loop_),
      delay_timer_(gateway.loop_),
      timed_(gateway.faults_.schedule({.session_id = id_, .session_ordinal = ordinal_})),
      fault_timer_(gateway.loop_) {
  if (!gateway_.options_.record_directory.empty()) {
    open_recording(session);
  }
}

void DataChannel::start() {
  role_.start(started_at_);
  arm_fault_timer();
  pump();
}

// --- connections
// ----------------------------------------------------------------------------------

void DataChannel::attach(Side side, Gateway::Connection& connection,
                         const protocol::Frame& first_frame) {
  if (Gateway::Connection* old = std::exchange(end(side), nullptr)) {
    let_go(*old);
    old->socket.drop();
    role_.detached(side, net::EventLoop::now());
  }
  connection.channel = this;
  connection.side = side;
  connection.number = ++connection_counts_[static_cast<std::size_t>(side)];
  end(side) = &connection;
  if (recording_) {
    recording_->connection_opened(elapsed(), connection.id, trace_side(side));
    record(connection, true, true, first_frame);
  }
  spdlog::debug("session {}: {} connection {} from {}", id_, name(side), connection.number,
                connection.socket.remote());
  role_.attached(side, net::EventLoop::now());
  if (!role_.resumable()) {
    // Told now, if it was away when the session ended.
    gateway_.state_.sessions.allow_late_resume(id_, 0);
  }
  if (delayed_.full(side)) {
    update_reading(side);
  }
  // The other end may have been slowed down for the connection that this one replaces.
  update_reading(other(side));
  pump();
}

void DataChannel::connection_ended(Gateway::Connection& connection,
                                   const net::WebSocketEnd& ended) {
  if (recording_) {
    recording_->connection_closed(elapsed(), connection.id, trace_side(connection.side), ended.code,
                                  ended.detail);
  }
  if (end(connection.side) == &connection) {
    spdlog::debug("session {}: {} connection {} ended: {} {}", id_, name(connection.side),
                  connection.number, ended.code, ended.detail);
    detach(connection.side);
    pump();
  }
}

void DataChannel::detach(Side side) {
  end(side) = nullptr;
  role_.detached(side, net::EventLoop::now());
  // Whoever was slowed down for this end may go on: the role holds or drops what comes.
  update_reading(other(side));
  if (side == Side::agent && agent_done_ && !role_.over()) {
    role_.terminate({}, false, net::EventLoop::now());
  }
}

void DataChannel::writable(const Gateway::Connection& connection) {
  update_reading(other(connection.side));
}

void DataChannel::update_reading(Side side) {
  Gateway::Connection* source = end(side);
  if (source == nullptr) {
    return;
  }
  const Gateway::Connection* target = end(other(side));
  //= CTL-028
  if (delayed_.full(side) || (target != nullptr && target->socket.congested())) {
    source->socket.pause_reading();
  } else {
    source->socket.resume_reading();
  }
}

// --- messages
// -------------------------------------------------------------------------------------

void DataChannel::message(Gateway::Connection& connection, protocol::Frame frame, bool is_text) {
  const fault::Decision decision = decide(connection, frame);
  if (recording_) {
    record(connection, true, is_text, frame, decision);
  }
  if (!decision.empty()) {
    receive_with_faults(connection.side, frame, decision);
    return;
  }
  role_.receive(connection.side, std::move(frame), net::EventLoop::now());
  pump();
}

void DataChannel::let_go(Gateway::Connection& connection) {
  connection.channel = nullptr;
  connection.refused = true;
}

void DataChannel::pump() {
  while (auto output = role_.poll_output()) {
    std::visit([this](const auto& one) { handle(one); }, *output);
  }
  while (auto event = role_.poll_event()) {
    std::visit([this](const auto& one) { handle(one); }, *event);
  }
  arm_timer();
  if (role_.forgettable() && ends_[0] == nullptr && ends_[1] == nullptr &&
      !std::exchange(forgotten_, true)) {
    gateway_.faults_.forget_session(ordinal_);
    gateway_.forget_channel(id_);
  }
}

void DataChannel::handle(const protocol::Deliver& output) {
  Gateway::Connection* target = end(output.to);
  if (target == nullptr) {
    return;
  }
  if (recording_) {
    record(*target, false, false, output.message);
  }
  target->socket.send_binary(output.message);
  if (target->socket.congested()) {
    update_reading(other(output.to));
  }
}

void DataChannel::handle(const protocol::CloseSide& output) {
  Gateway::Connection* target = end(output.side);
  if (target == nullptr) {
    return;
  }
  if (output.code == 0) {
    target->socket.drop();
  } else {
    target->socket.close(output.code, output.reason);
  }
}

void DataChannel::handle(const protocol::StatusChanged& event) {
  gateway_.state_.sessions.set_status(id_, to_session_status(event.status),
                                      net::EventLoop::unix_ms());
}

void DataChannel::handle(const protocol::ServiceEnded& event) {
  gateway_.state_.sessions.end(id_,
                               event.failed ? SessionStatus::failed : SessionStatus::terminated,
                               event.text, net::EventLoop::unix_ms());
  if (role_.resumable()) {
    gateway_.state_.sessions.allow_late_resume(
        id_, net::EventLoop::unix_ms() + std::chrono::duration_cast<std::chrono::milliseconds>(
                                             gateway_.options_.rules.resume_grace)
                                             .count());
  }
  //= CTL-020
  //= SVC-031
  if (end(Side::agent) == nullptr && gateway_.agents_ != nullptr && !agent_done_) {
    gateway_.agents_->cancel_session(target_, id_);
  }
  if (recording_) {
    recording_->note(elapsed(), 0, "session over: " + event.text);
  }
}

void DataChannel::handle(const protocol::MessageRefused& event) {
  spdlog::warn("session {}: message from the {} refused: {}", id_, name(event.from),
               event.error.to_string());
}

// --- end
// ------------------------------------------------------------------------------------------

void DataChannel::terminate(std::string_view text, bool failed) {
  role_.terminate(text, failed, net::EventLoop::now());
  pump();
}

void DataChannel::task_complete(TaskOutcome outcome, std::string_view output) {
  agent_done_ = true;
  if (role_.over()) {
    return;
  }
  //= CTL-018
  if (outcome == TaskOutcome::failed) {
    terminate(output, true);
  } else if (end(Side::agent) == nullptr) {
    // Terminating cannot come any more. While the agent is connected it still may, behind output.
    terminate({}, false);
  }
}

// --- time
// -----------------------------------------------------------------------------------------

void DataChannel::arm_timer() {
  const std::optional<net::Instant> next = role_.next_timeout();
  if (!next) {
    timer_.cancel();
    armed_for_.reset();
    return;
  }
  // The idle limit moves with every message; a timer that fires early is armed again, so that the
  // hot path arms none.
  if (armed_for_ && *armed_for_ <= *next) {
    return;
  }
  armed_for_ = next;
  timer_.arm(*next, [this] {
    armed_for_.reset();
    role_.on_timer(net::EventLoop::now());
    pump();
  });
}

std::chrono::nanoseconds DataChannel::elapsed() const {
  return net::EventLoop::now() - started_at_;
}

// --- recording
// ------------------------------------------------------------------------------------

void DataChannel::open_recording(const Session& session) {
  const std::string path = gateway_.options_.record_directory + "/" + trace::file_name(session.id);
  auto file = trace::create_file(path);
  if (!file) {
    spdlog::error("session {}: not recorded: {}", id_, file.error().to_string());
    return;
  }
  recording_ = std::make_unique<trace::Writer>(
      std::move(*file), trace::WriterOptions{
                            .program_version = gateway_.options_.program_version,
                            .session_id = session.id,
                            .start_unix_ns = net::EventLoop::unix_ms() * 1'000'000,
                            .max_bytes = gateway_.options_.max_recording_bytes,
                            .unsafe_secrets = gateway_.options_.unsafe_secrets,
                            .on_failure =
                                [id = id_, path](const trace::Error& error) {
                                  spdlog::error("session {}: the recording {} ends here: {}", id,
                                                path, error.to_string());
                                },
                        });
}

void DataChannel::record(const Gateway::Connection& connection, bool received, bool is_text,
                         const protocol::Frame& frame, fault::Decision decision) {
  std::vector<std::string_view> rules;
  for (const fault::Fired& fired : decision) {
    rules.push_back(fired.rule->name);
  }
  recording_->message(elapsed(), {.connection_id = connection.id,
                                  .side = trace_side(connection.side),
                                  .direction = received ? schema::v1::TRACE_DIRECTION_RECEIVED
                                                        : schema::v1::TRACE_DIRECTION_SENT,
                                  .is_text = is_text,
                                  .data = frame.bytes(),
                                  .fault_rules = rules});
}

}  // namespace ssm::service
