#include "ssm/client/shell_client.hpp"

#include "detail/input_pump.hpp"
#include "ssm/client/standard_stream.hpp"
#include "ssm/client/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ssm::client {
namespace {

/// Output that waits for a slow reader before the connection is made to wait.
constexpr std::size_t output_high_water_bytes = std::size_t{256} * 1024;
constexpr int max_interval_growth = 8;

constexpr std::string_view end_of_transmission = "\x04";

bool is_shell(std::string_view session_type) {
  return session_type == "Standard_Stream" || session_type == "InteractiveCommands" ||
         session_type == "NonInteractiveCommands";
}

ShellEnd shell_end(protocol::ClientEnd end) {
  switch (end) {
    case protocol::ClientEnd::channel_closed:
      return ShellEnd::channel_closed;
    case protocol::ClientEnd::timed_out:
      return ShellEnd::timed_out;
    case protocol::ClientEnd::unreachable:
      return ShellEnd::unreachable;
    case protocol::ClientEnd::resume_exhausted:
      return ShellEnd::resume_exhausted;
    case protocol::ClientEnd::unknown_session_type:
      return ShellEnd::unknown_session_type;
    case protocol::ClientEnd::input_lost:
      return ShellEnd::input_lost;
    case protocol::ClientEnd::input_finished:
      return ShellEnd::input_ended;
    case protocol::ClientEnd::agent_unresponsive:
    case protocol::ClientEnd::stream_gap:
      return ShellEnd::stalled;
  }
  return ShellEnd::channel_closed;
}

bool is_ignored(int signal) {
  struct sigaction action{};
  return sigaction(signal, nullptr, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
         action.sa_handler == SIG_IGN;
}

}  // namespace

class ShellClient::Impl : public std::enable_shared_from_this<ShellClient::Impl> {
 public:
  Impl(net::EventLoop& loop, const protocol::ClientConfig& config, SessionApi api,
       ShellOptions options, std::function<void(ShellOutcome)> on_end);

  void start();
  void forget() { on_end_ = nullptr; }

 private:
  void on_event(protocol::ClientEvent& event);
  void begin(const protocol::SessionStarted& started);
  void write(protocol::Bytes bytes);
  void on_try_failed(std::string_view why);
  void on_input_end();
  void repeat_end_of_transmission();
  void check_input_done();
  void note(std::string_view text) {
    if (options_.note) {
      options_.note(text);
    }
  }

  void watch_signals();
  void watch(int signal, std::function<void()> action);
  void on_continued();
  void send_size_if_changed();

  void finish(ShellOutcome outcome);
  void complete();

