#include "received_message.hpp"

#include <fmt/format.h>

#include <utility>

#include "ssm/protocol/bytes.hpp"

namespace ssm::conformance {

using protocol::Bytes;

namespace {

constexpr std::size_t hex_limit = 40;

std::string_view stripped(std::string_view text) {
  constexpr std::string_view padding{" \0", 2};
  const std::size_t first = text.find_first_not_of(padding);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(padding) - first + 1);
}

protocol::Uuid read_id(Bytes field) {
  protocol::Uuid id;
  std::copy(field.begin() + 8, field.end(), id.bytes.begin());
  std::copy(field.begin(), field.begin() + 8, id.bytes.begin() + 8);
  return id;
}

}  // namespace

ReceivedMessage read_message(protocol::Frame frame) {
  ReceivedMessage message;
  message.frame = std::move(frame);
  const Bytes bytes = message.frame.bytes();
  if (bytes.size() < protocol::payload_offset) {
    message.truncated = true;
    return message;
  }
  message.header_length = protocol::load_big_endian<std::uint32_t>(bytes, 0);
  message.type_field = protocol::as_text(bytes.subspan(4, protocol::message_type_size));
  message.type = stripped(message.type_field);
  message.schema_version = protocol::load_big_endian<std::uint32_t>(bytes, 36);
  message.created_date = protocol::load_big_endian<std::uint64_t>(bytes, 40);
  message.sequence_number = protocol::load_big_endian<std::int64_t>(bytes, 48);
  message.flags = protocol::load_big_endian<std::uint64_t>(bytes, 56);
  message.id_field = bytes.subspan(64, 16);
  message.id = read_id(message.id_field);
  message.digest = bytes.subspan(80, 32);
  message.payload_type = protocol::load_big_endian<std::uint32_t>(bytes, 112);
  message.payload_length = protocol::load_big_endian<std::uint32_t>(bytes, 116);
  message.payload = bytes.subspan(protocol::payload_offset);
  return message;
}

std::optional<protocol::Acknowledge> ReceivedMessage::acknowledged() const {
  if (truncated || !is_acknowledge()) {
    return std::nullopt;
  }
  auto content = protocol::parse_acknowledge(payload);
  return content ? std::optional(std::move(*content)) : std::nullopt;
}

std::string ReceivedMessage::summary() const {
  if (truncated) {
    return fmt::format("{} bytes, too short for a message: {}", frame.size(), hex(frame.bytes()));
  }
  if (const auto content = acknowledged()) {
    return fmt::format("acknowledge of {} {}", content->message_type, content->sequence_number);
  }
  return fmt::format("{} {} ({}), {} bytes of payload", printable_tail(type, 40), sequence_number,
                     protocol::name(static_cast<protocol::PayloadType>(payload_type)),
                     payload.size());
}

std::string hex(Bytes bytes) {
  std::string text;
  for (const std::byte byte : bytes.first(std::min(bytes.size(), hex_limit))) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(byte));
  }
  return bytes.size() > hex_limit ? text + " ..." : text;
}

std::string printable_tail(std::string_view text, std::size_t limit) {
  const bool cut = text.size() > limit;
  std::string result = cut ? "..." : "";
  for (const char c : cut ? text.substr(text.size() - limit) : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      result += c;
    } else {
      result += fmt::format("\\x{:02x}", byte);
    }
  }
  return result;
}

}  // namespace ssm::conformance
