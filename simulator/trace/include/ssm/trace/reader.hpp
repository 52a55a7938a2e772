#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>

#include "ssm/schema/v1/trace.pb.h"
#include "ssm/trace/error.hpp"

namespace ssm::trace {

/// Reads a recording, record by record; holds one at a time. Any bytes are safe to read. Not
/// thread safe; the stream must outlive the reader.
class Reader {
 public:
  /// Reads the header. Errors: not_a_trace, missing_header, future_version, and those of `next`.
  [[nodiscard]] static Result<Reader> open(std::istream& stream);

  [[nodiscard]] const schema::v1::TraceHeader& header() const { return header_; }

  /// The next record; nothing at the end, see `cut_bytes`. A record of an unknown kind has no
  /// event. After an error the same error comes again.
  /// Errors: record_too_large, damaged_record, io_failed.
  [[nodiscard]] Result<std::optional<schema::v1::TraceRecord>> next();

  /// At the end: bytes of a last record that was not written whole; 0 if all were.
  [[nodiscard]] std::uint64_t cut_bytes() const { return cut_bytes_; }
  /// Of the next record.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

 private:
  explicit Reader(std::istream& stream) : stream_(&stream) {}

  [[nodiscard]] Result<std::optional<schema::v1::TraceRecord>> read_record();
  /// Up to `size` bytes into `buffer_`; fewer at the end of the stream.
  [[nodiscard]] std::size_t read(std::size_t size);

  std::istream* stream_;
  schema::v1::TraceHeader header_;
  std::uint64_t offset_ = 0;
  std::uint64_t cut_bytes_ = 0;
  bool ended_ = false;
  std::optional<Error> error_;
  std::string buffer_;
};

}  // namespace ssm::trace
