#include "detail/framing.hpp"

#include <boost/crc.hpp>

#include "ssm/trace/format.hpp"

namespace ssm::trace {
namespace detail {
namespace {

/// The checksum of `bytes` as the field that follows them.
std::string checksum_field(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;  // CRC-32C
  crc.process_bytes(bytes.data(), bytes.size());
  std::string field(1, checksum_tag);
  for (unsigned shift = 0; shift < 32; shift += 8) {
    field.push_back(static_cast<char>((crc.checksum() >> shift) & 0xFFU));
  }
  return field;
}

void append_varint(std::size_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(0x80U | (value & 0x7FU)));
    value >>= 7U;
  }
  out.push_back(static_cast<char>(value));
}

}  // namespace

void frame_record(const schema::v1::TraceRecord& record, std::string& out) {
  const std::size_t size = record.ByteSizeLong();
  out.clear();
  out.reserve(size + checksum_size + max_length_size);
  append_varint(size + checksum_size, out);
  const std::size_t start = out.size();
  record.AppendToString(&out);
  out += checksum_field(std::string_view(out).substr(start));
}

std::optional<schema::v1::TraceRecord> parse_record(std::string_view bytes) {
  if (bytes.size() < checksum_size) {
    return std::nullopt;
  }
  // The checksum first, so that the parser sees nothing but what a writer wrote.
  const std::string_view checked = bytes.substr(0, bytes.size() - checksum_size);
  if (bytes.substr(checked.size()) != checksum_field(checked)) {
    return std::nullopt;
  }
  schema::v1::TraceRecord record;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::nullopt;
  }
  return record;
}

}  // namespace detail

std::string file_name(std::string_view session_id) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.@=+,";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string name;
  for (const char character : session_id) {
    // A leading dot would hide the file or name a directory.
    if (plain.find(character) != std::string_view::npos && !(name.empty() && character == '.')) {
      name += character;
    } else {
      const auto value = static_cast<unsigned char>(character);
      name += {'%', digits[value >> 4U], digits[value & 0xFU]};
    }
  }
  return name + ".ssmtrace";
}

}  // namespace ssm::trace
