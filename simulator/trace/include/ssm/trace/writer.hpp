#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ssm/schema/v1/trace.pb.h"
#include "ssm/trace/error.hpp"

namespace ssm::trace {

/// Where a recording goes.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Appends all of `bytes`, in one piece if it can; on failure as little of them as it can.
  [[nodiscard]] virtual Result<> append(std::string_view bytes) = 0;
};

/// A new file, readable by its owner only. Each append is one write(2), so that a killed process
/// leaves whole records, the last one perhaps cut. Data is not synced to disk. Past the limit of
/// RLIMIT_FSIZE a write raises SIGXFSZ, which a program that records should ignore.
/// Error: io_failed; a file or link that exists is never touched.
[[nodiscard]] Result<std::unique_ptr<Sink>> create_file(const std::string& path);

using Side = schema::v1::TraceSide;
using Direction = schema::v1::TraceDirection;

struct WriterOptions {
  std::string program_version = {};
  std::string session_id = {};
  /// Calendar time of time 0, nanoseconds since the Unix epoch.
  std::int64_t start_unix_ns = 0;
  /// Size of the recording in bytes, at least 16 KiB (less is taken as that); 0 is no limit. On
  /// reaching it a last record says so and nothing more is written.
  std::uint64_t max_bytes = 0;
  /// Write tokens as they are.
  bool unsafe_secrets = false;
  /// Called once if the recording stops because the sink failed.
  std::function<void(const Error&)> on_failure = {};
};

/// One WebSocket message. All views are copied.
struct MessageEvent {
  std::uint64_t connection_id = 0;
  Side side = schema::v1::TRACE_SIDE_UNSPECIFIED;
  Direction direction = schema::v1::TRACE_DIRECTION_UNSPECIFIED;
  bool is_text = false;
  std::span<const std::byte> data = {};
  std::span<const std::string_view> fault_rules = {};
};

/// Records one session. A failure of the sink, or the size limit, ends the recording and nothing
/// else: later calls do nothing. Times are since the start and are the caller's to measure. Not
/// thread safe.
class Writer {
 public:
  enum class State : std::uint8_t { recording, limit_reached, failed };

  /// Writes the header.
  Writer(std::unique_ptr<Sink> sink, WriterOptions options);

  void message(std::chrono::nanoseconds time, const MessageEvent& event);
  void connection_opened(std::chrono::nanoseconds time, std::uint64_t connection_id, Side side);
  /// `close_code` 0: without a close frame.
  void connection_closed(std::chrono::nanoseconds time, std::uint64_t connection_id, Side side,
                         std::uint16_t close_code, std::string_view detail);
  /// `connection_id` 0: of the session.
  void note(std::chrono::nanoseconds time, std::uint64_t connection_id, std::string_view text);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  void write_header();
  void write(std::chrono::nanoseconds time, schema::v1::TraceRecord& record);
  void append(std::string_view bytes);

  std::unique_ptr<Sink> sink_;
  WriterOptions options_;
  State state_ = State::recording;
  std::uint64_t bytes_written_ = 0;
  std::string buffer_;
};

/// The text with the value of every member `TokenValue` (the field of OpenDataChannelInput and of
/// the service's answers, in any letter case, as Go reads it) replaced by as many asterisks; all
/// else, and the size, stays. What is not JSON but names the field is covered from there on.
[[nodiscard]] std::string redact_tokens(std::string_view text);

}  // namespace ssm::trace
