#include "detail/escape_filter.hpp"

#include <utility>

namespace ssm::client::detail {

EscapeFilter::Passed EscapeFilter::read(std::string_view bytes) {
  const bool held = std::exchange(holds_tilde_, false);
  if ((held && bytes == ".") || (at_line_start_ && bytes == "~.")) {
    return {.bytes = {}, .escaped = true};
  }
  if (at_line_start_ && !held && bytes == "~") {
    holds_tilde_ = true;
    return {};
  }
  at_line_start_ = bytes.ends_with('\r') || bytes.ends_with('\n');
  return {.bytes = (held ? "~" : "") + std::string(bytes), .escaped = false};
}

}  // namespace ssm::client::detail
