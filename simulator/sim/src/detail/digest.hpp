#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "ssm/sim/observer.hpp"

namespace ssm::sim::detail {

/// Passes everything on, and digests it on the way (FNV-1a over 64-bit words: not for security, but
/// any difference between two runs shows).
class DigestObserver final : public Observer {
 public:
  explicit DigestObserver(Observer& next) : next_(next) {}

  void message(const ObservedMessage& message) override {
    mix(static_cast<std::uint64_t>(message.at.count()));
    mix(message.connection * 4 + (message.received ? 2U : 0U) + (message.text ? 1U : 0U));
    mix_bytes(message.data);
    next_.message(message);
  }
  void connection_opened(Duration at, std::uint64_t connection, protocol::Side side) override {
    mix(static_cast<std::uint64_t>(at.count()));
    mix(connection);
    next_.connection_opened(at, connection, side);
  }
  void connection_closed(Duration at, std::uint64_t connection, protocol::Side side,
                         std::string_view detail) override {
    mix(static_cast<std::uint64_t>(at.count()));
    mix(connection);
    next_.connection_closed(at, connection, side, detail);
  }
  void note(Duration at, std::string_view text) override {
    mix(static_cast<std::uint64_t>(at.count()));
    mix_bytes(std::as_bytes(std::span(text.data(), text.size())));
    next_.note(at, text);
  }

  [[nodiscard]] std::uint64_t digest() const { return digest_; }

 private:
  void mix(std::uint64_t word) { digest_ = (digest_ ^ word) * 0x0000'0100'0000'01B3U; }
  void mix_bytes(protocol::Bytes bytes) {
    mix(bytes.size());
    while (!bytes.empty()) {
      std::uint64_t word = 0;
      const std::size_t size = std::min(bytes.size(), sizeof word);
      std::memcpy(&word, bytes.data(), size);
      mix(word);
      bytes = bytes.subspan(size);
    }
  }

  Observer& next_;
  std::uint64_t digest_ = 0xCBF2'9CE4'8422'2325U;
};

}  // namespace ssm::sim::detail
