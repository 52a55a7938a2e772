#include "ssm/client/command_application.hpp"

#include "ssm/client/standard_stream.hpp"
#include "ssm/protocol/session_output.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace ssm::client {
namespace {

/// Output that waits for a slow reader before the session is made to wait.
constexpr std::size_t output_high_water_bytes = std::size_t{256} * 1024;

class CommandApplication final : public SessionApplication {
 public:
  CommandApplication(SessionHost& host, const CommandOptions& options, CommandResult& result)
      : host_(host),
        result_(result),
        output_(host.loop(), options.output, StreamUse::writing),
        error_(host.loop(), options.error, StreamUse::writing) {}

  void start() override;
  bool receive(protocol::PayloadType type, protocol::Bytes data) override;
  void input_possible() override { send_pending(); }
  bool signalled(int signal) override;
  void session_ended() override { over_ = true; }
  [[nodiscard]] bool delivered() const override { return queued() == 0; }

 private:
  void watch(net::Descriptor& descriptor, std::string_view name);
  void send_pending();
  [[nodiscard]] std::size_t queued() const {
    return std::max(output_.descriptor().queued_bytes(), error_.descriptor().queued_bytes());
  }

  SessionHost& host_;
  CommandResult& result_;
  StandardStream output_;
  StandardStream error_;
  protocol::SessionOutput session_output_;
  std::string pending_;  ///< control characters that the session did not take yet
  bool interrupted_ = false;
  bool over_ = false;
};

void CommandApplication::start() {
  result_.started = true;
  watch(output_.descriptor(), "standard output");
  watch(error_.descriptor(), "standard error");
}

void CommandApplication::watch(net::Descriptor& descriptor, std::string_view name) {
  descriptor.on_drained([this] {
    if (queued() == 0) {
      host_.receive_possible();
      host_.check_delivered();
    }
  });
  descriptor.on_write_error([this, name](boost::system::error_code error) {
    host_.finish({.end = SessionEnd::output_failed,
                  .text = std::string(name) + " cannot be written: " + error.message()},
                 true);
  });
}

bool CommandApplication::receive(protocol::PayloadType type, protocol::Bytes data) {
  if (queued() > output_high_water_bytes) {
    return false;
  }
  const auto text = session_output_.receive(type, data);
  result_.exit_code = session_output_.exit_code();
  if (text) {
    const bool is_error = text->target == protocol::SessionText::Target::standard_error;
    (is_error ? error_ : output_).descriptor().write(text->data);
    if (is_error && !text->data.empty()) {
      result_.error_line_is_open = protocol::as_text(text->data).back() != '\n';
    }
  }
  return true;
}

bool CommandApplication::signalled(int signal) {
  if ((signal != SIGINT && signal != SIGQUIT) || std::exchange(interrupted_, true)) {
    return false;
  }
  host_.note("signal passed on to the command; again to end the session");
  pending_ += signal == SIGINT ? '\x03' : '\x1C';
  send_pending();
  return true;
}

void CommandApplication::send_pending() {
  if (!pending_.empty() && host_.session().can_send()) {
    const std::string bytes = std::exchange(pending_, {});
    host_.session().send_input(protocol::as_bytes(bytes));
  }
}

bool is_harmless(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_-./:,+@%").find(c) != std::string_view::npos;
}

}  // namespace

std::unique_ptr<SessionApplication> make_command(const protocol::SessionStarted& started,
                                                 SessionHost& host, const CommandOptions& options,
                                                 CommandResult& result) {
  return started.session_type == "NonInteractiveCommands"
             ? std::make_unique<CommandApplication>(host, options, result)
             : nullptr;
}

std::string quote_for_shell(std::string_view argument) {
  if (!argument.empty() && std::all_of(argument.begin(), argument.end(), is_harmless)) {
    return std::string(argument);
  }
  std::string quoted = "'";
  for (const char c : argument) {
    if (c == '\'') {
      quoted += R"('\'')";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string quote_for_shell(std::span<const std::string> arguments) {
  std::string all;
  for (const std::string& argument : arguments) {
    all += (all.empty() ? "" : " ") + quote_for_shell(argument);
  }
  return all;
}

}  // namespace ssm::client
