#include "detail/port_version.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

namespace ssm::protocol::detail {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(at + 1);
  }
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

template <class Value>
int order(const Value& left, const Value& right) {
  return left < right ? -1 : (right < left ? 1 : 0);
}

/// By number where both are numbers, as text where not; then by how many there are.
int compare_parts(const std::vector<std::string_view>& left,
                  const std::vector<std::string_view>& right) {
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    const auto left_number = number(left[i]);
    const auto right_number = number(right[i]);
    const int result =
        left_number && right_number ? order(*left_number, *right_number) : order(left[i], right[i]);
    if (result != 0) {
      return result;
    }
  }
  return order(left.size(), right.size());
}

struct SemanticVersion {
  std::vector<std::string_view> numbers;
  std::string_view prerelease;
};

std::optional<SemanticVersion> semantic(std::string_view text) {
  text = text.substr(0, text.find('+'));
  SemanticVersion version;
  const std::size_t hyphen = text.find('-');
  if (hyphen != std::string_view::npos) {
    version.prerelease = text.substr(hyphen + 1);
    if (version.prerelease.empty()) {
      return std::nullopt;
    }
  }
  version.numbers = split(text.substr(0, hyphen), '.');
  const bool valid = version.numbers.size() == 3 &&
                     std::all_of(version.numbers.begin(), version.numbers.end(), [](auto part) {
                       const auto value = number(part);
                       return value && *value >= 0 && (part.size() == 1 || part[0] != '0');
                     });
  return valid ? std::optional(version) : std::nullopt;
}

}  // namespace

bool plugin_counts_as_newer(std::string_view version, std::string_view threshold) {
  const auto left = split(version, '.');
  const auto right = split(threshold, '.');
  if (version.empty() || left.size() != right.size()) {
    return false;
  }
  for (std::size_t i = 0; i < left.size(); ++i) {
    const auto left_number = number(left[i]);
    const auto right_number = number(right[i]);
    if (!left_number || !right_number) {
      return false;
    }
    if (*left_number != *right_number) {
      return *left_number > *right_number;
    }
  }
  return false;
}

int compare_as_agent(std::string_view left, std::string_view right) {
  const auto left_semantic = semantic(left);
  const auto right_semantic = semantic(right);
  if (left_semantic && right_semantic) {
    const int result = compare_parts(left_semantic->numbers, right_semantic->numbers);
    if (result != 0 || left_semantic->prerelease == right_semantic->prerelease) {
      return result;
    }
    // A version precedes its releases-to-be: without a suffix it is the greatest.
    if (left_semantic->prerelease.empty() || right_semantic->prerelease.empty()) {
      return left_semantic->prerelease.empty() ? 1 : -1;
    }
    return compare_parts(split(left_semantic->prerelease, '.'),
                         split(right_semantic->prerelease, '.'));
  }
  return compare_parts(split(left, '.'), split(right, '.'));
}

}  // namespace ssm::protocol::detail
