#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ssm::service::detail {

using Mac = std::array<std::byte, 32>;

[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);
[[nodiscard]] std::string sha256_hex(std::string_view data);
[[nodiscard]] Mac hmac_sha256(std::span<const std::byte> key, std::string_view data);

/// Without padding.
[[nodiscard]] std::string to_base64url(std::span<const std::byte> bytes);
/// Strict: no padding, no other characters, no stray bits. nullopt otherwise.
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

}  // namespace ssm::service::detail
