#pragma once

#include <algorithm>
#include <cstddef>

#include "ssm/protocol/byte_queue.hpp"
#include "ssm/protocol/port_event.hpp"

namespace ssm::protocol {

/// The bytes of one connection of a port session without multiplexing.
struct PortPipe {
  PortConnection id = 0;
  ByteQueue up;    ///< from the connection, to be sent
  ByteQueue down;  ///< for the connection
  bool up_ended = false;
  bool down_ended = false;  ///< close it once `down` is written
  bool was_full = false;    ///< of `up`: tell when there is room
  bool told = false;        ///< PortReadable is on its way

  [[nodiscard]] std::size_t room(std::size_t limit) const {
    return up_ended || up.size() >= limit ? 0 : limit - up.size();
  }
  /// How many of the bytes were taken.
  std::size_t write(Bytes bytes, std::size_t limit) {
    const std::size_t count = std::min(room(limit), bytes.size());
    up.append(bytes.first(count));
    was_full = count < bytes.size() || room(limit) == 0;
    return count;
  }
};

}  // namespace ssm::protocol
