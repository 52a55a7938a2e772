#pragma once

#include <string_view>

namespace ssm::protocol::detail {

/// session-manager-plugin src/version/versionutil.go: strictly newer, component by component;
/// another number of components, or one that is no number before the decision, counts as old.
[[nodiscard]] bool plugin_counts_as_newer(std::string_view version, std::string_view threshold);

/// amazon-ssm-agent agent/versionutil/versionutil.go, strict form: SemVer order if both are; else
/// component by component, by number where both are numbers and as text where not; then the one
/// with more components is greater. Negative, zero, positive.
[[nodiscard]] int compare_as_agent(std::string_view left, std::string_view right);

}  // namespace ssm::protocol::detail
