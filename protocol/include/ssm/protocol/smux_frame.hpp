#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ssm/protocol/bytes.hpp"

namespace ssm::protocol {

/// Commands of the stream multiplexer smux, versions 1 and 2.
/// Source: github.com/xtaci/smux v1.5.16 frame.go, as vendored by session-manager-plugin.
enum class SmuxCommand : std::uint8_t {
  syn = 0,  ///< open a stream
  fin = 1,  ///< the sender has closed, or ended its half
  psh = 2,  ///< data
  nop = 3,  ///< keep-alive; the stream id is 0
  upd = 4,  ///< version 2: bytes consumed, and window
};
inline constexpr std::uint8_t smux_command_last = 4;
/// "SYN", "PSH"; "unknown" for other values.
[[nodiscard]] std::string_view name(SmuxCommand command);

/// Every frame starts with eight bytes. Unlike the AgentMessage around it, integers are
/// little-endian (MUX-002):
///
///     0  1  version    1 or 2
///     1  1  command
///     2  2  length     payload bytes that follow
///     4  4  stream id
///     8  n  payload
struct SmuxHeader {
  std::uint8_t version = 1;
  SmuxCommand command = SmuxCommand::nop;
  std::uint16_t length = 0;
  std::uint32_t stream_id = 0;

  friend bool operator==(const SmuxHeader&, const SmuxHeader&) = default;
};
inline constexpr std::size_t smux_header_size = 8;
/// A header, or the payload of an UPD: both have eight bytes.
using SmuxEightBytes = std::array<std::byte, 8>;

[[nodiscard]] SmuxEightBytes encode(const SmuxHeader& header);
/// Any eight bytes are a header; whether its values are allowed is for the session to say.
[[nodiscard]] SmuxHeader decode_smux_header(const SmuxEightBytes& bytes);

/// Payload of an UPD: both little-endian.
///
///     0  4  consumed  bytes the sender's application has read so far, modulo 2^32
///     4  4  window    bytes that may be in flight beyond those
struct SmuxUpdate {
  std::uint32_t consumed = 0;
  std::uint32_t window = 0;

  friend bool operator==(const SmuxUpdate&, const SmuxUpdate&) = default;
};
/// Version 2: what may be in flight on a stream before its first UPD. Source: frame.go.
inline constexpr std::uint32_t smux_initial_window = 262144;
[[nodiscard]] SmuxEightBytes encode(const SmuxUpdate& update);
[[nodiscard]] SmuxUpdate decode_smux_update(const SmuxEightBytes& bytes);

/// Puts eight bytes together that may arrive in pieces.
class SmuxCollector {
 public:
  /// Takes what it needs from the front of `input`; true when all eight are there. Then `bytes()`
  /// is valid and the next call starts anew.
  [[nodiscard]] bool take(Bytes& input);
  [[nodiscard]] const SmuxEightBytes& bytes() const { return bytes_; }
  /// Bytes of an unfinished group.
  [[nodiscard]] std::size_t held() const { return held_; }

 private:
  SmuxEightBytes bytes_{};
  std::size_t held_ = 0;
};

}  // namespace ssm::protocol
