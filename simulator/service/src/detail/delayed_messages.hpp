#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ssm/protocol/frame.hpp"
#include "ssm/protocol/service_role.hpp"
#include "ssm/protocol/time.hpp"

namespace ssm::service::detail {

/// Messages that a fault holds back until their time. Those of the same time leave in the order in
/// which they came. Holds what it is given: who fills it looks at full() and reads no more.
class DelayedMessages {
 public:
  /// Of one end; about what a window of the references holds.
  static constexpr std::size_t max_messages = 4096;
  static constexpr std::size_t max_bytes = std::size_t{4} << 20U;

  struct Message {
    protocol::Side from = protocol::Side::client;
    protocol::Frame frame = {};
  };

  void hold(protocol::Side from, protocol::Frame frame, protocol::Instant until);
  /// One whose time has come; call until there is none.
  [[nodiscard]] std::optional<Message> take_due(protocol::Instant now);
  [[nodiscard]] std::optional<protocol::Instant> next() const;
  /// No more of that end's messages should be read.
  [[nodiscard]] bool full(protocol::Side from) const;

 private:
  struct Entry {
    protocol::Instant until;
    std::uint64_t order;
    Message message;
  };
  struct Held {
    std::size_t messages = 0;
    std::size_t bytes = 0;
  };
  /// For a heap with the earliest entry in front.
  static bool later(const Entry& a, const Entry& b);

  std::vector<Entry> heap_;
  std::uint64_t next_order_ = 0;
  std::array<Held, 2> held_{};
};

}  // namespace ssm::service::detail
