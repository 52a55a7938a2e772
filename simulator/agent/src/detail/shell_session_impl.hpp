#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ssm/agent/pty_process.hpp"
#include "ssm/agent/shell_session.hpp"
#include "ssm/net/websocket.hpp"
#include "ssm/protocol/utf8_boundary.hpp"

namespace ssm::agent {

/// Drives the role: every callback gives it one input and then calls `advance`, which does what
/// the role asks for until it asks for nothing more, and then decides who may be read.
class ShellSession::Impl {
 public:
  Impl(net::EventLoop& loop, ShellSessionOptions options, OnEnded on_ended);
  ~Impl();

  void cancel();

 private:
  // What the role asks for.
  void perform(const protocol::RequestDataChannel& request);
  void perform(const protocol::OpenConnection& request);
  void perform(const protocol::DropConnection& request);
  void perform(const protocol::SendText& request);
  void perform(const protocol::SendBinary& request);
  void perform(const protocol::SendPing& request);
  void perform(const protocol::DecryptDataKey& request);
  void handle(const protocol::AgentConnected& event);
  void handle(const protocol::InputReceived& event);
  void handle(const protocol::TerminalResized& event);
  void handle(const protocol::ChannelClosedByService& event);
  void handle(const protocol::OutputPossible& event);
  void handle(const protocol::AgentEnded& event);

  void receive_answer(const protocol::Result<net::HttpResponse>& answer);
  void connection_open(net::WebSocket socket);
  void connection_ended(int number, const net::WebSocketEnd& end);
  void forget_old_connection();
  void program_ended(ExitStatus status);
  void stop_program();

  void advance();
  [[nodiscard]] bool advance_once();
  [[nodiscard]] bool output_possible() const;
  [[nodiscard]] bool send_output();
  [[nodiscard]] bool finish_when_sent();
  void update_output();
  void update_input();
  void read_input_again();
  void refuse_input();
  void check_input_progress();
  void arm_role_timer();
  void end_when_clean();

  net::EventLoop& loop_;
  ShellSessionOptions options_;
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
  bool advancing_ = false;

  std::unique_ptr<PtyProcess> program_;
  /// ended: its output may still have to be sent; done: the role was told of the end.
  enum class Program { none, running, stopping, ended, done } program_state_ = Program::none;

  // Output.
  protocol::Utf8Boundary boundary_;
  std::vector<std::byte> output_;  ///< cut at a character, not sent yet; at most one message
  net::Timer output_timer_;        ///< first_output_wait and send_pause
  bool output_waits_ = false;

  // Input.
  enum class Input { flowing, socket_paused, unacknowledged } input_ = Input::flowing;
  net::Timer input_timer_;
  std::size_t input_queue_seen_ = 0;
  int input_checks_ = 0;

  std::optional<protocol::AgentEnded> ended_;
  bool reported_ = false;
  /// Tells a posted call whether this object still exists.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace ssm::agent
