#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/protocol/frame.hpp"

namespace ssm::net::detail {

/// RFC 6455 framing without a socket.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-+-+-------+-+-------------+-------------------------------+
///     |F|R|R|R| opcode|M| length 0-125| 16 bit length if that is 126, |
///     |I|S|S|S|  (4)  |A| 126 or 127  | 64 bit length if it is 127    |
///     |N|V|V|V|       |S|     (7)     | (big-endian, shortest form)   |
///     +-+-+-+-+-------+-+-------------+-------------------------------+
///     | 4 bytes masking key if MASK is set: client to server only     |
///     +---------------------------------------------------------------+
///     | payload, each byte XORed with key[i % 4] if MASK is set       |
///     +---------------------------------------------------------------+
enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

using MaskKey = std::array<std::byte, 4>;

namespace close_code {
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t no_status = 1005;
inline constexpr std::uint16_t abnormal = 1006;
inline constexpr std::uint16_t invalid_data = 1007;
inline constexpr std::uint16_t too_big = 1009;
}  // namespace close_code

inline constexpr std::size_t max_control_bytes = 125;

/// Header and payload together, as they take room on the wire.
[[nodiscard]] std::size_t wire_size(std::size_t payload_bytes, bool masked);

/// Appends one final frame.
void append_frame(std::vector<std::byte>& out, Opcode opcode, protocol::Bytes payload,
                  const std::optional<MaskKey>& mask);

/// Close frame payload: code and reason, cut to fit at a character's boundary; empty for no_status.
[[nodiscard]] std::string close_payload(std::uint16_t code, std::string_view reason);

[[nodiscard]] bool is_valid_utf8(std::string_view text);

/// Takes frames apart and puts messages together. Bounded by `max_message_bytes`.
class FrameReader {
 public:
  FrameReader(bool expect_masked, std::size_t max_message_bytes)
      : expect_masked_(expect_masked), max_message_bytes_(max_message_bytes) {}

  enum class Item {
    none,     ///< all input was consumed
    message,  ///< take_message, is_text
    ping,     ///< control_payload
    pong,     ///< control_payload
    close,    ///< close_status, close_reason
    failure,  ///< failure_status, failure_detail; the reader must not be used again
  };

  /// Consumes input up to and including the next item.
  [[nodiscard]] Item next(protocol::Bytes& input);

  [[nodiscard]] protocol::Frame take_message() { return std::move(message_); }
  [[nodiscard]] bool is_text() const { return is_text_; }
  [[nodiscard]] std::string_view control_payload() const {
    return {control_.data(), control_size_};
  }
  [[nodiscard]] std::uint16_t close_status() const;
  [[nodiscard]] std::string_view close_reason() const;
  [[nodiscard]] std::uint16_t failure_status() const { return failure_status_; }
  [[nodiscard]] const std::string& failure_detail() const { return failure_detail_; }

 private:
  [[nodiscard]] bool take_header(protocol::Bytes& input);
  [[nodiscard]] bool check_first_bytes();
  [[nodiscard]] bool begin_payload();
  void take_payload(protocol::Bytes& input);
  [[nodiscard]] Item finish_frame();
  [[nodiscard]] Item finish_control();
  bool fail(std::uint16_t status, std::string detail);

  [[nodiscard]] bool is_control() const { return (static_cast<unsigned>(opcode_) & 8U) != 0; }

  bool expect_masked_;
  std::size_t max_message_bytes_;

  std::array<std::byte, 14> header_{};
  std::size_t header_size_ = 0;
  std::size_t header_needed_ = 2;
  bool in_payload_ = false;
  bool final_ = false;
  Opcode opcode_ = Opcode::continuation;
  MaskKey mask_{};
  std::size_t payload_size_ = 0;
  std::size_t payload_read_ = 0;

  /// Message in one frame: written in place. In several: gathered, then copied once.
  protocol::Frame message_;
  std::byte* in_place_ = nullptr;
  std::vector<std::byte> fragments_;
  bool in_fragments_ = false;
  bool is_text_ = false;

  std::array<char, max_control_bytes> control_{};
  std::size_t control_size_ = 0;

  std::uint16_t failure_status_ = 0;
  std::string failure_detail_;
};

}  // namespace ssm::net::detail
