#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ssm::client {

/// Environment variables, given as a function so that tests and the plugin can choose them.
/// A variable that is set but empty counts as absent, as for the AWS SDKs.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
[[nodiscard]] Environment process_environment();

/// Where `ssmsim serve` listens unless told otherwise.
inline constexpr std::string_view default_endpoint = "http://127.0.0.1:4580";
inline constexpr std::string_view default_region = "us-east-1";

/// `option`, else AWS_ENDPOINT_URL_SSM, else AWS_ENDPOINT_URL, else the local default.
[[nodiscard]] std::string resolve_endpoint(std::string_view option, const Environment& environment);
/// `option`, else AWS_REGION, else AWS_DEFAULT_REGION, else us-east-1.
[[nodiscard]] std::string resolve_region(std::string_view option, const Environment& environment);

}  // namespace ssm::client
