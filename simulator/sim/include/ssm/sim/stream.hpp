#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "ssm/protocol/bytes.hpp"

namespace ssm::sim {

/// An endless text that both ends of a stream know, so that every byte that arrives can be checked
/// where it arrives and none has to be kept. Printable, without line feeds: a single one is changed
/// by session-manager-plugin (SHELL-009), and without bytes that are not ASCII. Two texts of
/// different `key` differ early.
class StreamText {
 public:
  explicit StreamText(std::uint64_t key);

  /// The bytes from `offset`, at most `max_bytes`, at least one; valid for ever.
  [[nodiscard]] protocol::Bytes at(std::uint64_t offset, std::size_t max_bytes) const;

 private:
  std::uint64_t shift_;
};

/// Checks what arrives against the text: the next bytes, each once.
class StreamCheck {
 public:
  explicit StreamCheck(StreamText text) : text_(text) {}

  /// What is wrong, the first time something is; nothing while all is right. The right bytes before
  /// it count as received.
  [[nodiscard]] std::optional<std::string> received(protocol::Bytes data);
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] std::string describe(protocol::Bytes seen) const;

  StreamText text_;
  std::uint64_t bytes_ = 0;
  bool failed_ = false;
};

}  // namespace ssm::sim
