#include "ssm/protocol/command_output.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ssm/protocol/assert.hpp"
#include "ssm/protocol/exit_code.hpp"

namespace ssm::protocol {
namespace {

constexpr std::size_t prefix_size_max = 30;
constexpr std::size_t stream_bytes_max = std::size_t{64} * 1024;
constexpr int start_failure_exit_code = 1;

constexpr CommandOutputRules strict_rules{};
// shell.go: executeCommandsWithExec, processCommandsWithOutputStreamSeparate,
// sendErrorToDataChannel, setupRoutineToWriteCmdPipelineOutput (its loop ends where the data
// channel is not active).
constexpr CommandOutputRules agent_3_3_rules{
    .start_failure_wait = std::chrono::seconds(1),
    .preparation_failure_wait = std::chrono::seconds(2),
    .exit_code_before_error = true,
    .pause_ends_streams = true,
    .damages_replacement_character = true,
};

bool allowed_in_prefix(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("\r\n_:-").find(c) != std::string_view::npos;
}

}  // namespace

//= CMD-008
Result<void> check_output_prefix(std::string_view prefix) {
  if (prefix.size() > prefix_size_max) {
    return Error(Errc::malformed_field, prefix_size_max, "expected at most 30 characters");
  }
  const auto bad = std::find_if_not(prefix.begin(), prefix.end(), allowed_in_prefix);
  if (bad != prefix.end()) {
    return Error(Errc::malformed_field, static_cast<std::size_t>(bad - prefix.begin()),
                 "expected letters, digits, CR, LF, '_', ':' and '-'");
  }
  return {};
}

//= CMD-009
//= CMD-010
//= CMD-011
std::optional<CommandSignal> find_command_signal(PayloadType type, Bytes payload) {
  constexpr std::byte interrupt{0x03};
  constexpr std::byte quit{0x1c};
  if (type != PayloadType::output) {
    return std::nullopt;
  }
  for (const std::byte byte : payload) {
    if (byte == interrupt || byte == quit) {
      return byte == interrupt ? CommandSignal::interrupt : CommandSignal::quit;
    }
  }
  return std::nullopt;
}

const CommandOutputRules* find_command_output_rules(std::string_view name) {
  if (name == "strict") {
    return &strict_rules;
  }
  return name == "agent-3.3" ? &agent_3_3_rules : nullptr;
}

CommandOutput::CommandOutput(CommandOutputConfig config)
    : config_(std::move(config)),
      streams_{Stream{.queue = {},
                      .boundary = Utf8Boundary(config_.rules.damages_replacement_character),
                      .prefix = config_.separate_output ? config_.stdout_prefix : std::string()},
               Stream{.queue = {},
                      .boundary = Utf8Boundary(config_.rules.damages_replacement_character),
                      .prefix = config_.separate_output ? config_.stderr_prefix : std::string(),
                      .ended = !config_.separate_output,
                      .flushed = !config_.separate_output}} {
  for (const Stream& stream : streams_) {
    SSM_ASSERT(stream.prefix.size() < config_.chunk_bytes);
  }
}

// ---- the command --------------------------------------------------------------------------------

std::size_t CommandOutput::room(CommandStream stream) const {
  //= CMD-003
  if (of(stream).ended || streams_broken_ || (!config_.separate_output && !ended_)) {
    return 0;
  }
  return stream_bytes_max - of(stream).queue.size();
}

std::size_t CommandOutput::write(CommandStream stream, Bytes bytes) {
  const std::size_t count = std::min(room(stream), bytes.size());
  of(stream).queue.append(bytes.first(count));
  return count;
}

void CommandOutput::stream_ended(CommandStream stream) {
  of(stream).ended = true;
}

void CommandOutput::exited(int exit_code) {
  if (!ended_) {
    ended_ = true;
    exit_code_ = exit_code;
  }
}

void CommandOutput::cancelled() {
  cancelled_ = true;
  ended_ = true;
}

void CommandOutput::start_failed(std::string_view error, bool prepared, Instant now) {
  //= CMD-013
  failed_to_start_ = true;
  ended_ = true;
  prepared_ = prepared;
  error_ = prepared ? std::string(error) : "Unable to start command: " + std::string(error) + "\n";
  error_at_ = now + config_.rules.start_failure_wait +
              (prepared ? Duration{0} : config_.rules.preparation_failure_wait);
  if (prepared && config_.separate_output) {
    exit_code_ = start_failure_exit_code;
  }
}

void CommandOutput::paused() {
  if (config_.rules.pause_ends_streams && config_.separate_output) {
    streams_broken_ = true;
    for (Stream& stream : streams_) {
      stream.queue.clear();
      stream.ended = true;
      stream.flushed = true;
    }
  }
}

// ---- payloads -----------------------------------------------------------------------------------

/// Fills chunk_ with what one read of the agent would send, if anything.
bool CommandOutput::next_chunk(Stream& stream) {
  while (!stream.queue.empty()) {
    //= CMD-007
    chunk_.clear();
    std::vector<std::byte> read(config_.chunk_bytes - stream.prefix.size());
    read.resize(stream.queue.move_to(read));
    if (stream.needs_prefix) {
      const Bytes prefix = as_bytes(stream.prefix);
      read.insert(read.begin(), prefix.begin(), prefix.end());
    }
    stream.needs_prefix = read.back() == std::byte{'\n'};
    stream.boundary.append(read, chunk_);
    if (!chunk_.empty()) {
      return true;
    }
  }
  if (stream.ended && !stream.flushed) {
    stream.flushed = true;
    chunk_.clear();
    stream.boundary.flush(chunk_);
    return !chunk_.empty();
  }
  return false;
}

bool CommandOutput::streams_sent() const {
  return std::all_of(streams_.begin(), streams_.end(), [](const Stream& stream) {
    return stream.ended && stream.flushed && stream.queue.empty();
  });
}

CommandOutputPart CommandOutput::exit_code_part(int exit_code) {
  exit_code_sent_ = true;
  const std::string text = serialize_exit_code(exit_code);
  chunk_.assign(as_bytes(text).begin(), as_bytes(text).end());
  return {PayloadType::exit_code, chunk_};
}

std::optional<CommandOutputPart> CommandOutput::start_failure(Instant now) {
  const bool code_due = exit_code_ && !exit_code_sent_;
  if (code_due && (config_.rules.exit_code_before_error || !error_at_)) {
    return exit_code_part(*exit_code_);
  }
  if (!error_at_ || now < *error_at_) {
    return std::nullopt;
  }
  error_at_.reset();
  chunk_.assign(as_bytes(error_).begin(), as_bytes(error_).end());
  return CommandOutputPart{PayloadType::std_err, chunk_};
}

std::optional<CommandOutputPart> CommandOutput::poll_output(Instant now) {
  if (failed_to_start_) {
    return start_failure(now);
  }
  //= CMD-004
  for (std::size_t tries = 0; tries < streams_.size(); ++tries) {
    const std::size_t chosen = next_;
    next_ = (next_ + 1) % streams_.size();
    if (next_chunk(streams_[chosen])) {
      return CommandOutputPart{chosen == 0 ? PayloadType::output : PayloadType::std_err, chunk_};
    }
  }
  //= CMD-005
  //= CMD-006
  if (config_.separate_output && exit_code_ && !exit_code_sent_ && !cancelled_ && streams_sent()) {
    return exit_code_part(*exit_code_);
  }
  return std::nullopt;
}

std::optional<CommandEnd> CommandOutput::finished() const {
  if (!ended_) {
    return std::nullopt;
  }
  if (failed_to_start_) {
    if (error_at_ || (exit_code_ && !exit_code_sent_)) {
      return std::nullopt;
    }
    return CommandEnd{.success = false, .reports_terminating = prepared_};
  }
  if (cancelled_ && config_.separate_output) {
    // What the streams still have is sent for as long as the channel lives.
    return CommandEnd{};
  }
  if (!streams_sent() || (config_.separate_output && !exit_code_sent_)) {
    return std::nullopt;
  }
  //= CMD-012
  return CommandEnd{.success = !streams_broken_};
}

}  // namespace ssm::protocol
