#include "ssm/client/copy_session.hpp"

#include "ssm/client/port_forwarding.hpp"
#include "ssm/client/shell_application.hpp"
#include "ssm/client/stream_forwarding.hpp"
#include "ssm/net/descriptor.hpp"
#include "ssm/protocol/base64.hpp"
#include "ssm/protocol/session_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace ssm::client {
namespace {

/// Read ahead of the caller, before the session is made to wait.
constexpr std::size_t read_ahead_bytes = std::size_t{1} << 20U;
/// Written by the caller and not yet taken by the session.
constexpr std::size_t write_ahead_bytes = std::size_t{256} * 1024;
constexpr std::size_t noise_limit_bytes = 4096;

}  // namespace

class CopySession::Impl {
 public:
  Impl(net::EventLoop& loop, ApiClient& api, const protocol::ClientProfile& profile,
       SessionAccess access, Options options)
      : loop_(loop),
        api_(api),
        options_(std::move(options)),
        access_(std::move(access)),
        timer_(loop),
        chunk_bytes_(profile.chunk_bytes) {
    session_ = std::make_unique<SessionClient>(
        loop, client_config(profile, access_), SessionApi{.client = &api, .why_not = {}},
        SessionOptions{.make_application =
                           [this](const protocol::SessionStarted& started, SessionHost& host) {
                             return make_application(started, host);
                           },
                       .note = options_.note,
                       .message = options_.note},
        [this](SessionOutcome outcome) {
          outcome_ = std::move(outcome);
          host_ = nullptr;
          loop_.stop();
        });
    session_->start();
  }

  template <class Predicate>
  bool wait(const Predicate& done, net::Duration limit) {
    timed_out_ = false;
    timer_.arm(net::EventLoop::now() + limit, [this] {
      timed_out_ = true;
      loop_.stop();
    });
    while (!done() && !outcome_ && !timed_out_) {
      loop_.run();
    }
    timer_.cancel();
    return done();
  }

  std::optional<std::string> take_line() {
    const std::size_t end = input_.find('\n', std::max(at_, searched_));
    if (end == std::string::npos) {
      searched_ = input_.size();
      return std::nullopt;
    }
    std::string line = input_.substr(at_, end - at_);
    consume(end + 1 - at_);
    return line;
  }

  std::optional<std::string> take_answer() {
    while (auto line = take_line()) {
      if (line->ends_with('\r')) {
        line->pop_back();
      }
      if (line->size() > options_.mark.size() && line->starts_with(options_.mark) &&
          (*line)[options_.mark.size()] == ' ') {
        return line->substr(options_.mark.size() + 1);
      }
      add_noise(*line + "\n");
    }
    return std::nullopt;
  }

  void consume(std::size_t count) {
    at_ += count;
    searched_ = at_;
    if (at_ == input_.size()) {
      input_.clear();
      at_ = searched_ = 0;
    } else if (at_ > read_ahead_bytes) {
      input_.erase(0, at_);
      at_ = searched_ = 0;
    }
    if (host_ != nullptr && std::exchange(refused_, false)) {
      host_->receive_possible();
    }
  }

  bool write(std::string_view bytes) {
    if (options_.kind == CopySessionKind::port) {
      if (writer_) {
        writer_->write(protocol::as_bytes(bytes));
      }
    } else {
      output_ += bytes;
      pump();
    }
    return wait([this] { return host_ != nullptr && unwritten() <= write_ahead_bytes; },
                options_.silence_limit) &&
           !outcome_;
  }

  bool flush() {
    return wait(
               [this] {
                 return host_ != nullptr && unwritten() == 0 &&
                        (options_.kind == CopySessionKind::port ||
                         host_->session().unacknowledged() == 0);
               },
               options_.silence_limit) &&
           !outcome_;
  }

