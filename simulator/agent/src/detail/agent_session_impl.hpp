#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "detail/channel_opening.hpp"
#include "ssm/agent/agent_session.hpp"
#include "ssm/net/websocket.hpp"

namespace ssm::agent {

/// Drives the role: every callback gives it one input and then calls `advance`, which does what
/// the role and the program ask for until they ask for nothing more, and decides who may be read.
class AgentSession::Impl {
 public:
  Impl(net::EventLoop& loop, AgentSessionOptions options, std::unique_ptr<SessionProgram> program,
       OnEnded on_ended);
  ~Impl();

  void cancel();
  void set_stalled(bool stalled);

 private:
  // What the role asks for.
  void perform(const protocol::RequestDataChannel& request);
  void perform(const protocol::OpenConnection& request);
  void perform(const protocol::DropConnection& request);
  void perform(const protocol::SendText& request) { detail::send(socket_, request); }
  void perform(const protocol::SendBinary& request) { detail::send(socket_, request); }
  void perform(const protocol::SendPing& request) { detail::send(socket_, request); }
  void perform(const protocol::DecryptDataKey& request);
  void handle(const protocol::AgentConnected& event);
  void handle(const protocol::InputReceived& event);
  void handle(const protocol::TerminalResized& event);
  void handle(const protocol::ChannelClosedByService& event);
  void handle(const protocol::OutputPossible& event);
  void handle(const protocol::AgentEnded& event);

  void connection_open(net::WebSocket socket);
  void connection_ended(int number, const net::WebSocketEnd& end);
  void forget_old_connection();
  void stop_program();

  void advance();
  [[nodiscard]] bool advance_once();
  [[nodiscard]] bool output_possible() const;
  [[nodiscard]] bool send_output();
  [[nodiscard]] bool notice_end();
  /// True: the role has more to say.
  [[nodiscard]] bool update_input();
  void hold_input();
  void read_input_again();
  void refuse_input();
  void check_input_progress();
  void set_reading(bool reading);
  void arm_role_timer();
  void end_when_clean();

  net::EventLoop& loop_;
  AgentSessionOptions options_;
  std::unique_ptr<SessionProgram> program_;
  OnEnded on_ended_;
  protocol::AgentRole role_;
  net::PendingOperation operation_;
  std::optional<net::WebSocket> socket_;
  int connection_number_ = 0;
  /// A dropped connection until what was sent on it is written.
  std::optional<net::WebSocket> old_socket_;
  int old_connection_number_ = 0;
  net::Timer old_socket_timer_;
  net::Timer role_timer_;
  bool stalled_ = false;
  bool advancing_ = false;

  /// none -> running (-> stopping) -> ended. In `ended` the role was told, or the program was never
  /// started.
  enum class Program : std::uint8_t { none, running, stopping, ended };
  Program program_state_ = Program::none;

  // Output.
  net::Timer output_timer_;  ///< send_pause
  bool output_waits_ = false;
  bool paused_ = false;  ///< the program was told

  // Input.
  enum class Input : std::uint8_t { flowing, socket_paused, unacknowledged };
  Input input_ = Input::unacknowledged;
  net::Timer input_timer_;
  std::uint64_t input_progress_seen_ = 0;
  int input_checks_ = 0;

  bool dismissed_ = false;  ///< see ProgramEnd
  std::optional<protocol::AgentEnded> ended_;
  bool reported_ = false;
  /// Tells a posted call whether this object still exists.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace ssm::agent
