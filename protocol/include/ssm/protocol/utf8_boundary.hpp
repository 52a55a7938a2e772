#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "ssm/protocol/bytes.hpp"

namespace ssm::protocol {

/// Cuts an agent's output so that no character is split between two messages, as amazon-ssm-agent
/// does (`agent/session/shell/shell.go`, processStdoutData):
///  - valid characters pass;
///  - a byte that starts no valid character passes alone if at least 4 bytes are left, itself
///    included; with fewer left, it and what follows wait for more output.
/// So at most 3 bytes are held back, and a message can be that much longer than one read.
///
/// The agent treats a correctly encoded U+FFFD as invalid, sends only its first byte, and loses
/// what is held back at the end (SHELL-016). Without `damages_replacement_character` nothing is
/// changed or lost.
class Utf8Boundary {
 public:
  explicit Utf8Boundary(bool damages_replacement_character)
      : damages_replacement_character_(damages_replacement_character) {}

  /// Takes `in`; appends to `out` what can be sent now, possibly nothing. `in` must not lie in
  /// `out`.
  void append(Bytes in, std::vector<std::byte>& out);

  /// The output has ended: appends what was held back (the agent drops it).
  void flush(std::vector<std::byte>& out);

  /// Bytes held back, at most 3.
  [[nodiscard]] std::size_t held_back() const { return held_back_size_; }

 private:
  bool damages_replacement_character_;
  std::array<std::byte, 3> held_back_{};
  std::size_t held_back_size_ = 0;
};

}  // namespace ssm::protocol
