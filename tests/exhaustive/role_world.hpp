#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "role_script.hpp"
#include "ssm/protocol/agent_role.hpp"
#include "ssm/protocol/client_role.hpp"
#include "ssm/protocol/codec.hpp"
#include "ssm/protocol/service_role.hpp"

/// One session: the three production roles, four wires between them, and everything that can happen
/// next. The first thing that can happen is what does happen when nothing goes wrong; the others
/// are deviations.

namespace ssm::test {

struct RoleSetup {
  std::string_view name;
  protocol::ClientProfile client;
  protocol::AgentProfile agent;
  int inputs = 2;   ///< messages from the client
  int outputs = 2;  ///< messages from the agent
  protocol::SessionDescription session = {};
};

enum class RoleAct : std::uint8_t {
  send_input,
  send_output,
  deliver,
  finish,
  timer,
  lose,
  duplicate,
  swap,  ///< the first two messages of a wire
  cut_client,
  cut_agent,
};
struct RoleChoice {
  RoleAct act = RoleAct::timer;
  std::uint8_t wire = 0;
};

class RoleWorld {
 public:
  explicit RoleWorld(const RoleSetup& setup)
      : setup_(&setup),
        client_(
            {.profile = setup.client,
             .session_id = "session",
             .stream_url = "url",
             .token = "token",
             .epoch = {.unix_ms_at_start = 1},
             .seed = 1,
             .encryption = protocol::ClientEncryption{.secret = secret(1), .target_id = "i-1"}}),
        agent_({.profile = setup.agent,
                .session_id = "session",
                .instance_id = "i-1",
                .session = setup.session,
                .epoch = {.unix_ms_at_start = 1},
                .seed = 2,
                .secret = secret(2)}),
        service_({.rules = {},
                  .session_id = "session",
                  .target = "i-1",
                  .epoch = {.unix_ms_at_start = 1},
                  .seed = 3}) {
    service_.start(now_);
    agent_.start(now_);
    client_.start(now_);
    pump();
  }

  /// The expected next step first, then the deviations; empty if the session is over or stuck.
  void choices(std::vector<RoleChoice>& out) const {
    out.clear();
    if (const auto expected = expected_step()) {
      out.push_back(*expected);
    } else {
      return;
    }
    for (std::uint8_t wire = 0; wire < wires_.size(); ++wire) {
      if (!wires_[wire].empty() && is_lossy(wires_[wire][0])) {
        out.push_back({RoleAct::lose, wire});
        out.push_back({RoleAct::duplicate, wire});
        if (wires_[wire].size() > 1 && is_lossy(wires_[wire][1])) {
          out.push_back({RoleAct::swap, wire});
        }
      }
    }
    const auto next = next_timeout();
    if (out.front().act != RoleAct::timer && next && *next <= now_ + std::chrono::seconds(5)) {
      out.push_back({RoleAct::timer, 0});
    }
    if (connected(protocol::Side::client)) {
      out.push_back({RoleAct::cut_client, 0});
    }
    if (connected(protocol::Side::agent)) {
      out.push_back({RoleAct::cut_agent, 0});
    }
  }

  void apply(const RoleChoice& choice) {
    using protocol::Side;
    std::deque<Item>& wire = wires_[choice.wire];
    switch (choice.act) {
      case RoleAct::send_input:
        client_.send_input(protocol::as_bytes(input_text(inputs_sent_++)), now_);
        break;
      case RoleAct::send_output:
        agent_.send_output(protocol::PayloadType::output,
                           protocol::as_bytes(output_text(outputs_sent_++)), now_);
        break;
      case RoleAct::deliver:
        deliver(choice.wire);
        break;
      case RoleAct::finish:
        finished_ = true;
        agent_.finish(now_);
        break;
      case RoleAct::timer:
        run_timers();
        break;
      case RoleAct::lose:
        wire.pop_front();
        break;
      case RoleAct::duplicate:
        wire.push_front(wire.front());
        break;
      case RoleAct::swap:
        std::swap(wire[0], wire[1]);
        break;
      case RoleAct::cut_client:
        cut(Side::client);
        break;
      case RoleAct::cut_agent:
        cut(Side::agent);
        break;
    }
    pump();
    check_bounds();
  }

  [[nodiscard]] std::string describe(const RoleChoice& choice) const {
    static constexpr std::array<std::string_view, 10> acts{"the client sends",
                                                           "the agent sends",
                                                           "deliver",
                                                           "the program ends",
                                                           "timer",
                                                           "lose",
                                                           "duplicate",
                                                           "swap the first two",
                                                           "cut the client off",
                                                           "cut the agent off"};
    static constexpr std::array<std::string_view, 4> names{" from the client", " to the client",
                                                           " from the agent", " to the agent"};
    std::string text(acts[static_cast<std::size_t>(choice.act)]);
    if (choice.act == RoleAct::deliver || choice.act == RoleAct::lose ||
        choice.act == RoleAct::duplicate || choice.act == RoleAct::swap) {
      const Item& item = wires_[choice.wire].front();
      text += names[choice.wire];
      text += item.kind == Item::Kind::binary  ? ": " + test::describe(item.frame)
              : item.kind == Item::Kind::token ? ": token frame"
                                               : ": end of connection";
    }
    return text;
  }