  net::EventLoop& loop_;
  ShellOptions options_;
  std::function<void(ShellOutcome)> on_end_;
  StandardStream input_;
  StandardStream output_;
  Terminal terminal_;
  OutputProcessing output_processing_ = OutputProcessing::off;
  SessionDriver session_;
  detail::InputPump pump_;
  net::Timer input_end_timer_;
  net::Duration end_of_transmission_wait_;
  std::vector<std::unique_ptr<net::SignalWatch>> signals_;
  std::optional<protocol::TerminalSize> sent_size_;
  bool started_ = false;
  bool input_ended_ = false;
  bool output_slow_ = false;
  std::string last_failure_;
  std::optional<ShellOutcome> outcome_;
};

ShellClient::Impl::Impl(net::EventLoop& loop, const protocol::ClientConfig& config, SessionApi api,
                        ShellOptions options, std::function<void(ShellOutcome)> on_end)
    : loop_(loop),
      options_(std::move(options)),
      on_end_(std::move(on_end)),
      input_(loop, options_.input, StreamUse::reading),
      output_(loop, options_.output, StreamUse::writing),
      terminal_(options_.input),
      session_(loop, config, std::move(api),
               {.on_event = [this](protocol::ClientEvent& event) { on_event(event); },
                .on_settled = [this] { check_input_done(); },
                .on_try_failed = [this](std::string_view why) { on_try_failed(why); }}),
      pump_(loop, session_, config.profile),
      input_end_timer_(loop),
      end_of_transmission_wait_(options_.end_of_transmission_interval) {}

void ShellClient::Impl::start() {
  output_.descriptor().on_drained([this] {
    if (outcome_) {
      complete();
    } else if (std::exchange(output_slow_, false)) {
      session_.resume_reading();
    }
  });
  output_.descriptor().on_write_error([this](boost::system::error_code error) {
    finish({.end = ShellEnd::output_failed, .text = error.message(), .signal = 0});
    complete();
  });
  watch_signals();
  session_.start();
}

void ShellClient::Impl::on_event(protocol::ClientEvent& event) {
  if (outcome_) {
    return;
  }
  std::visit(
      [this](auto& happened) {
        using Happened = std::decay_t<decltype(happened)>;
        if constexpr (std::is_same_v<Happened, protocol::SessionStarted>) {
          begin(happened);
        } else if constexpr (std::is_same_v<Happened, protocol::OutputReceived>) {
          //= SHELL-006
          //= SHELL-007
          write(happened.data.bytes());
        } else if constexpr (std::is_same_v<Happened, protocol::CustomerMessage>) {
          write(protocol::as_bytes(happened.text));
          write(protocol::as_bytes("\n"));
        } else if constexpr (std::is_same_v<Happened, protocol::ConnectionInterrupted>) {
          note(fmt::format("connection lost ({}), resuming ...{}", happened.detail,
                           terminal_.raw() ? " (Enter ~ . to give up)" : ""));
        } else if constexpr (std::is_same_v<Happened, protocol::ConnectionRestored>) {
          last_failure_.clear();
          note("connection resumed");
        } else if constexpr (std::is_same_v<Happened, protocol::InputPossible>) {
          pump_.flush();
        } else {
          static_assert(std::is_same_v<Happened, protocol::ClientEnded>);
          finish(
              {.end = shell_end(happened.reason), .text = std::move(happened.text), .signal = 0});
        }
      },
      event);
}

void ShellClient::Impl::begin(const protocol::SessionStarted& started) {
  if (!is_shell(started.session_type)) {
    finish({.end = ShellEnd::unsupported_session_type, .text = started.session_type, .signal = 0});
    return;
  }
  started_ = true;
  if (started.session_type == "NonInteractiveCommands") {
    output_processing_ = OutputProcessing::on;
  }
  terminal_.enter(output_processing_);
  //= SHELL-001
  send_size_if_changed();
  pump_.start(
      input_.descriptor(), [this] { on_input_end(); },
      terminal_.raw() ? std::function<void()>([this] {
        finish({.end = ShellEnd::left, .text = {}, .signal = 0});
        complete();
      })
                      : nullptr);
  pump_.flush();
}

void ShellClient::Impl::on_try_failed(std::string_view why) {
  if (started_ && !outcome_ && why != last_failure_) {
    last_failure_ = why;
    note(fmt::format("not yet: {}", why));
  }
}

void ShellClient::Impl::write(protocol::Bytes bytes) {
  output_.descriptor().write(bytes);
  if (!output_slow_ && output_.descriptor().queued_bytes() > output_high_water_bytes) {
    output_slow_ = true;
    session_.pause_reading();
  }
}

// --- end of the input ---------------------------------------------------------------------------

void ShellClient::Impl::on_input_end() {
  if (outcome_) {
    return;
  }
  input_ended_ = true;
  if (options_.input_end == InputEnd::end_client) {
    input_end_timer_.arm(net::EventLoop::now() + options_.acknowledgement_limit, [this] {
      finish({.end = ShellEnd::input_ended, .text = {}, .signal = 0});
    });
    check_input_done();
    return;
  }
  if (!pump_.at_line_start()) {
    pump_.add("\r");
  }
  pump_.add(std::string(end_of_transmission));
  repeat_end_of_transmission();
}

void ShellClient::Impl::repeat_end_of_transmission() {
  input_end_timer_.arm(net::EventLoop::now() + end_of_transmission_wait_, [this] {
    // One that is still on its way does the same.
    if (pump_.empty() && session_.unacknowledged() == 0) {
      pump_.add(std::string(end_of_transmission));
    }
    if (!outcome_) {
      repeat_end_of_transmission();
    }
  });
  end_of_transmission_wait_ = std::min(end_of_transmission_wait_ * 2,
                                       options_.end_of_transmission_interval * max_interval_growth);
}

void ShellClient::Impl::check_input_done() {
  //= SHELL-029
  if (input_ended_ && options_.input_end == InputEnd::end_client && pump_.empty() &&
      session_.unacknowledged() == 0) {
    finish({.end = ShellEnd::input_ended, .text = {}, .signal = 0});
  }
}

// --- signals ------------------------------------------------------------------------------------

void ShellClient::Impl::watch(int signal, std::function<void()> action) {
  signals_.push_back(std::make_unique<net::SignalWatch>(
      loop_, std::initializer_list<int>{signal},
      [action = std::move(action)](int /*signal*/) { action(); }));
}

void ShellClient::Impl::watch_signals() {
  const auto stop_on = [this](int signal) {
    // What the parent decided to ignore (nohup, background jobs) stays ignored.
    if (!is_ignored(signal)) {
      watch(signal, [this, signal] {
        finish({.end = ShellEnd::stopped, .text = {}, .signal = signal});
        complete();
      });
    }
  };
  const auto send_on = [this](int signal, std::string_view byte) {
    watch(signal, [this, byte] { pump_.add(std::string(byte)); });
  };
  stop_on(SIGHUP);
  stop_on(SIGTERM);
  if (options_.signals_are_input) {
    //= SHELL-008
    send_on(SIGINT, "\x03");
    send_on(SIGQUIT, "\x1C");
    send_on(SIGTSTP, "\x1A");
  } else {
    stop_on(SIGINT);
    stop_on(SIGQUIT);
    if (!is_ignored(SIGTSTP)) {
      watch(SIGTSTP, [this] {
        terminal_.leave();
        raise(SIGSTOP);
      });
    }
  }
  watch(SIGCONT, [this] { on_continued(); });
  watch(SIGWINCH, [this] { send_size_if_changed(); });
}

void ShellClient::Impl::on_continued() {
  if (started_ && !outcome_) {
    terminal_.enter(output_processing_);
    send_size_if_changed();
  }
}

void ShellClient::Impl::send_size_if_changed() {
  const protocol::TerminalSize size = terminal_size(options_.output);
  //= SHELL-002
  if (started_ && !outcome_ &&
      (!sent_size_ || sent_size_->cols != size.cols || sent_size_->rows != size.rows)) {
    sent_size_ = size;
    session_.send_size(size);
  }
}

// --- end of the session -------------------------------------------------------------------------

void ShellClient::Impl::finish(ShellOutcome outcome) {
  if (outcome_) {
    return;
  }
  outcome_ = std::move(outcome);
  pump_.stop();
  input_end_timer_.cancel();
  session_.abandon();
  if (output_.descriptor().queued_bytes() == 0) {
    complete();
  }
}

void ShellClient::Impl::complete() {
  terminal_.leave();
  // Later: callers up the stack still use this object, and the callback may destroy it.
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) {
      return;
    }
    self->signals_.clear();
    if (const auto on_end = std::exchange(self->on_end_, nullptr)) {
      on_end(*self->outcome_);
    }
  });
}

ShellClient::ShellClient(net::EventLoop& loop, const protocol::ClientConfig& config, SessionApi api,
                         ShellOptions options, std::function<void(ShellOutcome)> on_end)
    : impl_(std::make_shared<Impl>(loop, config, std::move(api), std::move(options),
                                   std::move(on_end))) {}

ShellClient::~ShellClient() {
  impl_->forget();
}

void ShellClient::start() {
  impl_->start();
}

}  // namespace ssm::client
