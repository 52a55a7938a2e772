#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>

#include "ssm/protocol/smux_rules.hpp"

namespace ssm::protocol {

/// Which stream sends the next frame. O(log n) in the streams that have something to send; no
/// allocation while a stream alternates between waiting and sending.
class SmuxSchedule {
 public:
  /// What a stream owns of it.
  class Share {
   public:
    [[nodiscard]] bool waiting() const { return waiting_; }

   private:
    friend class SmuxSchedule;
    std::uint64_t next_tag_ = 0;
    std::uint64_t tag_ = 0;
    std::uint64_t serial_ = 0;
    bool waiting_ = false;
  };

  /// `by_bytes`: least_sent counts bytes, not frames.
  SmuxSchedule(SmuxScheduling kind, bool by_bytes) : kind_(kind), by_bytes_(by_bytes) {}

  /// The stream wants to send; nothing if it is waiting already.
  void add(Share& share, std::uint32_t stream_id);
  void remove(Share& share, std::uint32_t stream_id);
  /// The stream whose turn it is. The caller takes it with `served`.
  [[nodiscard]] std::optional<std::uint32_t> next() const;
  /// The stream of next() sends a frame with `bytes` of payload; add it again for another one.
  void served(Share& share, std::size_t bytes);

  [[nodiscard]] bool empty() const { return turns_.empty(); }

 private:
  struct Turn {
    std::uint64_t tag = 0;
    std::uint64_t serial = 0;
    std::uint32_t stream_id = 0;
    friend auto operator<=>(const Turn&, const Turn&) = default;
  };

  SmuxScheduling kind_;
  bool by_bytes_;
  std::set<Turn> turns_;
  std::set<Turn>::node_type spare_;  ///< of the turn that was taken last
  std::uint64_t virtual_time_ = 0;
  std::uint64_t serial_ = 0;
};

}  // namespace ssm::protocol
