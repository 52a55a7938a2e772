#include "ssm/agent/command_program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>
#include <vector>

#include "detail/process_session.hpp"
#include "detail/spawn.hpp"
#include "detail/spool.hpp"
#include "ssm/agent/session_plan.hpp"
#include "ssm/net/descriptor.hpp"
#include "ssm/protocol/assert.hpp"

namespace ssm::agent {

using net::EventLoop;
using protocol::Bytes;
using protocol::CommandStream;
using protocol::Result;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t read_bytes = std::size_t{16} * 1024;

/// When all processes of the command are gone, something that left its session may still hold a
/// pipe open. What lies in the pipe is read; more is not waited for.
constexpr net::Duration silence_interval = 50ms;
constexpr int silent_checks_wanted = 2;

/// As os/exec puts it.
std::string start_error_text(const protocol::Error& error, const std::string& program) {
  if (error.code == boost::system::errc::no_such_file_or_directory &&
      program.find('/') == std::string::npos) {
    return "exec: \"" + program + "\": executable file not found in $PATH";
  }
  return error.context + ": " + error.code.message();
}

class CommandProgram final : public SessionProgram {
 public:
  CommandProgram(EventLoop& loop, CommandProgramOptions options)
      : loop_(loop),
        options_(std::move(options)),
        output_(options_.output),
        spool_(options_.spool_limit_bytes),
        timer_(loop) {}

  Result<> start(const protocol::AgentConnected& /*connected*/,
                 std::function<void()> changed) override {
    changed_ = std::move(changed);
    auto words = split_command(options_.commands);
    if (!options_.preparation_error.empty()) {
      start_failed(options_.preparation_error, false);
    } else if (!words) {
      start_failed("Failed to parse commands input: " + words.error() + "\n", false);
    } else if (words->empty()) {
      start_failed("there is no command", false);
    } else {
      options_.program.argv = std::move(*words);
      run();
    }
    return {};
  }

  void receive(protocol::PayloadType type, const protocol::FrameSlice& data) override {
    //= CMD-009
    //= CMD-010
    const auto signal = protocol::find_command_signal(type, data.bytes());
    if (signal && processes_) {
      processes_->signal_leader(*signal == protocol::CommandSignal::interrupt ? SIGINT : SIGQUIT);
    }
  }

  bool takes_input() const override { return true; }

  std::optional<ProgramOutput> poll_output(protocol::Instant now) override {
    if (end_) {
      return std::nullopt;
    }
    refill();
    const auto part = output_.poll_output(now);
    resume_pipes();
    if (!part) {
      wait_for_error_text();
      return std::nullopt;
    }
    return ProgramOutput{.type = part->type, .data = part->data};
  }

  void paused() override {
    output_.paused();
    streams_broken_ = separate() && options_.output.rules.pause_ends_streams;
    resume_pipes();
  }

  void stop() override {
    stopped_ = true;
    if (processes_) {
      processes_->hang_up();
    } else {
      cancel();
    }
  }

  std::optional<ProgramEnd> ended() const override {
    if (processes_) {
      return std::nullopt;
    }
    if (end_) {
      return end_;
    }
    const auto finished = output_.finished();
    if (!finished) {
      return std::nullopt;
    }
    return finished->success ? ProgramEnd{}
                             : ProgramEnd{.kind = ProgramEnd::Kind::failed, .text = error_text_};
  }

 private:
  struct Pipe {
    CommandStream stream = CommandStream::standard_output;
    std::optional<net::Descriptor> reader;
    bool paused = false;
  };

  [[nodiscard]] bool separate() const { return options_.output.separate_output; }

  // ---- start

  void run() {
    Result<detail::SpawnedProgram> program = detail::spawn_with_pipes(options_.program, separate());
    if (!program) {
      start_failed(start_error_text(program.error(), options_.program.argv.front()), true);
      return;
    }
    processes_ = std::make_unique<detail::ProcessSession>(
        loop_, program->pid, program->pidfd.release(), options_.program.stop_grace,
        [this](ExitStatus status) { processes_gone(status); });
    open(pipes_[0], CommandStream::standard_output, program->output.release());
    if (separate()) {
      open(pipes_[1], CommandStream::standard_error, program->error.release());
    }
  }

  void start_failed(const std::string& text, bool prepared) {
    //= CMD-013
    error_text_ = text;
    output_.start_failed(text, prepared, EventLoop::now());
  }

  void open(Pipe& pipe, CommandStream stream, int fd) {
    pipe.stream = stream;
    pipe.reader.emplace(loop_, fd);
    pipe.reader->start_reading(
        read_bytes, [this, &pipe](Bytes bytes) { receive_output(pipe, bytes); },
        [this, &pipe](boost::system::error_code) {
          pipe_ended(pipe);
          changed_();
        });
  }

  // ---- output

