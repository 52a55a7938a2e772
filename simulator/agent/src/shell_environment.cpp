#include "ssm/agent/shell_environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace ssm::agent {
namespace {

constexpr std::array<std::string_view, 5> removed_prefixes{"AWS_", "SSM_", "SSMSIM_",
                                                           "LINES=", "COLUMNS="};

bool removed(std::string_view entry) {
  return std::any_of(removed_prefixes.begin(), removed_prefixes.end(),
                     [&](std::string_view prefix) { return entry.starts_with(prefix); });
}

}  // namespace

std::vector<std::string> own_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    entries.emplace_back(*entry);
  }
  return entries;
}

//= SHELL-026
std::vector<std::string> shell_environment(const std::vector<std::string>& own) {
  std::vector<std::string> entries;
  bool has_language = false;
  for (const std::string& entry : own) {
    if (removed(entry) || entry.starts_with("TERM=")) {
      continue;
    }
    has_language |= entry.starts_with("LANG=");
    entries.push_back(entry);
  }
  entries.emplace_back("TERM=xterm-256color");
  if (!has_language) {
    entries.emplace_back("LANG=C.UTF-8");
  }
  return entries;
}

std::vector<std::string> with_variable(std::vector<std::string> environment, std::string_view name,
                                       std::string_view value) {
  const std::string start = std::string(name) + "=";
  environment.erase(
      std::remove_if(environment.begin(), environment.end(),
                     [&](const std::string& entry) { return entry.starts_with(start); }),
      environment.end());
  environment.push_back(start + std::string(value));
  return environment;
}

std::vector<std::string> default_shell() {
  return {"sh"};
}

}  // namespace ssm::agent
