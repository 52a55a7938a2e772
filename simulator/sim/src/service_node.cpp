#include "ssm/sim/service_node.hpp"

#include <utility>
#include <variant>

#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/open_data_channel.hpp"

namespace ssm::sim {
namespace {

constexpr std::string_view already_terminated = "Session is already terminated";

/// An API call that gets no answer (the AWS SDKs' default for reading a response is 60 s; AWS's
/// command line client and the agent use less).
constexpr Duration call_timeout = std::chrono::seconds(15);

}  // namespace

ServiceNode::ServiceNode(Scheduler& scheduler, Network& network, Observer& observer,
                         protocol::ServiceConfig config, fault::Plan plan, bool log_decisions)
    : scheduler_(scheduler),
      network_(network),
      observer_(observer),
      config_(config),
      role_(std::move(config)),
      faults_(scheduler, network, observer, *this, std::move(plan), log_decisions),
      alarm_(scheduler, [this] {
        role_.on_timer(scheduler_.now());
        pump();
      }) {}

void ServiceNode::start() {
  role_.start(scheduler_.now());
  faults_.start();
  pump();
}

// --- API ----------------------------------------------------------------------------------------

std::string ServiceNode::new_token(Side side) {
  std::string token = std::string(name(side)) + "-token-" + std::to_string(++tokens_);
  end(side).tokens.insert(token);
  return token;
}

std::string ServiceNode::first_token() {
  return new_token(Side::client);
}

void ServiceNode::call(Side side, fault::Operation operation,
                       std::function<void(ApiReply)> answer) {
  ++calls_[static_cast<std::size_t>(operation)];
  const Duration round_trip = network_.round_trip(side);
  scheduler_.post(scheduler_.now() + round_trip / 2, [this, side, operation, round_trip,
                                                      answer = std::move(answer)]() mutable {
    if (network_.partitioned(side)) {
      scheduler_.post(scheduler_.now() + call_timeout,
                      [answer = std::move(answer)] { answer({.error = "no answer"}); });
      return;
    }
    ApiReply reply;
    if (std::optional<std::string> refusal = faults_.refusal(side, operation)) {
      reply.error = std::move(*refusal);
    } else {
      reply = this->answer(side, operation);
    }
    note(std::string(name(side)) + " calls " + std::string(fault::name(operation)) + ": " +
         (reply.ok ? "ok" : reply.error));
    scheduler_.post(scheduler_.now() + round_trip / 2,
                    [answer = std::move(answer), reply = std::move(reply)] { answer(reply); });
  });
}

ApiReply ServiceNode::answer(Side side, fault::Operation operation) {
  switch (operation) {
    case fault::Operation::resume_session:
      if (!role_.resumable()) {
        // No token: the client takes that for the session's end.
        return {.ok = true};
      }
      return {.ok = true, .token = new_token(side)};
    case fault::Operation::create_data_channel:
      if (role_.over()) {
        return {.error = std::string(already_terminated)};
      }
      return {.ok = true, .token = new_token(side)};
    case fault::Operation::terminate_session:
      role_.terminate({}, false, scheduler_.now());
      pump();
      return {.ok = true};
    case fault::Operation::open_data_channel:
      break;
  }
  return {.error = "not an API call"};
}

void ServiceNode::task_failed(const std::string& text) {
  const Duration one_way = network_.round_trip(Side::agent) / 2;
  scheduler_.post(scheduler_.now() + one_way, [this, text] {
    role_.terminate(text, true, scheduler_.now());
    pump();
  });
}

// --- connections --------------------------------------------------------------------------------

void ServiceNode::opened(Connection& connection) {
  observer_.connection_opened(scheduler_.elapsed(), connection.number(), connection.side());
}

std::string ServiceNode::refusal(Connection& connection) {
  return faults_.refusal(connection.side(), fault::Operation::open_data_channel).value_or("");
}

void ServiceNode::failed(Connection& /*connection*/, const std::string& /*detail*/) {}

void ServiceNode::lost(Connection& connection, const std::string& detail) {
  observer_.connection_closed(scheduler_.elapsed(), connection.number(), connection.side(), detail);
  if (end(connection.side()).connection == &connection) {
    detach(connection.side());
    pump();
  }
}

void ServiceNode::detach(Side side) {
  end(side).connection = nullptr;
  role_.detached(side, scheduler_.now());
  // Whoever was slowed down for this end may go on: the role holds or drops what comes.
  if (Connection* peer = end(other(side)).connection) {
    peer->set_service_reading(true);
  }
}

void ServiceNode::room(Connection& connection) {
  if (end(connection.side()).connection == &connection) {
    if (Connection* peer = end(other(connection.side())).connection) {
      peer->set_service_reading(true);
    }
  }
}

void ServiceNode::attach(Connection& connection, const protocol::Frame& first) {
  const Side side = connection.side();
  const auto open = protocol::parse_open_data_channel(first.bytes());
  if (!open || end(side).tokens.erase(open->token_value) == 0) {
    note("token of the " + std::string(name(side)) + " refused");
    observer_.connection_closed(scheduler_.elapsed(), connection.number(), side, "token refused");
    connection.close_from_service(1008, "token");
    return;
  }
  if (Connection* old = end(side).connection) {
    observer_.connection_closed(scheduler_.elapsed(), old->number(), side, "replaced");
    old->close_from_service(0, "");
    detach(side);
  }
  end(side).connection = &connection;
  ++end(side).connections;
  role_.attached(side, scheduler_.now());
  pump();
}

// --- messages -----------------------------------------------------------------------------------

void ServiceNode::arrived(Connection& connection, Packet packet) {
  observe(connection, true, packet.kind == Packet::Kind::text, packet.frame);
  if (end(connection.side()).connection != &connection) {
    if (packet.kind == Packet::Kind::text) {
      attach(connection, packet.frame);
    }
    return;
  }
  faults_.message(connection.side(), end(connection.side()).connections, std::move(packet.frame));
}

void ServiceNode::relay(Side from, protocol::Frame frame) {
  role_.receive(from, std::move(frame), scheduler_.now());
  pump();
}

void ServiceNode::pump() {
  while (const auto output = role_.poll_output()) {
    std::visit([this](const auto& one) { handle(one); }, *output);
  }
  while (const auto event = role_.poll_event()) {
    std::visit([this](const auto& one) { handle(one); }, *event);
  }
  alarm_.set(role_.next_timeout());
}

void ServiceNode::handle(const protocol::Deliver& output) {
  Connection* target = end(output.to).connection;
  if (target == nullptr) {
    return;
  }
  observe(*target, false, false, output.message);
  ++delivered_;
  target->send_from_service({.kind = Packet::Kind::binary, .frame = output.message});
  //= CTL-028
  if (!target->service_may_write()) {
    if (Connection* source = end(other(output.to)).connection) {
      source->set_service_reading(false);
    }
  }
}

void ServiceNode::handle(const protocol::CloseSide& output) {
  if (Connection* target = std::exchange(end(output.side).connection, nullptr)) {
    observer_.connection_closed(scheduler_.elapsed(), target->number(), output.side,
                                "by the service");
    target->close_from_service(output.code, output.reason);
    role_.detached(output.side, scheduler_.now());
  }
}

void ServiceNode::handle(const protocol::StatusChanged& /*event*/) {}

void ServiceNode::handle(const protocol::ServiceEnded& event) {
  end_text_ = event.text;
  note("session over" + (event.text.empty() ? "" : ": " + event.text));
}

void ServiceNode::handle(const protocol::MessageRefused& event) {
  note("message from the " + std::string(name(event.from)) +
       " refused: " + event.error.to_string());
}

void ServiceNode::observe(const Connection& connection, bool received, bool text,
                          const protocol::Frame& frame) {
  observer_.message({.at = scheduler_.elapsed(),
                     .connection = connection.number(),
                     .side = connection.side(),
                     .received = received,
                     .text = text,
                     .data = frame.bytes()});
}

void ServiceNode::note(std::string_view text) {
  observer_.note(scheduler_.elapsed(), "service: " + std::string(text));
}

// --- faults -------------------------------------------------------------------------------------

void ServiceNode::close(Side side, std::uint16_t code, std::string reason) {
  if (Connection* victim = end(side).connection) {
    observer_.connection_closed(scheduler_.elapsed(), victim->number(), side, reason);
    victim->close_from_service(code, std::move(reason));
    detach(side);
    pump();
  }
}

void ServiceNode::publish(Side side, bool pause) {
  role_.publish(side, pause, scheduler_.now());
  pump();
}

void ServiceNode::crash(Side side) {
  on_crash(side);
}

void ServiceNode::restart(Side side) {
  on_restart(side);
}

}  // namespace ssm::sim