  [[nodiscard]] bool over() const { return client_.ended() && agent_.ended() && service_.over(); }
  [[nodiscard]] bool everything_delivered() const {
    return inputs_delivered_ == setup_->inputs && outputs_delivered_ == setup_->outputs;
  }
  [[nodiscard]] protocol::Instant now() const { return now_; }
  /// Empty while nothing is wrong.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] std::string ending() const { return client_end_ + ", " + agent_end_; }

 private:
  struct Item {
    enum class Kind : std::uint8_t { token, binary, close };
    Kind kind = Kind::binary;
    protocol::Frame frame;
  };
  enum WireName : std::uint8_t { from_client, to_client, from_agent, to_agent };
  static constexpr WireName from(protocol::Side side) {
    return side == protocol::Side::client ? from_client : from_agent;
  }
  static constexpr WireName to(protocol::Side side) {
    return side == protocol::Side::client ? to_client : to_agent;
  }
  static protocol::SecretSeed secret(int value) {
    protocol::SecretSeed seed{};
    seed[0] = static_cast<std::byte>(value);
    return seed;
  }
  static std::string input_text(int number) { return "input " + std::to_string(number); }
  static std::string output_text(int number) { return "output " + std::to_string(number); }

  /// Only what is sent again may be lost: over the real transport nothing else can be either.
  static bool is_lossy(const Item& item) {
    if (item.kind != Item::Kind::binary) {
      return false;
    }
    const auto view = protocol::decode(item.frame.bytes());
    return view && (view->type == protocol::MessageType::input_stream_data ||
                    view->type == protocol::MessageType::output_stream_data ||
                    view->type == protocol::MessageType::acknowledge);
  }

  [[nodiscard]] bool connected(protocol::Side side) const {
    return connected_[static_cast<std::size_t>(side)];
  }

  [[nodiscard]] std::optional<RoleChoice> expected_step() const {
    if (over()) {
      return std::nullopt;
    }
    if (inputs_sent_ < setup_->inputs && client_.can_send()) {
      return RoleChoice{RoleAct::send_input, 0};
    }
    if (outputs_sent_ < setup_->outputs && program_runs_ && agent_.can_send()) {
      return RoleChoice{RoleAct::send_output, 0};
    }
    for (std::uint8_t wire = 0; wire < wires_.size(); ++wire) {
      if (!wires_[wire].empty()) {
        return RoleChoice{RoleAct::deliver, wire};
      }
    }
    if (!finished_ && program_runs_ && outputs_sent_ == setup_->outputs &&
        inputs_delivered_ == setup_->inputs) {
      return RoleChoice{RoleAct::finish, 0};
    }
    return next_timeout() ? std::optional(RoleChoice{RoleAct::timer, 0}) : std::nullopt;
  }

  [[nodiscard]] std::optional<protocol::Instant> next_timeout() const {
    return protocol::earliest(protocol::earliest(client_.next_timeout(), agent_.next_timeout()),
                              service_.next_timeout());
  }

  void run_timers() {
    const protocol::Instant next = *next_timeout();
    same_time_ = next > now_ ? 0 : same_time_ + 1;
    if (same_time_ > 20) {
      fail("timers without end at one instant");
    }
    now_ = std::max(now_, next);
    const auto run = [this](auto& role) {
      const auto due = role.next_timeout();
      if (due && *due <= now_) {
        role.on_timer(now_);
      }
    };
    run(client_);
    run(agent_);
    run(service_);
  }

  void deliver(std::uint8_t wire) {
    using protocol::Side;
    const Item item = std::move(wires_[wire].front());
    wires_[wire].pop_front();
    const Side side = wire == from_client || wire == to_client ? Side::client : Side::agent;
    const bool to_service = wire == from_client || wire == from_agent;
    switch (item.kind) {
      case Item::Kind::token:
        service_.attached(side, now_);
        return;
      case Item::Kind::close:
        to_service ? service_.detached(side, now_) : cut(side);
        return;
      case Item::Kind::binary:
        if (to_service) {
          service_.receive(side, item.frame, now_);
        } else if (side == Side::client) {
          client_.receive(item.frame, now_);
        } else {
          agent_.receive(item.frame, now_);
        }
        return;
    }
  }

  /// Both ends of the connection notice, and what was on it is lost.
  void cut(protocol::Side side) {
    if (!connected(side)) {
      return;
    }
    connected_[static_cast<std::size_t>(side)] = false;
    wires_[from(side)].clear();
    wires_[to(side)].clear();
    service_.detached(side, now_);
    if (side == protocol::Side::client) {
      client_.connection_lost("cut", now_);
    } else {
      agent_.connection_lost("cut", now_);
    }
  }

  void open(protocol::Side side) {
    connected_[static_cast<std::size_t>(side)] = true;
    if (side == protocol::Side::client) {
      client_.connection_opened(now_);
    } else {
      agent_.connection_opened(now_);
    }
  }

