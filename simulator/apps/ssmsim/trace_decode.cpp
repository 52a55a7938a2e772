#include "trace_decode.hpp"

#include "command_line.hpp"
#include "exit_code.hpp"
#include "hex_dump.hpp"
#include "message_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <ctime>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "ssm/trace/reader.hpp"

namespace ssmsim {
namespace {

namespace trace = ssm::trace;
namespace schema = ssm::schema::v1;
using schema::TraceRecord;

std::string utc_text(std::int64_t unix_ns) {
  constexpr std::int64_t second = 1'000'000'000;
  const std::int64_t seconds = unix_ns >= 0 ? unix_ns / second : -((second - 1 - unix_ns) / second);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z", fmt::gmtime(static_cast<std::time_t>(seconds)),
                     unix_ns - seconds * second);
}

std::string_view side_text(schema::TraceSide side) {
  switch (side) {
    case schema::TRACE_SIDE_CLIENT:
      return "client";
    case schema::TRACE_SIDE_AGENT:
      return "agent";
    default:
      return "unknown";
  }
}

std::string_view direction_text(schema::TraceDirection direction) {
  switch (direction) {
    case schema::TRACE_DIRECTION_RECEIVED:
      return "received";
    case schema::TRACE_DIRECTION_SENT:
      return "sent";
    default:
      return "unknown";
  }
}

/// Writes lines for people or JSON objects, and counts what is wrong.
class Decoder {
 public:
  Decoder(std::ostream& out, const TraceDecodeOptions& options) : out_(out), options_(options) {}

  void header(const schema::TraceHeader& header);
  void record(const TraceRecord& record);
  void agent_message(ssm::protocol::Bytes bytes);
  void finding(std::string text);

  [[nodiscard]] int exit_code() const {
    return !out_.flush() ? exit_infrastructure : findings_ ? exit_findings : exit_ok;
  }
  /// False: nobody reads any more.
  [[nodiscard]] bool writable() const { return out_.good(); }

 private:
  void message(const schema::TraceMessage& message, boost::json::object members,
               const std::string& time);
  void connection(const schema::TraceConnection& connection, boost::json::object members,
                  const std::string& time);
  /// One of the two, as the options ask.
  void write(const std::string& line, const boost::json::object& members);

