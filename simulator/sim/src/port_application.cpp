#include "ssm/sim/port_application.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <span>
#include <utility>
#include <variant>

#include "ssm/protocol/version.hpp"

namespace ssm::sim {
namespace {

using protocol::PortCloseReason;
using protocol::PortEvent;

constexpr std::string_view port_type = "LocalPortForwarding";
/// A request begins with the number of its connection, so that the server knows its part.
constexpr std::size_t header_bytes = 8;

std::string header_of(std::uint32_t number) {
  std::string text = std::to_string(number);
  text.insert(0, header_bytes - text.size(), '0');
  return text;
}

StreamText request_text(std::uint32_t number) {
  return StreamText(std::uint64_t{1000} + 2 * std::uint64_t{number});
}
StreamText response_text(std::uint32_t number) {
  return StreamText(std::uint64_t{1001} + 2 * std::uint64_t{number});
}

/// Of a program that knows no multiplexer.
protocol::PortChoice basic(protocol::PortChoice choice) {
  choice.mode = protocol::PortMode::basic;
  choice.keepalive = false;
  return choice;
}

std::string_view name(PortCloseReason reason) {
  switch (reason) {
    case PortCloseReason::ended:
      return "ended";
    case PortCloseReason::refused:
      return "refused";
    case PortCloseReason::busy:
      return "busy";
    case PortCloseReason::no_stream:
      return "no stream";
    case PortCloseReason::stalled:
      return "stalled";
    case PortCloseReason::peer_error:
      return "peer error";
    case PortCloseReason::dial_timeout:
      return "dial timeout";
    case PortCloseReason::session_ended:
      return "session ended";
  }
  return "unknown";
}

}  // namespace

// --- client -------------------------------------------------------------------------------------

PortClientApplication::Local::Local(const ConnectionScript& one, std::uint32_t id, Instant now)
    : script(&one), check(response_text(id)), opened_at(now), reads_at(now + one.reads_after) {}

PortClientApplication::PortClientApplication(const ConnectionScripts& scripts,
                                             protocol::PortClientRules rules,
                                             const protocol::ClientProfile& profile,
                                             Verdicts& verdicts)
    : scripts_(scripts),
      rules_(rules),
      chunk_bytes_(profile.chunk_bytes),
      multiplexes_(protocol::agent_gate::client_multiplexes(profile.version)),
      verdicts_(verdicts) {}

void PortClientApplication::started(const SessionFacts& facts, Instant now) {
  const auto choice = protocol::choose_client_port_mode(port_type, facts.peer_version);
  port_.emplace(protocol::PortClientConfig{.choice = multiplexes_ ? choice : basic(choice),
                                           .chunk_bytes = chunk_bytes_,
                                           .rules = rules_},
                now);
  started_at_ = now;
  drive(now);
}

bool PortClientApplication::received(protocol::PayloadType type, protocol::Bytes data,
                                     Instant now) {
  const bool taken = port_->receive(type, data, now);
  drive(now);
  return taken;
}

bool PortClientApplication::can_receive() const {
  return !port_ || port_->ready_to_receive();
}

std::optional<Chunk> PortClientApplication::next(std::size_t /*max_bytes*/, Instant now) {
  if (!port_) {
    return std::nullopt;
  }
  const auto output = port_->poll_output(now);
  if (!output) {
    // Sending may have made room.
    drive(now);
    return std::nullopt;
  }
  return Chunk{.type = output->type, .data = output->data};
}

std::optional<Instant> PortClientApplication::next_wake() const {
  if (!port_) {
    return std::nullopt;
  }
  if (port_->has_output()) {
    return started_at_;
  }
  std::optional<Instant> next = port_->next_timeout();
  if (next_script_ < scripts_.size()) {
    next = protocol::earliest(next, started_at_ + scripts_[next_script_].opens);
  }
  for (const auto& [id, local] : locals_) {
    if (local.script->reads_after > Duration::zero() && local.check.bytes() == 0 &&
        !port_->readable(id).empty()) {
      next = protocol::earliest(next, local.reads_at);
    }
  }
  return next;
}

void PortClientApplication::wake(Instant now) {
  if (port_) {
    if (const auto due = port_->next_timeout(); due && *due <= now) {
      port_->on_timer(now);
    }
    drive(now);
  }
}

void PortClientApplication::all_acknowledged(Instant now) {
  if (port_) {
    port_->all_acknowledged(now);
    drive(now);
  }
}

void PortClientApplication::open_due(Instant now) {
  while (next_script_ < scripts_.size() && started_at_ + scripts_[next_script_].opens <= now) {
    const ConnectionScript& script = scripts_[next_script_++];
    const auto id = static_cast<std::uint32_t>(next_script_);
    locals_.try_emplace(id, script, id, now);
    most_open_ = std::max(most_open_, locals_.size());
    port_->connection_accepted(id, now);
  }
}

void PortClientApplication::drive(Instant now) {
  open_due(now);
  bool more = true;
  while (more) {
    more = false;
    while (const auto event = port_->poll_event()) {
      handle(*event, now);
      more = true;
    }
    for (auto& [id, local] : locals_) {
      const std::uint64_t before = local.sent + local.check.bytes() + (local.eof_sent ? 1U : 0U);
      write(id, local, now);
      read(id, local, now);
      more |= local.sent + local.check.bytes() + (local.eof_sent ? 1U : 0U) != before;
    }
    std::erase_if(locals_, [](const auto& entry) { return entry.second.closed; });
  }
  if (all_closed() && !std::exchange(terminated_, true)) {
    port_->terminate(now);
  }
}

void PortClientApplication::write(std::uint32_t id, Local& local, Instant now) {
  const std::string header = header_of(id);
  const std::uint64_t total = header_bytes + local.script->request_bytes;
  while (!local.closed && local.sent < total) {
    const std::size_t room = port_->room(id);
    if (room == 0) {
      return;
    }
    protocol::Bytes bytes =
        local.sent < header_bytes
            ? std::as_bytes(std::span(header)).subspan(local.sent)
            : request_text(id).at(local.sent - header_bytes, total - local.sent);
    const std::size_t taken = port_->data(id, bytes.first(std::min(room, bytes.size())), now);
    if (taken == 0) {
      return;
    }
    local.sent += taken;
  }
  if (!local.closed && local.script->half_closes && !std::exchange(local.eof_sent, true)) {
    port_->eof(id, now);
  }
}

void PortClientApplication::read(std::uint32_t id, Local& local, Instant now) {
  if (local.closed || now < local.reads_at) {
    return;
  }
  while (true) {
    const protocol::Bytes bytes = port_->readable(id);
    if (bytes.empty()) {
      break;
    }
    if (const auto wrong = local.check.received(bytes)) {
      verdicts_.violated(Invariant::bytes_in_order,
                         "response of connection " + std::to_string(id) + ": " + *wrong);
      return;
    }
    received_bytes_ += bytes.size();
    port_->consumed(id, bytes.size(), now);
  }
  // Basic mode carries no end of the response: the application knows when it has all of it.
  const bool whole = port_->mode() == protocol::PortMode::basic &&
                     local.sent == header_bytes + local.script->request_bytes &&
                     local.check.bytes() == local.script->response_bytes;
  if ((whole || port_->read_ended(id)) && !std::exchange(local.eof_sent, true)) {
    port_->eof(id, now);
  }
}

void PortClientApplication::handle(const PortEvent& event, Instant now) {
  if (const auto* closed = std::get_if<protocol::PortClosed>(&event)) {
    close(closed->id, closed->reason, now);
  }
}

void PortClientApplication::close(std::uint32_t id, PortCloseReason reason, Instant now) {
  const auto found = locals_.find(id);
  if (found == locals_.end()) {
    return;
  }
  Local& local = found->second;
  local.closed = true;
  if (local.script->reads_after == Duration::zero()) {
    slowest_ = std::max(slowest_, now - local.opened_at);
  }
  const bool whole = local.check.bytes() == local.script->response_bytes &&
                     local.sent == header_bytes + local.script->request_bytes;
  if (whole || local.script->refused) {
    ++served_;
    return;
  }
  ++unserved_;
  last_unserved_ = name(reason);
  // A connection that breaks tells its application; one that ends in good order lies.
  if (reason == PortCloseReason::ended) {
    verdicts_.violated(Invariant::completes_or_ends,
                       "connection " + std::to_string(id) + " was closed in good order after " +
                           std::to_string(local.check.bytes()) + " of " +
                           std::to_string(local.script->response_bytes) + " bytes of its response");
  }
}

bool PortClientApplication::all_closed() const {
  return next_script_ == scripts_.size() && locals_.empty();
}

std::optional<Finished> PortClientApplication::finished() const {
  return std::nullopt;
}

std::string PortClientApplication::progress() const {
  return std::to_string(served_) + " of " + std::to_string(scripts_.size()) +
         " connections served, " + std::to_string(locals_.size()) + " open, " +
         std::to_string(unserved_) + " broken" +
         (unserved_ == 0 ? "" : " (" + std::string(last_unserved_) + ")");
}

std::uint64_t PortClientApplication::expected_bytes() const {
  std::uint64_t sum = 0;
  for (const ConnectionScript& script : scripts_) {
    sum += script.refused ? 0 : script.response_bytes;
  }
  return sum;
}

bool PortClientApplication::complete() const {
  return all_closed() && unserved_ == 0;
}

std::map<std::string, double> PortClientApplication::measures(Instant now) const {
  Duration slowest = slowest_;
  for (const auto& [id, local] : locals_) {
    if (local.script->reads_after == Duration::zero()) {
      slowest = std::max(slowest, now - local.opened_at);
    }
  }
  return {{"connections_served", static_cast<double>(served_)},
          {"connections_broken", static_cast<double>(unserved_)},
          {"connections_open", static_cast<double>(locals_.size())},
          {"most_open_connections", static_cast<double>(most_open_)},
          {"slowest_connection_s", std::chrono::duration<double>(slowest).count()}};
}

// --- agent --------------------------------------------------------------------------------------

PortAgentApplication::PortAgentApplication(const ConnectionScripts& scripts,
                                           protocol::PortAgentRules rules,
                                           const protocol::AgentProfile& profile,
                                           Verdicts& verdicts)
    : scripts_(scripts),
      rules_(rules),
      chunk_bytes_(profile.chunk_bytes),
      multiplexes_(protocol::client_gate::agent_multiplexes(profile.version)),
      verdicts_(verdicts) {}

void PortAgentApplication::started(const SessionFacts& facts, Instant now) {
  const auto choice = protocol::choose_agent_port_mode(port_type, facts.peer_version);
  port_.emplace(protocol::PortAgentConfig{.choice = multiplexes_ ? choice : basic(choice),
                                          .chunk_bytes = chunk_bytes_,
                                          .rules = rules_},
                now);
  drive(now);
}

bool PortAgentApplication::received(protocol::PayloadType type, protocol::Bytes data, Instant now) {
  const bool taken = port_->receive(type, data, now);
  drive(now);
  return taken;
}

bool PortAgentApplication::can_receive() const {
  return !port_ || port_->ready_to_receive();
}

std::optional<Chunk> PortAgentApplication::next(std::size_t /*max_bytes*/, Instant now) {
  if (!port_) {
    return std::nullopt;
  }
  const auto output = port_->poll_output(now);
  if (!output) {
    drive(now);
    return std::nullopt;
  }
  return Chunk{.type = output->type, .data = output->data};
}

std::optional<Instant> PortAgentApplication::next_wake() const {
  if (!port_) {
    return std::nullopt;
  }
  if (port_->has_output()) {
    return Instant{};
  }
  std::optional<Instant> next = port_->next_timeout();
  for (const auto& [id, remote] : remotes_) {
    if (remote.script != nullptr && remote.script->destination_bytes_per_second > 0 &&
        !port_->readable(id).empty()) {
      next = protocol::earliest(next, reads_again_at(remote));
    }
  }
  return next;
}

void PortAgentApplication::wake(Instant now) {
  if (port_) {
    if (const auto due = port_->next_timeout(); due && *due <= now) {
      port_->on_timer(now);
    }
    drive(now);
  }
}

void PortAgentApplication::drive(Instant now) {
  bool more = true;
  while (more) {
    more = false;
    while (const auto event = port_->poll_event()) {
      handle(*event, now);
      more = true;
    }
    for (auto& [id, remote] : remotes_) {
      const std::uint64_t before = remote.sent + (remote.eof_sent ? 1U : 0U);
      read(id, remote, now);
      write(id, remote, now);
      more |= remote.sent + (remote.eof_sent ? 1U : 0U) != before;
    }
  }
}

void PortAgentApplication::read(std::uint32_t id, Remote& remote, Instant now) {
  while (true) {
    protocol::Bytes bytes = port_->readable(id);
    if (remote.script != nullptr) {
      const std::uint64_t may = may_read(remote, now) - remote.check->bytes();
      bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), may));
    }
    if (bytes.empty()) {
      break;
    }
    take(remote, bytes);
    port_->consumed(id, bytes.size(), now);
  }
  remote.saw_end = remote.saw_end || port_->read_ended(id);
}

