#include "ssm/client/aws_environment.hpp"

#include <cstdlib>
#include <initializer_list>

namespace ssm::client {
namespace {

std::string first_of(std::string_view option, const Environment& environment,
                     std::initializer_list<std::string_view> names, std::string_view fallback) {
  if (!option.empty()) {
    return std::string(option);
  }
  for (const std::string_view name : names) {
    if (std::optional<std::string> value = environment(name)) {
      return *std::move(value);
    }
  }
  return std::string(fallback);
}

}  // namespace

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());  // NOLINT(concurrency-mt-unsafe)
    if (value == nullptr || *value == '\0') {
      return std::nullopt;
    }
    return std::string(value);
  };
}

std::string resolve_endpoint(std::string_view option, const Environment& environment) {
  return first_of(option, environment, {"AWS_ENDPOINT_URL_SSM", "AWS_ENDPOINT_URL"},
                  default_endpoint);
}

std::string resolve_region(std::string_view option, const Environment& environment) {
  return first_of(option, environment, {"AWS_REGION", "AWS_DEFAULT_REGION"}, default_region);
}

}  // namespace ssm::client
