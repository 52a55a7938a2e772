#include "ssm/client/session_client.hpp"

#include <fmt/format.h>

#include <array>
#include <csignal>
#include <deque>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ssm::client {
namespace {

SessionEnd session_end(protocol::ClientEnd end) {
  switch (end) {
    case protocol::ClientEnd::channel_closed:
      return SessionEnd::channel_closed;
    case protocol::ClientEnd::timed_out:
      return SessionEnd::timed_out;
    case protocol::ClientEnd::unreachable:
      return SessionEnd::unreachable;
    case protocol::ClientEnd::resume_exhausted:
      return SessionEnd::resume_exhausted;
    case protocol::ClientEnd::unknown_session_type:
      return SessionEnd::unknown_session_type;
    case protocol::ClientEnd::input_lost:
      return SessionEnd::input_lost;
    case protocol::ClientEnd::input_finished:
      return SessionEnd::input_ended;
    case protocol::ClientEnd::agent_unresponsive:
    case protocol::ClientEnd::stream_gap:
      return SessionEnd::stalled;
  }
  return SessionEnd::channel_closed;
}

constexpr std::array ending_signals = {SIGHUP, SIGTERM, SIGINT, SIGQUIT};

}  // namespace

bool is_ignored(int signal) {
  struct sigaction action{};
  return sigaction(signal, nullptr, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
         action.sa_handler == SIG_IGN;
}

class SessionClient::Impl final : public SessionHost,
                                  public std::enable_shared_from_this<SessionClient::Impl> {
 public:
  Impl(net::EventLoop& loop, const protocol::ClientConfig& config, SessionApi api,
       SessionOptions options, std::function<void(SessionOutcome)> on_end)
      : loop_(loop),
        profile_(config.profile),
        options_(std::move(options)),
        on_end_(std::move(on_end)),
        session_(loop, config, std::move(api),
                 {.on_event = [this](protocol::ClientEvent& event) { on_event(event); },
                  .on_settled =
                      [this] {
                        if (application_ && !outcome_) {
                          application_->settled();
                        }
                      },
                  .on_try_failed = [this](std::string_view why) { on_try_failed(why); }}) {}

  void start() {
    for (const int signal : ending_signals) {
      const bool ignored = is_ignored(signal);
      const bool hears = options_.hears_ignored_signals && (signal == SIGINT || signal == SIGQUIT);
      if (!ignored || hears) {
        signals_.push_back(std::make_unique<net::SignalWatch>(
            loop_, std::initializer_list<int>{signal},
            [this, ignored](int which) { on_signal(which, ignored); }));
      }
    }
    session_.start();
  }

  void forget() {
    on_end_ = nullptr;
    session_.abandon();
    signals_.clear();
    application_.reset();
  }

  // ---- SessionHost

  net::EventLoop& loop() override { return loop_; }
  SessionDriver& session() override { return session_; }
  [[nodiscard]] const protocol::ClientProfile& profile() const override { return profile_; }

  void note(std::string_view text) override {
    if (options_.note) {
      options_.note(text);
    }
  }

  void receive_possible() override {
    while (!held_.empty() &&
           application_->receive(held_.front().type, held_.front().data.bytes())) {
      held_.pop_front();
    }
    if (!held_.empty()) {
      return;
    }
    if (outcome_) {
      tell_application();
    } else if (std::exchange(reading_paused_, false)) {
      session_.resume_reading();
    }
  }

  void finish(SessionOutcome outcome, bool at_once) override {
    if (!outcome_) {
      outcome_ = std::move(outcome);
      session_.abandon();
    }
    if (at_once) {
      held_.clear();
    }
    tell_application();
    if (at_once) {
      complete();
    }
  }

  void check_delivered() override {
    if (outcome_ && told_ && application_->delivered()) {
      complete();
    }
  }

 private:
  void on_event(protocol::ClientEvent& event) {
    if (outcome_) {
      return;
    }
    std::visit(
        [this](auto& happened) {
          using Happened = std::decay_t<decltype(happened)>;
          if constexpr (std::is_same_v<Happened, protocol::SessionStarted>) {
            begin(happened);
          } else if constexpr (std::is_same_v<Happened, protocol::OutputReceived>) {
            deliver(happened);
          } else if constexpr (std::is_same_v<Happened, protocol::CustomerMessage>) {
            if (options_.message) {
              options_.message(happened.text);
            }
          } else if constexpr (std::is_same_v<Happened, protocol::ConnectionInterrupted>) {
            note(fmt::format("connection lost ({}), resuming ...{}", happened.detail,
                             application_ ? application_->way_out() : std::string_view()));
          } else if constexpr (std::is_same_v<Happened, protocol::ConnectionRestored>) {
            last_failure_.clear();
            note("connection resumed");
          } else if constexpr (std::is_same_v<Happened, protocol::InputPossible>) {
            if (application_) {
              application_->input_possible();
            }
          } else {
            static_assert(std::is_same_v<Happened, protocol::ClientEnded>);
            finish({.end = session_end(happened.reason), .text = std::move(happened.text)}, false);
          }
        },
        event);
  }

  void begin(const protocol::SessionStarted& started) {
    application_ = options_.make_application(started, *this);
    if (application_) {
      application_->start();
    } else if (!outcome_) {
      finish({.end = SessionEnd::unsupported_session_type, .text = started.session_type}, true);
    }
  }

  void deliver(protocol::OutputReceived& output) {
    if (!application_) {
      return;
    }
    if (held_.empty() && application_->receive(output.type, output.data.bytes())) {
      return;
    }
    held_.push_back(std::move(output));
    if (!std::exchange(reading_paused_, true)) {
      session_.pause_reading();
    }
  }

  void on_try_failed(std::string_view why) {
    if (application_ && !outcome_ && why != last_failure_) {
      last_failure_ = why;
      note(fmt::format("not yet: {}", why));
    }
  }

  void on_signal(int signal, bool ignored) {
    const bool handled = !outcome_ && application_ && application_->signalled(signal);
    if (!handled && !ignored) {
      finish({.end = SessionEnd::stopped, .signal = signal}, true);
    }
  }

  void tell_application() {
    if (!application_) {
      complete();
      return;
    }
    if (held_.empty() && !std::exchange(told_, true)) {
      application_->session_ended();
    }
    check_delivered();
  }

  void complete() {
    if (std::exchange(completing_, true)) {
      return;
    }
    // Later: callers up the stack still use this object, and the callback may destroy it.
    loop_.post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) {
        return;
      }
      self->signals_.clear();
      self->application_.reset();
      if (const auto on_end = std::exchange(self->on_end_, nullptr)) {
        on_end(*self->outcome_);
      }
    });
  }

  net::EventLoop& loop_;
  protocol::ClientProfile profile_;
  SessionOptions options_;
  std::function<void(SessionOutcome)> on_end_;
  SessionDriver session_;
  std::unique_ptr<SessionApplication> application_;
  std::vector<std::unique_ptr<net::SignalWatch>> signals_;
  std::deque<protocol::OutputReceived> held_;  ///< what the application did not take
  bool reading_paused_ = false;
  std::string last_failure_;
  std::optional<SessionOutcome> outcome_;
  bool told_ = false;
  bool completing_ = false;
};

SessionClient::SessionClient(net::EventLoop& loop, const protocol::ClientConfig& config,
                             SessionApi api, SessionOptions options,
                             std::function<void(SessionOutcome)> on_end)
    : impl_(std::make_shared<Impl>(loop, config, std::move(api), std::move(options),
                                   std::move(on_end))) {}

SessionClient::~SessionClient() {
  impl_->forget();
}

void SessionClient::start() {
  impl_->start();
}

}  // namespace ssm::client