  void pump() {
    // send_input may come back here.
    if (std::exchange(pumping_, true)) {
      return;
    }
    std::size_t sent = 0;
    while (host_ != nullptr && sent < output_.size() && host_->session().can_send()) {
      const std::string chunk = output_.substr(sent, chunk_bytes_);
      host_->session().send_input(protocol::as_bytes(chunk));
      sent += chunk.size();
    }
    output_.erase(0, sent);
    pumping_ = false;
    loop_.stop();
  }

  void settled() { loop_.stop(); }

  bool receive(protocol::PayloadType type, protocol::Bytes data) {
    if (input_.size() - at_ > read_ahead_bytes) {
      refused_ = true;
      return false;
    }
    const auto text = session_output_.receive(type, data);
    if (text) {
      const std::string_view bytes = protocol::as_text(text->data);
      if (text->target == protocol::SessionText::Target::standard_error) {
        add_noise(bytes);
      } else if (options_.kind == CopySessionKind::encoded_terminal) {
        decode(bytes);
      } else {
        input_ += bytes;
      }
    }
    loop_.stop();
    return true;
  }

  void close() {
    if (!outcome_ || outcome_->end == SessionEnd::stopped || outcome_->end == SessionEnd::left ||
        outcome_->end == SessionEnd::input_ended ||
        outcome_->end == SessionEnd::unsupported_session_type) {
      if (!std::exchange(closed_, true)) {
        session_.reset();
        terminate_and_wait(loop_, api_, access_.session_id);
      }
    }
  }

  net::EventLoop& loop_;
  ApiClient& api_;
  Options options_;
  SessionAccess access_;
  std::optional<SessionOutcome> outcome_;
  protocol::SessionOutput session_output_;
  std::string noise_;
  std::string input_;  ///< what came, from `at_` on
  std::size_t at_ = 0;
  std::size_t searched_ = 0;  ///< there is no end of a line before this
  bool started_ = false;
  bool timed_out_ = false;
  bool closed_ = false;
  SessionHost* host_ = nullptr;

 private:
  class Application final : public SessionApplication {
   public:
    Application(Impl& owner, SessionHost& host) : owner_(owner), host_(host) {}
    void start() override {
      owner_.host_ = &host_;
      owner_.started_ = true;
      if (owner_.options_.kind != CopySessionKind::command) {
        host_.session().send_size({80, 24});
      }
      owner_.pump();
    }
    bool receive(protocol::PayloadType type, protocol::Bytes data) override {
      return owner_.receive(type, data);
    }
    void input_possible() override { owner_.pump(); }
    void settled() override { owner_.settled(); }
    void session_ended() override {}
    [[nodiscard]] bool delivered() const override { return true; }

   private:
    Impl& owner_;
    SessionHost& host_;
  };

  std::unique_ptr<SessionApplication> make_application(const protocol::SessionStarted& started,
                                                       SessionHost& host) {
    switch (options_.kind) {
      case CopySessionKind::command:
        return started.session_type == "NonInteractiveCommands"
                   ? std::make_unique<Application>(*this, host)
                   : nullptr;
      case CopySessionKind::terminal:
      case CopySessionKind::encoded_terminal:
        return is_shell(started.session_type) ? std::make_unique<Application>(*this, host)
                                              : nullptr;
      case CopySessionKind::port:
        return make_port(started, host);
    }
    return nullptr;
  }

