#include "ssm/agent/pty_program.hpp"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "ssm/protocol/utf8_boundary.hpp"

namespace ssm::agent {

using net::EventLoop;
using protocol::Bytes;
using protocol::Result;

namespace {

/// Input that may wait for the terminal before more is refused.
constexpr std::size_t input_queue_limit_bytes = std::size_t{64} * 1024;

class PtyProgram final : public SessionProgram {
 public:
  PtyProgram(EventLoop& loop, PtyProgramOptions options)
      : loop_(loop),
        options_(std::move(options)),
        boundary_(options_.damages_replacement_character),
        output_timer_(loop) {}

  Result<> start(const protocol::AgentConnected& /*connected*/,
                 std::function<void()> changed) override {
    changed_ = std::move(changed);
    Result<std::unique_ptr<PtyProcess>> started =
        PtyProcess::start(loop_, options_.pty,
                          {.on_output =
                               [this](Bytes bytes) {
                                 boundary_.append(bytes, output_);
                                 settle_output();
                                 changed_();
                               },
                           .on_input_drained =
                               [this] {
                                 takes_input_ = true;
                                 changed_();
                               },
                           .on_end = [this](ExitStatus) { process_ended(); }});
    if (!started) {
      protocol::Error error = std::move(started).error();
      error.context = "Unable to start shell: " + error.to_string();
      return error;
    }
    process_ = std::move(*started);
    type_shell_profile();
    //= SHELL-017
    if (options_.first_output_wait > net::Duration::zero()) {
      waits_ = true;
      process_->pause_output();
      output_timer_.arm(EventLoop::now() + options_.first_output_wait, [this] {
        waits_ = false;
        settle_output();
        changed_();
      });
    }
    return {};
  }

  void receive(protocol::PayloadType type, const protocol::FrameSlice& data) override {
    //= SHELL-018
    if (type == protocol::PayloadType::output) {
      type_in(data.bytes());
    }
  }

  void resize(protocol::TerminalSize size) override {
    if (process_) {
      // The reference cuts both to 16 bits, too.
      process_->resize({.columns = static_cast<std::uint16_t>(size.cols),
                        .rows = static_cast<std::uint16_t>(size.rows)});
    }
  }

  bool takes_input() const override { return process_ == nullptr || takes_input_; }

  std::uint64_t input_progress() const override {
    return typed_bytes_ - (process_ ? process_->queued_input_bytes() : 0);
  }

  std::optional<ProgramOutput> poll_output(protocol::Instant /*now*/) override {
    if (waits_ || output_.empty()) {
      settle_output();
      return std::nullopt;
    }
    polled_.swap(output_);
    output_.clear();
    settle_output();
    return ProgramOutput{.type = protocol::PayloadType::output, .data = polled_};
  }

  void set_output_possible(bool possible) override {
    output_possible_ = possible;
    settle_output();
  }

  void stop() override {
    stopped_ = true;
    output_.clear();
    if (process_) {
      process_->stop();
    }
  }

  std::optional<ProgramEnd> ended() const override {
    if (process_ || !output_.empty()) {
      return std::nullopt;
    }
    return ProgramEnd{.kind = stopped_ ? ProgramEnd::Kind::cancelled : ProgramEnd::Kind::finished};
  }

 private:
  //= SHELL-027
  void type_shell_profile() {
    if (options_.shell_profile.find_first_not_of(" \t\r\n\v\f") != std::string::npos) {
      type_in(protocol::as_bytes(options_.shell_profile + "\n"));
    }
  }

  void type_in(Bytes bytes) {
    if (process_) {
      typed_bytes_ += bytes.size();
      process_->write(bytes);
      takes_input_ = takes_input_ && process_->queued_input_bytes() <= input_queue_limit_bytes;
    }
  }

  void process_ended() {
    process_.reset();
    if (!stopped_) {
      boundary_.flush(output_);
    }
    changed_();
  }

  /// The terminal is read only when its output can be sent at once.
  void settle_output() {
    if (!process_) {
      return;
    }
    if (output_possible_ && output_.empty() && !waits_) {
      process_->resume_output();
    } else {
      process_->pause_output();
    }
  }

  EventLoop& loop_;
  PtyProgramOptions options_;
  std::function<void()> changed_;
  std::unique_ptr<PtyProcess> process_;
  protocol::Utf8Boundary boundary_;
  std::vector<std::byte> output_;  ///< cut at a character, not polled yet; at most one message
  std::vector<std::byte> polled_;
  net::Timer output_timer_;  ///< first_output_wait
  bool waits_ = false;
  bool output_possible_ = true;
  bool takes_input_ = true;
  bool stopped_ = false;
  std::uint64_t typed_bytes_ = 0;
};

}  // namespace

std::unique_ptr<SessionProgram> make_pty_program(EventLoop& loop, PtyProgramOptions options) {
  return std::make_unique<PtyProgram>(loop, std::move(options));
}

}  // namespace ssm::agent
