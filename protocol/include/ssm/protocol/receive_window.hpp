#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/rules.hpp"

namespace ssm::test {
struct WindowProbe;
}

namespace ssm::protocol {

/// Puts the messages of one stream back in order.
///
/// Holds whole frames ahead of a gap, bounded by count and bytes; a sequence number may be any
/// distance ahead (SEQ-006). Constant cost for messages that arrive in ascending or in descending
/// order, with or without gaps; logarithmic in the number stored at worst, whatever numbers a peer
/// chooses.
/// Not thread safe.
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
  /// Places a message. A second copy of a stored number replaces the first (SEQ-010), unless it is
  /// larger than the room that is left: then it is refused and the first copy stays.
  Place offer(std::int64_t sequence, const Frame& frame);

  /// The expected message was handled: the next number is expected. Forgets a stored copy of it.
  void advance();

  /// The stored frame that carries the expected number, or nullptr. Handle it, then advance().
  /// A handler that is not ready leaves it stored, to be asked for again (SEQ-015). Valid until
  /// the next offer or advance.
  [[nodiscard]] const Frame* next_stored() const;

  [[nodiscard]] std::size_t stored() const { return stored_.size(); }
  [[nodiscard]] std::size_t stored_bytes() const { return stored_bytes_; }

 private:
  friend struct test::WindowProbe;

  using Stored = std::map<std::int64_t, Frame>;

  [[nodiscard]] Stored::iterator first_not_below(std::int64_t sequence);
  [[nodiscard]] bool has_bytes_for(std::size_t more, std::size_t less) const;

  ReceiveRules rules_;
  std::int64_t expected_ = 0;
  /// Ordered, not hashed: its worst case does not depend on numbers that the peer chooses.
  Stored stored_;
  std::size_t stored_bytes_ = 0;
};

}  // namespace ssm::protocol
