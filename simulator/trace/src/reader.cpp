#include "ssm/trace/reader.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "detail/framing.hpp"
#include "ssm/trace/format.hpp"

namespace ssm::trace {
namespace {

using schema::v1::TraceRecord;

Error error_at(Errc errc, std::uint64_t offset, std::string context = {}) {
  return {make_error_code(errc), offset, std::move(context)};
}

}  // namespace

Result<Reader> Reader::open(std::istream& stream) {
  Reader reader(stream);
  const std::size_t size = reader.read(magic.size());
  if (size < magic.size() || reader.buffer_ != magic) {
    return error_at(Errc::not_a_trace, 0, "expected the file to begin with SSMTRACE");
  }
  reader.offset_ = magic.size();
  auto record = reader.read_record();
  if (!record) {
    return std::move(record).error();
  }
  if (!*record || !(*record)->has_header()) {
    return error_at(Errc::missing_header, magic.size(), "expected the header record first");
  }
  reader.header_ = std::move(*(*record)->mutable_header());
  if (reader.header_.format_version() > format_version) {
    return error_at(Errc::future_version, magic.size(),
                    "expected format " + std::to_string(format_version) + " or older, seen " +
                        std::to_string(reader.header_.format_version()) + " by ssmsim " +
                        reader.header_.program_version() + "; read it with that version");
  }
  return reader;
}

Result<std::optional<TraceRecord>> Reader::next() {
  if (error_) {
    return *error_;
  }
  if (ended_) {
    return std::nullopt;
  }
  auto record = read_record();
  if (!record) {
    error_ = record.error();
  } else {
    ended_ = !record->has_value();
  }
  return record;
}

Result<std::optional<TraceRecord>> Reader::read_record() {
  std::size_t length = 0;
  std::size_t length_size = 0;
  for (bool more = true; more; ++length_size) {
    if (length_size == detail::max_length_size) {
      return error_at(Errc::record_too_large, offset_);
    }
    if (read(1) == 0) {
      if (stream_->bad()) {
        return error_at(Errc::io_failed, offset_);
      }
      cut_bytes_ = length_size;
      return std::nullopt;
    }
    const auto byte = static_cast<unsigned char>(buffer_[0]);
    length |= static_cast<std::size_t>(byte & 0x7FU) << (7U * length_size);
    more = (byte & 0x80U) != 0;
  }
  if (length > max_record_bytes) {
    return error_at(Errc::record_too_large, offset_,
                    "expected at most " + std::to_string(max_record_bytes) + " bytes, seen " +
                        std::to_string(length));
  }
  const std::size_t size = read(length);
  if (size < length) {
    if (stream_->bad()) {
      return error_at(Errc::io_failed, offset_);
    }
    cut_bytes_ = length_size + size;
    return std::nullopt;
  }
  std::optional<TraceRecord> record = detail::parse_record(buffer_);
  if (!record) {
    return error_at(Errc::damaged_record, offset_);
  }
  offset_ += length_size + length;
  return record;
}

std::size_t Reader::read(std::size_t size) {
  // A false length costs no more memory than the file has bytes.
  constexpr std::size_t step = std::size_t{256} * 1024;
  buffer_.clear();
  while (buffer_.size() < size && stream_->good()) {
    const std::size_t before = buffer_.size();
    buffer_.resize(before + std::min(step, size - before));
    stream_->read(buffer_.data() + before, static_cast<std::streamsize>(buffer_.size() - before));
    buffer_.resize(before + static_cast<std::size_t>(stream_->gcount()));
  }
  return buffer_.size();
}

}  // namespace ssm::trace
