#pragma once

#include <string>

namespace ssmsim {

/// Several lines: version and commit, compiler, libraries.
[[nodiscard]] std::string version_text();

}  // namespace ssmsim
