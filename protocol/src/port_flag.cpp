#include "ssm/protocol/port_flag.hpp"

#include <string>

namespace ssm::protocol {

//= PORT-001
Result<PortFlag> parse_port_flag(Bytes payload) {
  if (payload.size() != sizeof(std::uint32_t)) {
    return Error(Errc::malformed_payload, 0,
                 "port flag: expected 4 bytes, seen " + std::to_string(payload.size()));
  }
  return static_cast<PortFlag>(load_big_endian<std::uint32_t>(payload, 0));
}

std::array<std::byte, 4> encode_port_flag(PortFlag flag) {
  std::array<std::byte, 4> bytes{};
  store_big_endian(MutableBytes(bytes), 0, static_cast<std::uint32_t>(flag));
  return bytes;
}

}  // namespace ssm::protocol
