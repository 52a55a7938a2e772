#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "detail/plan_names.hpp"
#include "ssm/protocol/time.hpp"

/// YAML as the writers of this library write it: text in double quotes, small maps on one line.
namespace ssm::config::detail {

/// In double quotes, which need no knowledge of what YAML takes for a number, a comment or a list.
[[nodiscard]] std::string quoted(std::string_view text);

/// Each line behind a `#`.
[[nodiscard]] std::string commented(std::string_view text);

/// Each line moved to the right by so many spaces.
[[nodiscard]] std::string indented(std::string_view text, std::size_t spaces);

/// `{a: 1, b: 2}`, one member at a time.
class FlowMap {
 public:
  void add(std::string_view name, std::string_view value) {
    text_ += fmt::format("{}{}: {}", text_.empty() ? "" : ", ", name, value);
  }
  void add_duration(std::string_view name, const std::optional<protocol::Duration>& duration) {
    if (duration) {
      add(name, duration_text(*duration));
    }
  }
  template <class Number>
  void add_number(std::string_view name, const std::optional<Number>& number) {
    if (number) {
      add(name, fmt::format("{}", *number));
    }
  }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] std::string text() const { return '{' + text_ + '}'; }

 private:
  std::string text_;
};

}  // namespace ssm::config::detail
