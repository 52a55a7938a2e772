#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ssm::service::detail {

/// An opaque NextToken: 8 bytes of position and a MAC over it and the query, so that a token works
/// only for the query that returned it and a made-up one is recognised.
[[nodiscard]] std::string make_page_token(std::span<const std::byte> key, std::string_view query,
                                          std::uint64_t position);
[[nodiscard]] std::optional<std::uint64_t> read_page_token(std::span<const std::byte> key,
                                                           std::string_view query,
                                                           std::string_view token);

}  // namespace ssm::service::detail