  std::unique_ptr<SessionApplication> make_port(const protocol::SessionStarted& started,
                                                SessionHost& host) {
    std::array<int, 2> ends = {-1, -1};
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0 || pipe2(ends.data(), O_CLOEXEC) != 0) {
      return nullptr;
    }
    // Kept open until the end: its end would begin the farewell of the session.
    port_input_ = std::make_unique<net::Descriptor>(loop_, ends[0]);
    port_output_ = std::make_unique<net::Descriptor>(loop_, nowhere);
    writer_ = std::make_unique<net::Descriptor>(loop_, ends[1]);
    writer_->on_drained([this] { loop_.stop(); });
    writer_->on_write_error([this](boost::system::error_code) { loop_.stop(); });
    auto application = make_stream_forwarding(started, host, {.input = ends[0], .output = nowhere});
    if (application) {
      host_ = &host;
      started_ = true;
      loop_.stop();
    }
    return application;
  }

  [[nodiscard]] std::size_t unwritten() const {
    return writer_ ? writer_->queued_bytes() : output_.size();
  }

  void add_noise(std::string_view text) {
    noise_ += text;
    if (noise_.size() > noise_limit_bytes) {
      noise_.erase(0, noise_.size() - noise_limit_bytes);
    }
  }

  void decode(std::string_view bytes) {
    encoded_ += bytes;
    std::string lines;
    std::size_t from = 0;
    for (std::size_t end = 0; (end = encoded_.find('\n', from)) != std::string::npos;) {
      std::string_view line = std::string_view(encoded_).substr(from, end - from);
      from = end + 1;
      if (line.ends_with('\r')) {
        line.remove_suffix(1);
      }
      if (line == options_.mark + " begin") {
        begun_ = true;
      } else if (line == options_.mark + " end") {
        begun_ = false;
      } else if (begun_) {
        lines += line;
      } else {
        add_noise(std::string(line) + "\n");
      }
    }
    encoded_.erase(0, from);
    if (const auto decoded = protocol::decode_base64(lines)) {
      input_ += protocol::as_text(*decoded);
    } else if (host_ != nullptr) {
      host_->finish(
          {.end = SessionEnd::protocol_failure, .text = "what the target printed is no base64"},
          true);
    }
  }

  net::Timer timer_;
  std::size_t chunk_bytes_;
  std::string output_;
  std::string encoded_;
  bool begun_ = false;
  bool pumping_ = false;
  bool refused_ = false;
  std::unique_ptr<net::Descriptor> port_input_;
  std::unique_ptr<net::Descriptor> port_output_;
  std::unique_ptr<net::Descriptor> writer_;
  // Last: its end destroys the application, which uses what is above.
  std::unique_ptr<SessionClient> session_;
};

CopySession::CopySession(net::EventLoop& loop, ApiClient& api,
                         const protocol::ClientProfile& profile, SessionAccess access,
                         Options options)
    : impl_(std::make_unique<Impl>(loop, api, profile, std::move(access), std::move(options))) {}

CopySession::~CopySession() = default;

bool CopySession::wait_until_started() {
  return impl_->wait([this] { return impl_->started_; }, impl_->options_.silence_limit);
}

std::optional<std::string> CopySession::read_line() {
  std::optional<std::string> line;
  static_cast<void>(impl_->wait([&] { return line || (line = impl_->take_line()); },
                                impl_->options_.silence_limit));
  return line;
}

std::optional<std::string> CopySession::read_answer() {
  std::optional<std::string> answer;
  static_cast<void>(impl_->wait([&] { return answer || (answer = impl_->take_answer()); },
                                impl_->options_.silence_limit));
  return answer;
}

std::optional<std::string> CopySession::poll_answer() {
  return impl_->take_answer();
}

std::string CopySession::read(std::size_t limit) {
  static_cast<void>(impl_->wait([this] { return impl_->at_ < impl_->input_.size(); },
                                impl_->options_.silence_limit));
  std::string bytes = impl_->input_.substr(impl_->at_, limit);
  impl_->consume(bytes.size());
  return bytes;
}

bool CopySession::write(std::string_view bytes) {
  return impl_->write(bytes);
}

bool CopySession::flush() {
  return impl_->flush();
}

void CopySession::wait_for_end(net::Duration limit) {
  static_cast<void>(impl_->wait([] { return false; }, limit));
}

void CopySession::close() {
  impl_->close();
}

const std::optional<SessionOutcome>& CopySession::outcome() const {
  return impl_->outcome_;
}

bool CopySession::timed_out() const {
  return impl_->timed_out_;
}

std::optional<int> CopySession::exit_code() const {
  return impl_->session_output_.exit_code();
}

const std::string& CopySession::noise() const {
  return impl_->noise_;
}

const SessionAccess& CopySession::access() const {
  return impl_->access_;
}

}  // namespace ssm::client
