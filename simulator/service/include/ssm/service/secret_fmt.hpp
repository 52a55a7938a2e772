#pragma once

#include <fmt/format.h>

#include "ssm/service/secret.hpp"

/// Lets fmt and spdlog print a Secret, as `***`. Kept apart because only programs that format need
/// fmt.
template <>
struct fmt::formatter<ssm::service::Secret> : fmt::formatter<fmt::string_view> {
  template <class Context>
  auto format(const ssm::service::Secret&, Context& context) const {
    return fmt::formatter<fmt::string_view>::format("***", context);
  }
};
