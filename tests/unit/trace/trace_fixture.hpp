#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ssm/trace/reader.hpp"
#include "ssm/trace/writer.hpp"

namespace ssm::trace::test {

/// Keeps what is appended; fails from the append with number `fail_at` on (0 is the first).
class MemorySink final : public Sink {
 public:
  explicit MemorySink(std::string& out, std::size_t fail_at = ~std::size_t{0})
      : out_(out), fail_at_(fail_at) {}

  Result<> append(std::string_view bytes) override {
    if (appends_++ >= fail_at_) {
      return Error{make_error_code(Errc::io_failed), 0, "disk full"};
    }
    out_ += bytes;
    return {};
  }

 private:
  std::string& out_;
  std::size_t fail_at_;
  std::size_t appends_ = 0;
};

inline WriterOptions options() {
  return {.program_version = "0.1.0", .session_id = "user-1", .start_unix_ns = 1'700'000'000'000};
}

inline MessageEvent binary(std::string_view data) {
  return {.connection_id = 1,
          .side = schema::v1::TRACE_SIDE_CLIENT,
          .direction = schema::v1::TRACE_DIRECTION_RECEIVED,
          .data = std::as_bytes(std::span(data.data(), data.size()))};
}
inline MessageEvent text(std::string_view data) {
  MessageEvent event = binary(data);
  event.is_text = true;
  return event;
}

/// A recording with one record of each kind.
inline void write_sample(Writer& writer) {
  using std::chrono_literals::operator""ms;
  writer.connection_opened(1ms, 1, schema::v1::TRACE_SIDE_CLIENT);
  writer.message(2ms, text(R"({"TokenValue":"secret"})"));
  const std::string_view rules[] = {"cut the client"};
  MessageEvent event = binary(std::string_view("\0\0\0\x74 and so on", 14));
  event.fault_rules = rules;
  writer.message(3ms, event);
  writer.note(4ms, 0, "client resumed");
  writer.connection_closed(5ms, 1, schema::v1::TRACE_SIDE_CLIENT, 1006, "reset by peer");
}

inline std::string sample() {
  std::string out;
  Writer writer(std::make_unique<MemorySink>(out), options());
  write_sample(writer);
  return out;
}

struct Contents {
  std::vector<schema::v1::TraceRecord> records;
  std::uint64_t cut_bytes = 0;
  std::string error;
};

/// Everything that can be read.
inline Contents read_all(const std::string& bytes) {
  Contents contents;
  std::istringstream stream(bytes);
  auto reader = Reader::open(stream);
  if (!reader) {
    contents.error = reader.error().to_string();
    return contents;
  }
  while (true) {
    auto record = reader->next();
    if (!record) {
      contents.error = record.error().to_string();
      return contents;
    }
    if (!*record) {
      contents.cut_bytes = reader->cut_bytes();
      return contents;
    }
    contents.records.push_back(std::move(**record));
  }
}

}  // namespace ssm::trace::test
