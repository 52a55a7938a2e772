#include "ssm/client/shell_application.hpp"

#include "detail/input_pump.hpp"
#include "ssm/client/standard_stream.hpp"
#include "ssm/client/terminal.hpp"

#include <algorithm>
#include <csignal>
#include <optional>
#include <utility>
#include <vector>

namespace ssm::client {
namespace {

/// Output that waits for a slow reader before the connection is made to wait.
constexpr std::size_t output_high_water_bytes = std::size_t{256} * 1024;
constexpr int max_interval_growth = 8;

constexpr std::string_view end_of_transmission = "\x04";

class ShellApplication final : public SessionApplication {
 public:
  ShellApplication(const protocol::SessionStarted& started, SessionHost& host,
                   const ShellOptions& options)
      : host_(host),
        options_(options),
        output_processing_(started.session_type == "NonInteractiveCommands"
                               ? OutputProcessing::on
                               : OutputProcessing::off),
        input_(host.loop(), options.input, StreamUse::reading),
        output_(host.loop(), options.output, StreamUse::writing),
        terminal_(options.input),
        pump_(host.loop(), host.session(), host.profile()),
        input_end_timer_(host.loop()),
        end_of_transmission_wait_(options.end_of_transmission_interval) {}

  void start() override;
  bool receive(protocol::PayloadType type, protocol::Bytes data) override;
  void input_possible() override { pump_.flush(); }
  void settled() override { check_input_done(); }
  bool signalled(int signal) override;
  void session_ended() override;
  [[nodiscard]] bool delivered() const override { return output_queued() == 0; }
  [[nodiscard]] std::string_view way_out() const override {
    return terminal_.raw() ? " (Enter ~ . to give up)" : "";
  }

 private:
  void on_input_end();
  void repeat_end_of_transmission();
  void check_input_done();

  void watch_signals();
  void watch(int signal, std::function<void()> action);
  void on_continued();
  void send_size_if_changed();
  [[nodiscard]] std::size_t output_queued() const { return output_.descriptor().queued_bytes(); }

  SessionHost& host_;
  ShellOptions options_;
  OutputProcessing output_processing_;
  StandardStream input_;
  StandardStream output_;
  Terminal terminal_;
  detail::InputPump pump_;
  net::Timer input_end_timer_;
  net::Duration end_of_transmission_wait_;
  std::vector<std::unique_ptr<net::SignalWatch>> signals_;
  std::optional<protocol::TerminalSize> sent_size_;
  bool input_ended_ = false;
  bool output_slow_ = false;
  bool over_ = false;
};

void ShellApplication::start() {
  output_.descriptor().on_drained([this] {
    if (over_) {
      host_.check_delivered();
    } else if (std::exchange(output_slow_, false)) {
      host_.receive_possible();
    }
  });
  output_.descriptor().on_write_error([this](boost::system::error_code error) {
    host_.finish({.end = SessionEnd::output_failed, .text = error.message()}, true);
  });
  watch_signals();
  terminal_.enter(output_processing_);
  //= SHELL-001
  send_size_if_changed();
  pump_.start(
      input_.descriptor(), [this] { on_input_end(); },
      terminal_.raw()
          ? std::function<void()>([this] { host_.finish({.end = SessionEnd::left}, true); })
          : nullptr);
  pump_.flush();
}

bool ShellApplication::receive(protocol::PayloadType /*type*/, protocol::Bytes data) {
  if (output_slow_) {
    return false;
  }
  //= SHELL-006
  //= SHELL-007
  output_.descriptor().write(data);
  output_slow_ = output_queued() > output_high_water_bytes;
  return true;
}

// --- end of the input ---------------------------------------------------------------------------

void ShellApplication::on_input_end() {
  if (over_) {
    return;
  }
  input_ended_ = true;
  if (options_.input_end == InputEnd::end_client) {
    input_end_timer_.arm(net::EventLoop::now() + options_.acknowledgement_limit,
                         [this] { host_.finish({.end = SessionEnd::input_ended}); });
    check_input_done();
    return;
  }
  if (!pump_.at_line_start()) {
    pump_.add("\r");
  }
  pump_.add(std::string(end_of_transmission));
  repeat_end_of_transmission();
}

void ShellApplication::repeat_end_of_transmission() {
  input_end_timer_.arm(net::EventLoop::now() + end_of_transmission_wait_, [this] {
    // One that is still on its way does the same.
    if (pump_.empty() && host_.session().unacknowledged() == 0) {
      pump_.add(std::string(end_of_transmission));
    }
    if (!over_) {
      repeat_end_of_transmission();
    }
  });
  end_of_transmission_wait_ = std::min(end_of_transmission_wait_ * 2,
                                       options_.end_of_transmission_interval * max_interval_growth);
}

void ShellApplication::check_input_done() {
  //= SHELL-029
  if (input_ended_ && options_.input_end == InputEnd::end_client && pump_.empty() &&
      host_.session().unacknowledged() == 0) {
    host_.finish({.end = SessionEnd::input_ended});
  }
}

// --- signals ------------------------------------------------------------------------------------

void ShellApplication::watch(int signal, std::function<void()> action) {
  signals_.push_back(std::make_unique<net::SignalWatch>(
      host_.loop(), std::initializer_list<int>{signal},
      [action = std::move(action)](int /*signal*/) { action(); }));
}

bool ShellApplication::signalled(int signal) {
  if (!options_.signals_are_input || (signal != SIGINT && signal != SIGQUIT)) {
    return false;
  }
  //= SHELL-008
  pump_.add(signal == SIGINT ? "\x03" : "\x1C");
  return true;
}

void ShellApplication::watch_signals() {
  if (options_.signals_are_input) {
    //= SHELL-008
    watch(SIGTSTP, [this] { pump_.add("\x1A"); });
  } else if (!is_ignored(SIGTSTP)) {
    watch(SIGTSTP, [this] {
      terminal_.leave();
      raise(SIGSTOP);
    });
  }
  watch(SIGCONT, [this] { on_continued(); });
  watch(SIGWINCH, [this] { send_size_if_changed(); });
}

void ShellApplication::on_continued() {
  if (!over_) {
    terminal_.enter(output_processing_);
    send_size_if_changed();
  }
}

void ShellApplication::send_size_if_changed() {
  const protocol::TerminalSize size = terminal_size(options_.output);
  //= SHELL-002
  if (!over_ && (!sent_size_ || sent_size_->cols != size.cols || sent_size_->rows != size.rows)) {
    sent_size_ = size;
    host_.session().send_size(size);
  }
}

void ShellApplication::session_ended() {
  over_ = true;
  pump_.stop();
  input_end_timer_.cancel();
}

}  // namespace

bool is_shell(std::string_view session_type) {
  return session_type == "Standard_Stream" || session_type == "InteractiveCommands" ||
         session_type == "NonInteractiveCommands";
}

std::unique_ptr<SessionApplication> make_shell(const protocol::SessionStarted& started,
                                               SessionHost& host, const ShellOptions& options) {
  return is_shell(started.session_type) ? std::make_unique<ShellApplication>(started, host, options)
                                        : nullptr;
}

}  // namespace ssm::client