  std::ostream& out_;
  const TraceDecodeOptions& options_;
  bool findings_ = false;
};

void Decoder::header(const schema::TraceHeader& header) {
  boost::json::object members;
  members["kind"] = "header";
  members["format_version"] = header.format_version();
  members["program_version"] = header.program_version();
  members["start"] = utc_text(header.start_unix_ns());
  members["session_id"] = header.session_id();
  members["secrets_redacted"] = header.secrets_redacted();
  write(fmt::format("# session {}, recorded by ssmsim {}, time 0 is {}, {}",
                    escaped(header.session_id()), escaped(header.program_version()),
                    utc_text(header.start_unix_ns()),
                    header.secrets_redacted() ? "tokens redacted" : "TOKENS AS THEY WERE"),
        members);
}

void Decoder::record(const TraceRecord& record) {
  boost::json::object members;
  members["time_ns"] = record.time_ns();
  const std::string time = fmt::format("{:>7}.{:06}", record.time_ns() / 1'000'000'000,
                                       record.time_ns() % 1'000'000'000 / 1000);
  switch (record.event_case()) {
    case TraceRecord::kConnection:
      return connection(record.connection(), std::move(members), time);
    case TraceRecord::kMessage:
      return message(record.message(), std::move(members), time);
    case TraceRecord::kNote:
      members["kind"] = "note";
      members["connection"] = record.note().connection_id();
      members["text"] = record.note().text();
      return write(fmt::format("{}  note  {}", time, escaped(record.note().text(), 1000)), members);
    case TraceRecord::kTruncated:
      members["kind"] = "truncated";
      members["limit_bytes"] = record.truncated().limit_bytes();
      return write(fmt::format("{}  the recording reached its limit of {} bytes and ends here",
                               time, record.truncated().limit_bytes()),
                   members);
    case TraceRecord::kHeader:
      return header(record.header());
    case TraceRecord::EVENT_NOT_SET:
      members["kind"] = "unknown";
      return write(fmt::format("{}  a record of a kind that this version does not know", time),
                   members);
  }
}

void Decoder::connection(const schema::TraceConnection& connection, boost::json::object members,
                         const std::string& time) {
  const bool opened = connection.change() == schema::TraceConnection::CHANGE_OPENED;
  members["kind"] = opened ? "opened" : "closed";
  members["connection"] = connection.connection_id();
  members["side"] = side_text(connection.side());
  std::string text = opened ? "opened" : "closed";
  if (!opened) {
    members["close_code"] = connection.close_code();
    members["detail"] = connection.detail();
    text += connection.close_code() > 0 ? fmt::format(" with code {}", connection.close_code())
                                        : " without a close frame";
    text += connection.detail().empty() ? "" : ": " + escaped(connection.detail());
  }
  write(fmt::format("{}  {}#{}  {}", time, side_text(connection.side()), connection.connection_id(),
                    text),
        members);
}

void Decoder::message(const schema::TraceMessage& message, boost::json::object members,
                      const std::string& time) {
  members["kind"] = "message";
  members["connection"] = message.connection_id();
  members["side"] = side_text(message.side());
  members["direction"] = direction_text(message.direction());
  members["form"] = message.text() ? "text" : "binary";
  const std::string& data = message.data();
  const auto bytes = std::as_bytes(std::span(data.data(), data.size()));
  DescribedMessage described;
  if (message.text()) {
    described.line = fmt::format("text  {} bytes  {}", data.size(), escaped(data));
    add_payload(described.members, bytes);
  } else {
    described = describe_message(bytes);
  }
  if (message.omitted_bytes() > 0) {
    // What was judged is not what was sent.
    described.problem.clear();
    described.line += fmt::format("  ({} more bytes not recorded)", message.omitted_bytes());
    described.members["omitted_bytes"] = message.omitted_bytes();
  }
  members["message"] = std::move(described.members);
  boost::json::array& rules = members["fault_rules"].emplace_array();
  for (const std::string& rule : message.fault_rules()) {
    rules.emplace_back(rule);
    described.line += fmt::format("  [fault: {}]", escaped(rule));
  }
  if (!described.problem.empty()) {
    members["problem"] = described.problem;
    described.line += "\n                ! " + escaped(described.problem, 400);
    findings_ = true;
  }
  write(fmt::format("{}  {}#{} {}  {}", time, side_text(message.side()), message.connection_id(),
                    message.direction() == schema::TRACE_DIRECTION_SENT ? "<-" : "->",
                    described.line),
        members);
}

void Decoder::agent_message(ssm::protocol::Bytes bytes) {
  DescribedMessage described = describe_message(bytes);
  if (!described.problem.empty()) {
    described.members["problem"] = described.problem;
    described.line += "\n! " + escaped(described.problem, 400);
    findings_ = true;
  }
  write(described.line, described.members);
}

void Decoder::finding(std::string text) {
  findings_ = true;
  boost::json::object members;
  members["kind"] = "finding";
  members["text"] = text;
  write("! " + text, members);
}

void Decoder::write(const std::string& line, const boost::json::object& members) {
  if (options_.json) {
    out_ << boost::json::serialize(members) << '\n';
  } else {
    out_ << line << '\n';
  }
}

int decode_hex(std::istream& in, std::ostream& out, const TraceDecodeOptions& options) {
  constexpr std::size_t limit = std::size_t{16} << 20U;
  std::string text(limit + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > limit) {
    print_error(fmt::format("expected a hex dump of at most {} bytes", limit));
    return exit_infrastructure;
  }
  const HexDump dump = parse_hex_dump(text);
  if (!dump.problem.empty()) {
    print_error(dump.problem);
    return exit_infrastructure;
  }
  Decoder decoder(out, options);
  decoder.agent_message(dump.bytes);
  return decoder.exit_code();
}

}  // namespace

int decode_trace(std::istream& in, std::ostream& out, const TraceDecodeOptions& options) {
  if (options.hex) {
    return decode_hex(in, out, options);
  }
  auto reader = trace::Reader::open(in);
  if (!reader) {
    print_error(escaped(reader.error().to_string(), 400));
    return exit_infrastructure;
  }
  Decoder decoder(out, options);
  decoder.header(reader->header());
  while (decoder.writable()) {
    auto record = reader->next();
    if (!record) {
      decoder.finding(record.error().to_string() + "; nothing after it is shown");
      break;
    }
    if (!*record) {
      if (reader->cut_bytes() > 0) {
        decoder.finding(fmt::format("the last record is cut (byte {}): {} bytes of it are there",
                                    reader->offset(), reader->cut_bytes()));
      }
      break;
    }
    decoder.record(**record);
  }
  return decoder.exit_code();
}

}  // namespace ssmsim
