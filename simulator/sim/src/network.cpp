#include "ssm/sim/network.hpp"

#include <utility>

namespace ssm::sim {
namespace {

const LinkRules& link(const NetworkRules& rules, Side side) {
  return side == Side::client ? rules.client : rules.agent;
}

}  // namespace

// --- connection ---------------------------------------------------------------------------------

Connection::Connection(Scheduler& scheduler, const NetworkRules& rules, Side side,
                       std::uint64_t number, std::uint64_t seed, ConnectionUser& end,
                       ConnectionUser& service)
    : scheduler_(scheduler),
      rules_(rules),
      round_trip_(2 * link(rules, side).latency),
      side_(side),
      number_(number),
      end_(end),
      service_(service),
      up_(
          scheduler, link(rules, side), seed,
          [this](Packet packet) { arrived_at_service(std::move(packet)); },
          [this] {
            if (!end_gone_) {
              end_.room(*this);
            }
          }),
      down_(
          scheduler, link(rules, side), seed + 1,
          [this](Packet packet) { arrived_at_end(std::move(packet)); },
          [this] {
            if (!service_gone_) {
              service_.room(*this);
            }
          }),
      opening_alarm_(scheduler, [this] { advance_opening(); }),
      timeout_alarm_(scheduler,
                     [this] {
                       close();
                       end_.failed(*this, "no answer");
                     }),
      stall_alarm_(scheduler, [this] { stall_noticed(); }) {
  opening_alarm_.set(scheduler.now() + rules.open_round_trips * round_trip_);
  timeout_alarm_.set(scheduler.now() + rules.connect_timeout);
}

void Connection::advance_opening() {
  if (state_ != State::opening || !reachable_) {
    return;
  }
  timeout_alarm_.cancel();
  if (const std::string refusal = service_.refusal(*this); !refusal.empty()) {
    close();
    end_.failed(*this, refusal);
    return;
  }
  state_ = State::open;
  service_.opened(*this);
  end_.opened(*this);
}

void Connection::set_reachable(bool reachable) {
  if (!std::exchange(reachable_, reachable) && reachable && state_ == State::opening) {
    opening_alarm_.set(scheduler_.now() + rules_.open_round_trips * round_trip_);
  }
  apply_stalls();
}

void Connection::send_from_end(Packet packet) {
  if (!end_gone_) {
    up_.send(std::move(packet));
  }
}

void Connection::send_from_service(Packet packet) {
  if (!service_gone_) {
    down_.send(std::move(packet));
  }
}

void Connection::arrived_at_service(Packet packet) {
  if (service_gone_) {
    return;
  }
  if (packet.kind == Packet::Kind::end || packet.kind == Packet::Kind::close) {
    close();
    service_.lost(*this, "closed by the " + std::string(name(side_)));
    return;
  }
  if (packet.kind == Packet::Kind::ping) {
    down_.send({.kind = Packet::Kind::pong});
    return;
  }
  service_.arrived(*this, std::move(packet));
}

void Connection::arrived_at_end(Packet packet) {
  if (end_gone_) {
    return;
  }
  if (packet.kind == Packet::Kind::end || packet.kind == Packet::Kind::close) {
    close();
    end_.lost(*this, packet.kind == Packet::Kind::end
                         ? "connection closed"
                         : "close " + std::to_string(packet.code) + " " + packet.text);
    return;
  }
  end_.arrived(*this, std::move(packet));
}

void Connection::drop_from_end() {
  if (end_gone_) {
    return;
  }
  if (state_ == State::opening) {
    close();
    return;
  }
  end_gone_ = true;
  state_ = State::closing;
  down_.cut();
  up_.send({.kind = Packet::Kind::end});
}

void Connection::close_from_service(std::uint16_t code, std::string reason) {
  if (service_gone_) {
    return;
  }
  service_gone_ = true;
  state_ = State::closing;
  up_.cut();
  down_.send({.kind = code == 0 ? Packet::Kind::end : Packet::Kind::close,
              .text = std::move(reason),
              .code = code});
}

void Connection::reset(const std::string& detail) {
  if (state_ == State::closed) {
    return;
  }
  const bool was_opening = state_ == State::opening;
  const bool tell_end = !end_gone_;
  const bool tell_service = !service_gone_ && !was_opening;
  close();
  if (tell_service) {
    service_.lost(*this, detail);
  }
  if (tell_end) {
    if (was_opening) {
      end_.failed(*this, detail);
    } else {
      end_.lost(*this, detail);
    }
  }
}

void Connection::close() {
  state_ = State::closed;
  end_gone_ = true;
  service_gone_ = true;
  up_.cut();
  down_.cut();
  opening_alarm_.cancel();
  timeout_alarm_.cancel();
  stall_alarm_.cancel();
}

void Connection::stall(bool up, bool down) {
  stalls_up_ += up ? 1U : 0U;
  stalls_down_ += down ? 1U : 0U;
  apply_stalls();
}

void Connection::release(bool up, bool down) {
  stalls_up_ -= up && stalls_up_ > 0 ? 1U : 0U;
  stalls_down_ -= down && stalls_down_ > 0 ? 1U : 0U;
  apply_stalls();
}

void Connection::release_all() {
  stalls_up_ = 0;
  stalls_down_ = 0;
  apply_stalls();
}

void Connection::apply_stalls() {
  if (state_ == State::closed) {
    return;
  }
  up_.set_stalled(stalls_up_ > 0 || !reachable_);
  down_.set_stalled(stalls_down_ > 0 || !reachable_);
  if (!up_.stalled() && !down_.stalled()) {
    stall_alarm_.cancel();
  } else if (!stall_alarm_.is_set()) {
    // The operating system at either end gives a silent peer up: sooner while the connection is
    // idle, because keep-alive probes are not sent while data waits.
    const bool data_waits = up_.waiting_bytes() > 0 || down_.waiting_bytes() > 0;
    stall_alarm_.set(scheduler_.now() +
                     (data_waits ? rules_.unsent_timeout : rules_.keep_alive_timeout));
  }
}

void Connection::stall_noticed() {
  reset("connection timed out");
}

// --- network ------------------------------------------------------------------------------------

Network::Network(Scheduler& scheduler, NetworkRules rules, std::uint64_t seed,
                 ConnectionUser& service)
    : scheduler_(scheduler), rules_(rules), seeds_(seed), service_(service) {}

Connection& Network::open(Side side, ConnectionUser& end) {
  Connection& opened = connections_.emplace_back(scheduler_, rules_, side, connections_.size() + 1,
                                                 seeds_.next(), end, service_);
  path(side).latest = &opened;
  opened.set_reachable(!path(side).partitioned);
  return opened;
}

Connection* Network::stall(Side side, bool up, bool down) {
  Connection* connection = path(side).latest;
  if (connection != nullptr) {
    connection->stall(up, down);
  }
  return connection;
}

void Network::set_partitioned(Side side, bool partitioned) {
  path(side).partitioned = partitioned;
  for (Connection& connection : connections_) {
    if (connection.side() == side) {
      connection.set_reachable(!partitioned);
    }
  }
}

void Network::reset(Side side, const std::string& detail) {
  if (Connection* connection = path(side).latest) {
    connection->reset(detail);
  }
}

void Network::heal() {
  for (const Side side : {Side::client, Side::agent}) {
    set_partitioned(side, false);
  }
  for (Connection& connection : connections_) {
    connection.release_all();
  }
}

Duration Network::round_trip(Side side) const {
  return 2 * link(rules_, side).latency;
}

}  // namespace ssm::sim
