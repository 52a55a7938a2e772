#pragma once

#include <cstdint>
#include <unordered_map>

#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/rules.hpp"

namespace ssm::protocol {

/// Puts the messages of one stream back in order (data-channel.md 4.2).
///
/// Constant cost per message. Holds whole frames ahead of a gap, bounded by count and bytes; a
/// sequence number may be any distance ahead (SEQ-006). Not thread safe.
class ReceiveWindow {
 public:
  explicit ReceiveWindow(const ReceiveRules& rules) : rules_(rules) {}

  [[nodiscard]] std::int64_t expected() const { return expected_; }

  enum class Place : std::uint8_t {
    in_order,   ///< the expected number: handle it, then advance()
    ahead,      ///< stored; acknowledge it now
    refused,    ///< ahead, but the buffer is full: neither stored nor acknowledged
    duplicate,  ///< below the expected number, negative ones included
  };
  /// Places a message. A second copy of a stored number replaces the first (SEQ-010).
  Place offer(std::int64_t sequence, const Frame& frame);

  /// The expected message was handled: the next number is expected. Forgets a stored copy of it.
  void advance();

  /// The stored frame that carries the expected number, or nullptr. Handle it, then advance().
  [[nodiscard]] const Frame* next_stored() const;

  [[nodiscard]] std::size_t stored() const { return stored_.size(); }
  [[nodiscard]] std::size_t stored_bytes() const { return stored_bytes_; }

 private:
  ReceiveRules rules_;
  std::int64_t expected_ = 0;
  std::unordered_map<std::int64_t, Frame> stored_;  ///< looked up only, never iterated
  std::size_t stored_bytes_ = 0;
};

}  // namespace ssm::protocol
