#include "ssm/protocol/smux_frame.hpp"

#include <algorithm>

namespace ssm::protocol {
namespace {

template <class Unsigned>
void store_little_endian(SmuxEightBytes& bytes, std::size_t offset, Unsigned value) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    bytes[offset + i] = static_cast<std::byte>(value >> (8 * i));
  }
}

template <class Unsigned>
Unsigned load_little_endian(const SmuxEightBytes& bytes, std::size_t offset) {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    const auto part =
        static_cast<Unsigned>(std::to_integer<Unsigned>(bytes[offset + i]) << (8 * i));
    value = static_cast<Unsigned>(value | part);
  }
  return value;
}

}  // namespace

std::string_view name(SmuxCommand command) {
  switch (command) {
    case SmuxCommand::syn:
      return "SYN";
    case SmuxCommand::fin:
      return "FIN";
    case SmuxCommand::psh:
      return "PSH";
    case SmuxCommand::nop:
      return "NOP";
    case SmuxCommand::upd:
      return "UPD";
  }
  return "unknown";
}

//= MUX-002
SmuxEightBytes encode(const SmuxHeader& header) {
  SmuxEightBytes bytes{};
  bytes[0] = static_cast<std::byte>(header.version);
  bytes[1] = static_cast<std::byte>(header.command);
  store_little_endian(bytes, 2, header.length);
  store_little_endian(bytes, 4, header.stream_id);
  return bytes;
}

SmuxHeader decode_smux_header(const SmuxEightBytes& bytes) {
  return {.version = std::to_integer<std::uint8_t>(bytes[0]),
          .command = static_cast<SmuxCommand>(bytes[1]),
          .length = load_little_endian<std::uint16_t>(bytes, 2),
          .stream_id = load_little_endian<std::uint32_t>(bytes, 4)};
}

SmuxEightBytes encode(const SmuxUpdate& update) {
  SmuxEightBytes bytes{};
  store_little_endian(bytes, 0, update.consumed);
  store_little_endian(bytes, 4, update.window);
  return bytes;
}

SmuxUpdate decode_smux_update(const SmuxEightBytes& bytes) {
  return {.consumed = load_little_endian<std::uint32_t>(bytes, 0),
          .window = load_little_endian<std::uint32_t>(bytes, 4)};
}

//= MUX-009
bool SmuxCollector::take(Bytes& input) {
  const std::size_t count = std::min(bytes_.size() - held_, input.size());
  std::copy_n(input.begin(), count, bytes_.begin() + static_cast<std::ptrdiff_t>(held_));
  input = input.subspan(count);
  held_ += count;
  if (held_ < bytes_.size()) {
    return false;
  }
  held_ = 0;
  return true;
}

}  // namespace ssm::protocol