  void receive_output(Pipe& pipe, Bytes bytes) {
    moved_bytes_ += bytes.size();
    if (separate()) {
      const std::size_t taken = output_.write(pipe.stream, bytes);
      // Room for a whole read is seen to before. A broken stream takes nothing more, but the
      // command goes on.
      SSM_ASSERT(taken == bytes.size() || streams_broken_);
      if (!streams_broken_ && output_.room(pipe.stream) < read_bytes) {
        pipe.paused = true;
        pipe.reader->pause();
      }
      changed_();
    } else if (const Result<> kept = spool_.append(bytes); !kept) {
      fail(kept.error());
    }
  }

  void fail(const protocol::Error& error) {
    if (!end_) {
      end_ = ProgramEnd{.kind = ProgramEnd::Kind::failed,
                        .text = error.code == protocol::Errc::limit_reached
                                    ? error.context
                                    : error.context + ": " + error.code.message()};
      for (Pipe& pipe : pipes_) {
        if (pipe.reader) {
          pipe.reader->pause();
        }
      }
      if (processes_) {
        processes_->hang_up();
      }
      changed_();
    }
  }

  void resume_pipes() {
    for (Pipe& pipe : pipes_) {
      const bool room = streams_broken_ || output_.room(pipe.stream) >= read_bytes;
      if (pipe.reader && pipe.paused && !end_ && room) {
        pipe.paused = false;
        pipe.reader->resume();
      }
    }
  }

  /// The output that waited for the command's end, as there is room for it.
  void refill() {
    if (separate() || !command_ended_) {
      return;
    }
    while (!spool_.at_end() && output_.room(CommandStream::standard_output) > 0) {
      std::array<std::byte, read_bytes> piece;
      const std::size_t wanted =
          std::min(piece.size(), output_.room(CommandStream::standard_output));
      const Result<std::size_t> count = spool_.read(protocol::MutableBytes(piece).first(wanted));
      if (!count) {
        fail(count.error());
        return;
      }
      output_.write(CommandStream::standard_output, Bytes(piece).first(*count));
    }
    if (spool_.at_end()) {
      output_.stream_ended(CommandStream::standard_output);
    }
  }

  void wait_for_error_text() {
    if (const auto due = output_.next_timeout()) {
      timer_.arm(*due, [this] { changed_(); });
    }
  }

  // ---- end

  void pipe_ended(Pipe& pipe) {
    pipe.reader.reset();
    if (separate()) {
      output_.stream_ended(pipe.stream);
    }
    finish_if_over();
  }

  void processes_gone(ExitStatus status) {
    processes_.reset();
    status_ = status;
    finish_if_over();
    if (!command_ended_) {
      timer_.arm(EventLoop::now() + silence_interval, [this] { check_silence(); });
    }
    changed_();
  }

  void check_silence() {
    const bool waits = pipes_[0].paused || pipes_[1].paused;
    const bool silent = moved_bytes_ == moved_bytes_seen_ && !waits;
    silent_checks_ = silent ? silent_checks_ + 1 : 0;
    moved_bytes_seen_ = moved_bytes_;
    if (silent_checks_ < silent_checks_wanted) {
      timer_.arm(EventLoop::now() + silence_interval, [this] { check_silence(); });
      return;
    }
    for (Pipe& pipe : pipes_) {
      if (pipe.reader) {
        pipe_ended(pipe);
      }
    }
    changed_();
  }

  void finish_if_over() {
    if (processes_ || command_ended_) {
      return;
    }
    const bool given_up = end_.has_value() || stopped_;
    if (!given_up && (pipes_[0].reader || pipes_[1].reader)) {
      return;
    }
    timer_.cancel();
    command_ended_ = true;
    if (stopped_) {
      cancel();
    } else if (!end_) {
      //= CMD-005
      output_.exited(status_.code.value_or(-1));
    }
  }

  void cancel() {
    for (Pipe& pipe : pipes_) {
      pipe.reader.reset();
    }
    if (!end_ && options_.sends_output_after_cancel) {
      output_.cancelled();
      command_ended_ = true;
    } else if (!end_) {
      end_ = ProgramEnd{.kind = ProgramEnd::Kind::cancelled};
    }
    changed_();
  }

  EventLoop& loop_;
  CommandProgramOptions options_;
  std::function<void()> changed_;
  protocol::CommandOutput output_;
  detail::Spool spool_;
  std::unique_ptr<detail::ProcessSession> processes_;
  std::array<Pipe, 2> pipes_;
  net::Timer timer_;
  ExitStatus status_;
  std::string error_text_;
  bool streams_broken_ = false;  ///< see CommandOutputRules::pause_ends_streams
  bool stopped_ = false;
  bool command_ended_ = false;  ///< `output_` was told
  std::optional<ProgramEnd> end_;
  std::uint64_t moved_bytes_ = 0;
  std::uint64_t moved_bytes_seen_ = 0;
  int silent_checks_ = 0;
};

}  // namespace

std::unique_ptr<SessionProgram> make_command_program(EventLoop& loop,
                                                     CommandProgramOptions options) {
  return std::make_unique<CommandProgram>(loop, std::move(options));
}

}  // namespace ssm::agent