  /// The role has closed its end: what it sent before still arrives.
  void drop(protocol::Side side) {
    connected_[static_cast<std::size_t>(side)] = false;
    wires_[to(side)].clear();
    wires_[from(side)].push_back({Item::Kind::close, {}});
  }

  // ---- what the roles ask for; APIs and connections answer at once ------------------------------

  void pump() {
    bool more = true;
    while (more) {
      more = false;
      while (auto output = client_.poll_output()) {
        std::visit([this](auto& o) { on_output(protocol::Side::client, o); }, *output);
        more = true;
      }
      while (auto output = agent_.poll_output()) {
        std::visit([this](auto& o) { on_output(protocol::Side::agent, o); }, *output);
        more = true;
      }
      while (auto output = service_.poll_output()) {
        std::visit([this](auto& o) { on_service_output(o); }, *output);
        more = true;
      }
      while (auto event = client_.poll_event()) {
        std::visit([this](const auto& e) { on_event(e); }, *event);
        more = true;
      }
      while (auto event = agent_.poll_event()) {
        std::visit([this](const auto& e) { on_event(e); }, *event);
        more = true;
      }
      while (service_.poll_event()) {
        more = true;
      }
    }
  }

  void on_output(protocol::Side side, const protocol::OpenConnection&) { open(side); }
  void on_output(protocol::Side side, const protocol::DropConnection&) { drop(side); }
  void on_output(protocol::Side side, const protocol::SendText&) {
    wires_[from(side)].push_back({Item::Kind::token, {}});
  }
  void on_output(protocol::Side side, protocol::SendBinary& send) {
    wires_[from(side)].push_back({Item::Kind::binary, std::move(send.frame)});
  }
  void on_output(protocol::Side side, const protocol::SendPing&) {
    if (side == protocol::Side::agent) {
      agent_.pong_received(now_);
    }
  }
  void on_output(protocol::Side, const protocol::RequestResume&) {
    client_.resume_answered(service_.over() ? "" : "token", "", now_);
  }
  void on_output(protocol::Side, const protocol::RequestTerminate&) {
    service_.terminate("", false, now_);
  }
  void on_output(protocol::Side, const protocol::RequestDataChannel&) {
    if (service_.over()) {
      agent_.channel_refused("Session is already terminated", now_);
    } else {
      agent_.channel_created("token", now_);
    }
  }

  void on_output(protocol::Side, const protocol::GenerateDataKey&) {
    client_.data_key_generated(data_key, protocol::as_bytes("ciphertext"), now_);
  }
  void on_output(protocol::Side, const protocol::DecryptDataKey&) {
    agent_.data_key_decrypted(data_key, now_);
  }

  void on_service_output(protocol::Deliver& deliver) {
    if (connected(deliver.to)) {
      wires_[to(deliver.to)].push_back({Item::Kind::binary, std::move(deliver.message)});
    }
  }
  void on_service_output(const protocol::CloseSide& close) {
    if (connected(close.side)) {
      wires_[to(close.side)].push_back({Item::Kind::close, {}});
    }
  }

  void on_event(const protocol::OutputReceived& e) {
    expect_text(output_text(outputs_delivered_++), e.data);
  }
  void on_event(const protocol::InputReceived& e) {
    expect_text(input_text(inputs_delivered_++), e.data);
  }
  void on_event(const protocol::AgentConnected&) {
    program_runs_ = true;
    agent_.set_input_ready(true, now_);
  }
  void on_event(const protocol::ChannelClosedByService&) { agent_.cancelled(now_); }
  void on_event(const protocol::ClientEnded& e) { client_end_ = test::describe(e); }
  void on_event(const protocol::AgentEnded& e) { agent_end_ = test::describe(e); }
  template <class Event>
  void on_event(const Event&) {}

  void expect_text(const std::string& expected, const protocol::FrameSlice& got) {
    if (protocol::as_text(got.bytes()) != expected) {
      fail("expected '" + expected + "', delivered " + quoted(got.bytes()));
    }
  }

  void check_bounds() {
    if (client_.unacknowledged() > setup_->client.channel.send.buffer_messages ||
        agent_.unacknowledged() > setup_->agent.channel.send.buffer_messages) {
      fail("more in flight than the window may hold");
    }
  }
  void fail(std::string problem) {
    if (problem_.empty()) {
      problem_ = std::move(problem);
    }
  }

  static constexpr std::array<std::byte, 64> data_key{};

  const RoleSetup* setup_;
  protocol::Instant now_{};
  protocol::ClientRole client_;
  protocol::AgentRole agent_;
  protocol::ServiceRole service_;
  std::array<std::deque<Item>, 4> wires_;
  std::array<bool, 2> connected_{};
  bool program_runs_ = false;
  bool finished_ = false;
  int inputs_sent_ = 0;
  int outputs_sent_ = 0;
  int inputs_delivered_ = 0;
  int outputs_delivered_ = 0;
  int same_time_ = 0;
  std::string client_end_ = "client goes on";
  std::string agent_end_ = "agent goes on";
  std::string problem_;
};

}  // namespace ssm::test