std::uint64_t PortAgentApplication::may_read(const Remote& remote, Instant now) {
  const std::uint64_t rate = remote.script->destination_bytes_per_second;
  if (rate == 0) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now - remote.dialed_at).count();
  // What came with the header was read already.
  return std::max(remote.check->bytes(), rate * static_cast<std::uint64_t>(milliseconds) / 1000);
}

Instant PortAgentApplication::reads_again_at(const Remote& remote) {
  constexpr std::uint64_t read_bytes = 4096;
  const std::uint64_t wanted = remote.check->bytes() + read_bytes;
  return remote.dialed_at +
         std::chrono::milliseconds(wanted * 1000 / remote.script->destination_bytes_per_second + 1);
}

void PortAgentApplication::take(Remote& remote, protocol::Bytes data) {
  if (remote.script == nullptr) {
    const std::size_t missing = std::min(header_bytes - remote.header.size(), data.size());
    for (const std::byte one : data.first(missing)) {
      remote.header += static_cast<char>(one);
    }
    data = data.subspan(missing);
    if (remote.header.size() < header_bytes) {
      return;
    }
    const char* const end = remote.header.data() + remote.header.size();
    const auto [rest, error] = std::from_chars(remote.header.data(), end, remote.number);
    if (error != std::errc() || rest != end || remote.number == 0 ||
        remote.number > scripts_.size()) {
      verdicts_.violated(Invariant::bytes_in_order,
                         "a request begins with '" + remote.header + "', not with its number");
      return;
    }
    remote.script = &scripts_[remote.number - 1];
    remote.check.emplace(request_text(remote.number));
  }
  received_bytes_ += data.size();
  if (const auto wrong = remote.check->received(data)) {
    verdicts_.violated(Invariant::bytes_in_order,
                       "request of connection " + std::to_string(remote.number) + ": " + *wrong);
  }
}

