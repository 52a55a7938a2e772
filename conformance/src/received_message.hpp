#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ssm/protocol/acknowledge.hpp"
#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/message.hpp"
#include "ssm/protocol/uuid.hpp"

namespace ssm::conformance {

/// A message as a peer sent it, read at the fixed offsets of message.hpp without any judgement, so
/// that a case can say what exactly is wrong with it. The payload is taken to begin at 120, where
/// every sender we know puts it.
struct ReceivedMessage {
  protocol::Frame frame;
  /// Shorter than 120 bytes; the other members then say nothing.
  bool truncated = false;
  std::uint32_t header_length = 0;
  std::string_view type_field;  ///< all 32 bytes
  std::string_view type;        ///< without spaces and NULs around it
  std::uint32_t schema_version = 0;
  std::uint64_t created_date = 0;
  std::int64_t sequence_number = 0;
  std::uint64_t flags = 0;
  protocol::Uuid id;         ///< read as WIRE-007 says
  protocol::Bytes id_field;  ///< as it stands there
  protocol::Bytes digest;
  std::uint32_t payload_type = 0;
  std::uint32_t payload_length = 0;
  protocol::Bytes payload;

  [[nodiscard]] bool is_acknowledge() const { return type == "acknowledge"; }
  [[nodiscard]] bool is_input() const { return type == "input_stream_data"; }
  /// Keyboard input.
  [[nodiscard]] bool is_typed() const {
    return is_input() && payload_type == static_cast<std::uint32_t>(protocol::PayloadType::output);
  }
  /// Of an acknowledgement that can be read.
  [[nodiscard]] std::optional<protocol::Acknowledge> acknowledged() const;
  /// `input_stream_data 3 (size), 23 bytes`
  [[nodiscard]] std::string summary() const;
};

[[nodiscard]] ReceivedMessage read_message(protocol::Frame frame);

/// `00 00 00 74`; at most 40 bytes, then `...`.
[[nodiscard]] std::string hex(protocol::Bytes bytes);
/// Control characters and bytes above ASCII as \xNN, so that a terminal survives it; the last
/// `limit` characters.
[[nodiscard]] std::string printable_tail(std::string_view text, std::size_t limit);

}  // namespace ssm::conformance
