#pragma once

#include <string>
#include <string_view>

namespace ssm::client::detail {

/// Finds `~.` typed after a line end or at the start: the way out of a session that no longer
/// answers, while the terminal is raw and every key belongs to the remote side.
///
/// Keys that are typed arrive alone, so `~.` counts as one read or two; inside a longer read it is
/// pasted text and goes through. All other bytes go through unchanged; a `~` that may be the
/// beginning waits for the next read.
class EscapeFilter {
 public:
  struct Passed {
    std::string bytes;
    bool escaped = false;
  };

  [[nodiscard]] Passed read(std::string_view bytes);

 private:
  bool at_line_start_ = true;
  bool holds_tilde_ = false;
};

}  // namespace ssm::client::detail