void PortAgentApplication::write(std::uint32_t id, Remote& remote, Instant now) {
  if (remote.script == nullptr || remote.eof_sent) {
    return;
  }
  const bool asked = remote.check->bytes() >= remote.script->request_bytes &&
                     (!remote.script->half_closes || remote.saw_end);
  if (!asked) {
    return;
  }
  while (remote.sent < remote.script->response_bytes) {
    const std::size_t room = port_->room(id);
    if (room == 0) {
      return;
    }
    const protocol::Bytes bytes =
        response_text(remote.number)
            .at(remote.sent,
                std::min<std::uint64_t>(room, remote.script->response_bytes - remote.sent));
    const std::size_t taken = port_->data(id, bytes, now);
    if (taken == 0) {
      return;
    }
    remote.sent += taken;
  }
  remote.eof_sent = true;
  port_->eof(id, now);
}

void PortAgentApplication::handle(const PortEvent& event, Instant now) {
  if (const auto* dial = std::get_if<protocol::PortDial>(&event)) {
    const std::size_t number = dials_++;
    if (number < scripts_.size() && scripts_[number].refused) {
      port_->dial_failed(dial->id, "connection refused", now);
    } else {
      remotes_.try_emplace(dial->id).first->second.dialed_at = now;
      port_->dialed(dial->id, now);
    }
  } else if (const auto* closed = std::get_if<protocol::PortClosed>(&event)) {
    remotes_.erase(closed->id);
  } else if (const auto* ended = std::get_if<protocol::PortEnded>(&event)) {
    finished_ = Finished{.failed = ended->exit_code != 0, .text = ended->text};
  }
}

std::optional<Finished> PortAgentApplication::finished() const {
  return finished_;
}

std::uint64_t PortAgentApplication::expected_bytes() const {
  std::uint64_t sum = 0;
  for (const ConnectionScript& script : scripts_) {
    sum += script.refused ? 0 : script.request_bytes;
  }
  return sum;
}

std::string PortAgentApplication::progress() const {
  return std::to_string(dials_) + " destinations dialed, " + std::to_string(remotes_.size()) +
         " open";
}

}  // namespace ssm::sim
