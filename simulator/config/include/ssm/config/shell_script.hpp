#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ssm/config/problem.hpp"

namespace ssm::config {

/// A file for `--shell scripted:FILE`; ssm/schema/v1/shell_script.proto describes the fields.
struct ShellScript {
  struct Answer {
    std::string when;
    bool is_regex = false;  ///< `when` is one, and a valid one
    std::string say;
    std::chrono::milliseconds delay{0};
    std::optional<int> exit;
  };
  std::string greeting;
  std::string prompt;
  bool echo = true;
  std::vector<Answer> answers;
};

[[nodiscard]] Loaded<ShellScript> parse_shell_script(std::string_view text, std::string_view file);
[[nodiscard]] Loaded<ShellScript> load_shell_script(const std::string& path);

}  // namespace ssm::config
