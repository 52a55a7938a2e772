#include "ssm/trace/writer.hpp"

#include <algorithm>
#include <utility>

#include "detail/framing.hpp"
#include "ssm/schema/utf8.hpp"
#include "ssm/trace/format.hpp"

namespace ssm::trace {
namespace {

using schema::v1::TraceConnection;
using schema::v1::TraceRecord;

/// Kept free below the size limit for the record that says that it was reached.
constexpr std::uint64_t truncated_record_bytes = 64;
/// Room in a record for all but the message's bytes: the names of rules that acted on it.
constexpr std::size_t max_message_bytes = max_record_bytes - std::size_t{64} * 1024;
constexpr std::size_t max_text_bytes = std::size_t{4} * 1024;
constexpr std::size_t max_rule_names = 16;

constexpr std::uint64_t min_limit_bytes = std::uint64_t{16} * 1024;

/// Whether secrets are looked for: in text messages, and in text that was sent as a binary one (an
/// AgentMessage begins with a zero byte).
bool may_be_json(const MessageEvent& event, std::string_view data) {
  const std::size_t first = data.find_first_not_of(" \t\r\n");
  return event.is_text || (first != std::string_view::npos && data[first] == '{');
}

/// Texts may quote a peer: cut, and made valid where they are not.
std::string bounded_text(std::string_view text) {
  return schema::to_utf8(text.substr(0, max_text_bytes / 3));
}

}  // namespace

Writer::Writer(std::unique_ptr<Sink> sink, WriterOptions options)
    : sink_(std::move(sink)), options_(std::move(options)) {
  if (options_.max_bytes > 0) {
    options_.max_bytes = std::max(options_.max_bytes, min_limit_bytes);
  }
  write_header();
}

void Writer::write_header() {
  TraceRecord record;
  auto& header = *record.mutable_header();
  header.set_format_version(format_version);
  header.set_program_version(bounded_text(options_.program_version));
  header.set_start_unix_ns(options_.start_unix_ns);
  header.set_session_id(bounded_text(options_.session_id));
  header.set_secrets_redacted(!options_.unsafe_secrets);
  write({}, record);
}

void Writer::message(std::chrono::nanoseconds time, const MessageEvent& event) {
  if (state_ != State::recording) {
    return;
  }
  TraceRecord record;
  auto& message = *record.mutable_message();
  message.set_connection_id(event.connection_id);
  message.set_side(event.side);
  message.set_direction(event.direction);
  message.set_text(event.is_text);
  std::string_view data(reinterpret_cast<const char*>(event.data.data()), event.data.size());
  if (data.size() > max_message_bytes) {
    message.set_omitted_bytes(data.size() - max_message_bytes);
  }
  if (!options_.unsafe_secrets && may_be_json(event, data)) {
    message.set_data(redact_tokens(data).substr(0, max_message_bytes));
  } else {
    message.set_data(std::string(data.substr(0, max_message_bytes)));
  }
  for (const std::string_view rule :
       event.fault_rules.first(std::min(event.fault_rules.size(), max_rule_names))) {
    message.add_fault_rules(bounded_text(rule));
  }
  write(time, record);
}

void Writer::connection_opened(std::chrono::nanoseconds time, std::uint64_t connection_id,
                               Side side) {
  TraceRecord record;
  auto& connection = *record.mutable_connection();
  connection.set_connection_id(connection_id);
  connection.set_side(side);
  connection.set_change(TraceConnection::CHANGE_OPENED);
  write(time, record);
}

void Writer::connection_closed(std::chrono::nanoseconds time, std::uint64_t connection_id,
                               Side side, std::uint16_t close_code, std::string_view detail) {
  TraceRecord record;
  auto& connection = *record.mutable_connection();
  connection.set_connection_id(connection_id);
  connection.set_side(side);
  connection.set_change(TraceConnection::CHANGE_CLOSED);
  connection.set_close_code(close_code);
  connection.set_detail(bounded_text(detail));
  write(time, record);
}

void Writer::note(std::chrono::nanoseconds time, std::uint64_t connection_id,
                  std::string_view text) {
  TraceRecord record;
  auto& note = *record.mutable_note();
  note.set_connection_id(connection_id);
  note.set_text(bounded_text(text));
  write(time, record);
}

void Writer::write(std::chrono::nanoseconds time, TraceRecord& record) {
  if (state_ != State::recording) {
    return;
  }
  const auto time_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
  record.set_time_ns(time_ns);
  detail::frame_record(record, buffer_);
  if (bytes_written_ == 0) {
    buffer_.insert(0, magic);
  }
  if (options_.max_bytes > 0 &&
      bytes_written_ + buffer_.size() + truncated_record_bytes > options_.max_bytes) {
    TraceRecord last;
    last.set_time_ns(time_ns);
    last.mutable_truncated()->set_limit_bytes(options_.max_bytes);
    detail::frame_record(last, buffer_);
    append(buffer_);
    if (state_ == State::recording) {
      state_ = State::limit_reached;
    }
    sink_.reset();
    return;
  }
  append(buffer_);
}

void Writer::append(std::string_view bytes) {
  Result<> appended = sink_->append(bytes);
  if (appended) {
    bytes_written_ += bytes.size();
    return;
  }
  state_ = State::failed;
  sink_.reset();
  if (options_.on_failure) {
    Error error = std::move(appended).error();
    error.offset = bytes_written_;
    options_.on_failure(error);
  }
}

}  // namespace ssm::trace
